// Answers as the service's parts make them.
#pragma once

#include <string>

#include "api/service.h"

namespace rb::api {

inline Response text_response(int status, const char* content_type, std::string_view text) {
  Response response;
  response.status = status;
  response.headers["content-type"] = content_type;
  append(response.body, as_bytes(text));
  return response;
}

inline Response json_response(int status, std::string_view text) {
  return text_response(status, "application/json", text);
}

inline Response binary_response(Bytes body) {
  Response response;
  response.headers["content-type"] = "application/octet-stream";
  response.body = std::move(body);
  return response;
}

inline Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

inline std::string header_of(const Request& request, const char* name) {
  const auto at = request.headers.find(name);
  return at == request.headers.end() ? std::string() : at->second;
}

}  // namespace rb::api
