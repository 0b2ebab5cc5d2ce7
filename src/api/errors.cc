#include "api/errors.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rb::api {

namespace {

using nlohmann::json;

constexpr Errc kAllCodes[] = {Errc::invalid_argument, Errc::not_found, Errc::denied,  Errc::conflict,
                              Errc::missing_refs,     Errc::fenced,    Errc::corrupt, Errc::unsupported,
                              Errc::no_space,         Errc::io,        Errc::busy,    Errc::unavailable,
                              Errc::cancelled,        Errc::protocol};

// A message is for a person's terminal or log: bounded, and without control characters.
constexpr std::size_t kMaxMessageBytes = 2000;

std::string clean_message(std::string message) {
  if (message.size() > kMaxMessageBytes) message.resize(kMaxMessageBytes);
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return message;
}

std::string dump_error(const Error& error) {
  const json body = {{"code", std::string(to_string(error.code))}, {"message", clean_message(error.message)}};
  const bool ascii_only = true;  // so that it may also stand in a header field
  return body.dump(-1, ' ', ascii_only, json::error_handler_t::replace);
}

std::optional<Errc> code_from_name(const std::string& name) {
  for (const Errc code : kAllCodes) {
    if (to_string(code) == name) return code;
  }
  return std::nullopt;
}

std::optional<Error> error_from_json(const json& body) {
  if (!body.is_object()) return std::nullopt;
  const auto code = body.find("code");
  const auto message = body.find("message");
  if (code == body.end() || !code->is_string()) return std::nullopt;
  const std::string text =
      message != body.end() && message->is_string() ? message->get<std::string>() : "no message";
  const std::optional<Errc> known = code_from_name(code->get<std::string>());
  if (!known) return Error(Errc::protocol, clean_message("unknown error code from the server: " + text));
  return Error(*known, clean_message(text));
}

Errc code_from_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    case 410:
      return Errc::fenced;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
      return Errc::unavailable;
    case 501:
    case 505:
      return Errc::unsupported;
    case 507:
      return Errc::no_space;
    default:
      return Errc::protocol;
  }
}

}  // namespace

int http_status(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::protocol:
      return 400;
    case Errc::denied:
      return 403;
    case Errc::not_found:
      return 404;
    case Errc::conflict:
    case Errc::missing_refs:
      return 409;
    case Errc::fenced:
      return 410;
    case Errc::corrupt:
      return 422;
    case Errc::io:
    case Errc::cancelled:
      return 500;
    case Errc::unsupported:
      return 501;
    case Errc::busy:
    case Errc::unavailable:
      return 503;
    case Errc::no_space:
      return 507;
  }
  return 500;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

Response error_response(int status, const Error& error) {
  Response response;
  response.status = status;
  response.headers["content-type"] = "application/json";
  if (error.code == Errc::busy) response.headers["retry-after"] = "2";
  if (error.code == Errc::unavailable) response.headers["retry-after"] = "1";
  append(response.body, as_bytes("{\"error\":" + dump_error(error) + "}"));
  return response;
}

Response error_response(const Error& error) {
  return error_response(http_status(error.code), error);
}

Error decode_error(int status, ByteView body) {
  const std::string_view text = as_text(body);
  const json parsed = json::parse(text.begin(), text.end(), nullptr, false);
  if (parsed.is_object()) {
    const auto inner = parsed.find("error");
    if (inner != parsed.end()) {
      if (std::optional<Error> error = error_from_json(*inner)) return *error;
    }
  }
  return Error(code_from_status(status), fmt::format("the server answered with HTTP status {}", status));
}

std::string encode_error_trailer(const Error& error) {
  return dump_error(error);
}

Error decode_error_trailer(std::string_view value) {
  const json parsed = json::parse(value.begin(), value.end(), nullptr, false);
  if (std::optional<Error> error = error_from_json(parsed)) return *error;
  return Error(Errc::protocol, "the server broke off its answer and gave no reason that can be read");
}

}  // namespace rb::api
