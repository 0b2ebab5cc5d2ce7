// What one exchange over libcurl has come to, and the callbacks that write it down. For net/http_client.cc.
#pragma once

#include <chrono>
#include <optional>

#include <curl/curl.h>

#include "net/http_client.h"
#include "net/upload_body.h"

namespace rb::net {

struct CurlProgress {
  CurlProgress(const Exchange& what, const HttpTarget& where, RateLimit& limit, CURL* easy,
               int& handles_socket)
      : exchange(what),
        target(where),
        rate(limit),
        curl(easy),
        socket(handles_socket),
        upload(what.request->body, what.parts) {}

  const Exchange& exchange;
  const HttpTarget& target;
  RateLimit& rate;
  CURL* const curl;
  int& socket;  // that the handle opened last; it has one connection at a time
  std::chrono::steady_clock::time_point looked = std::chrono::steady_clock::now();
  UploadBody upload;
  bool is_corked = false;  // that socket, by this exchange
  api::Response answer;
  std::size_t head_bytes = 0;
  bool head_is_complete = false;
  std::optional<Error> failure;  // why a callback ended it

  int status() const {
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }
};

// Makes the exchange's handle report to it. It has to outlive the exchange only.
void install(CurlProgress& progress);

}  // namespace rb::net
