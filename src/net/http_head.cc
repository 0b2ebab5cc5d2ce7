#include "net/http_head.h"

#include <algorithm>
#include <charconv>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <fmt/format.h>

#include "api/errors.h"
#include "net/ascii.h"

namespace rb::net {

namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::empty_body>;

std::unexpected<api::Response> refuse(int status, const char* why) {
  return std::unexpected(api::error_response(status, Error(Errc::protocol, why)));
}

// A field that is given twice is joined, as RFC 9110 says. All our own take one value, so a doubled one reads
// as none of the values we know, and is refused by whoever reads it.
std::map<std::string, std::string> fields_of(const Parser::value_type& message) {
  std::map<std::string, std::string> fields;
  for (const auto& field : message) {
    const std::string name = lower_case({field.name_string().data(), field.name_string().size()});
    const std::string value(field.value());
    const auto [at, is_new] = fields.emplace(name, value);
    if (!is_new) at->second += ", " + value;
  }
  return fields;
}

bool is_decimal(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A value must not end its line, whatever it was made of.
std::string single_line(std::string_view value) {
  std::string out(value);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace

std::optional<std::size_t> find_head_end(ByteView bytes) {
  const std::size_t end = as_text(bytes).find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  return end + 4;
}

std::expected<RequestHead, api::Response> parse_head(ByteView head) {
  Parser parser;
  parser.header_limit(kMaxHeadBytes);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error && error != http::error::need_more) return refuse(400, "the request is not HTTP");
  if (!parser.is_header_done()) return refuse(400, "the request is not HTTP");
  const auto& message = parser.get();
  if (message.version() != 11) return refuse(505, "only HTTP/1.1 is spoken here");

  RequestHead out;
  out.request.method = std::string(message.method_string());
  out.request.target = std::string(message.target());
  out.request.headers = fields_of(message);
  const auto& fields = out.request.headers;
  // Its length is what admits a body; nobody needs one without.
  if (fields.contains("transfer-encoding")) return refuse(411, "a body needs a Content-Length");
  if (const auto at = fields.find("content-length"); at != fields.end()) {
    if (!is_decimal(at->second)) return refuse(400, "the Content-Length is not a number");
    std::from_chars(at->second.data(), at->second.data() + at->second.size(), out.content_length);
  }
  if (!fields.contains("host")) return refuse(400, "a request needs the header field Host");
  if (const auto at = fields.find("expect"); at != fields.end()) {
    if (lower_case(at->second) != "100-continue") return refuse(417, "only 100-continue can be expected");
    out.expects_continue = true;
  }
  out.keep_alive = parser.keep_alive();
  return out;
}

std::string encode_request_head(const api::Request& request, const std::string& host,
                                const std::string& authorization, std::uint64_t body_bytes) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\nhost: {}\r\n", request.method, request.target, host);
  if (!authorization.empty()) head += fmt::format("authorization: {}\r\n", single_line(authorization));
  for (const auto& [name, value] : request.headers)
    head += fmt::format("{}: {}\r\n", name, single_line(value));
  const bool may_have_body = request.method == "POST" || request.method == "PUT";
  if (may_have_body || body_bytes > 0) head += fmt::format("content-length: {}\r\n", body_bytes);
  return head + "\r\n";
}

std::string encode_answer_head(const api::Response& response, BodyFraming framing, ConnectionFate fate) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, api::reason_phrase(response.status));
  for (const auto& [name, value] : response.headers) {
    head += fmt::format("{}: {}\r\n", name, single_line(value));
  }
  if (framing == BodyFraming::chunked) {
    head += fmt::format("transfer-encoding: chunked\r\ntrailer: {}\r\n", api::kErrorTrailer);
  } else if (response.status != 204) {
    head += fmt::format("content-length: {}\r\n", response.body.size());
  }
  if (fate == ConnectionFate::close) head += "connection: close\r\n";
  return head + "\r\n";
}

}  // namespace rb::net
