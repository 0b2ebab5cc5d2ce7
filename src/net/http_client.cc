#include "net/http_client.h"

#include <algorithm>
#include <cstring>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/log.h"
#include "net/ascii.h"

namespace rb::net {

namespace {

// The longest list that comes as JSON (wanted ids) stays far below.
constexpr std::size_t kMaxCollectedBytes = 16 << 20;
// An answer's head: libcurl bounds each line, we bound their sum.
constexpr std::size_t kMaxAnswerHeadBytes = 64 << 10;
constexpr long kUploadBufferBytes = 2 << 20;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// The body of a request: its own bytes and the parts, as one sequence that can be read again from the start.
class UploadBody {
 public:
  UploadBody(ByteView first, std::span<const Bytes> rest) : first_(first), rest_(rest) {
    size_ = first.size();
    for (const Bytes& part : rest)
      size_ += part.size();
  }

  std::size_t size() const { return size_; }

  std::size_t read(std::uint8_t* out, std::size_t room) {
    std::size_t done = 0;
    while (done < room && part_ <= rest_.size()) {
      const ByteView part = part_ == 0 ? first_ : ByteView(rest_[part_ - 1]);
      const std::size_t take = std::min(room - done, part.size() - at_);
      if (take > 0) std::memcpy(out + done, part.data() + at_, take);
      done += take;
      at_ += take;
      if (at_ < part.size()) break;
      part_++;
      at_ = 0;
    }
    return done;
  }

  void rewind() { part_ = at_ = 0; }

 private:
  ByteView first_;
  std::span<const Bytes> rest_;
  std::size_t size_ = 0;
  std::size_t part_ = 0;  // 0 is first_
  std::size_t at_ = 0;
};

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
    text.remove_suffix(1);
  return std::string(text);
}

// What one exchange has come to; libcurl's callbacks write here.
struct Progress {
  Progress(const Exchange& what, CURL* easy)
      : exchange(what), curl(easy), upload(what.request->body, what.parts) {}

  const Exchange& exchange;
  CURL* const curl;
  UploadBody upload;
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

std::size_t on_upload(char* out, std::size_t size, std::size_t count, void* opaque) {
  return static_cast<Progress*>(opaque)->upload.read(reinterpret_cast<std::uint8_t*>(out), size * count);
}

int on_rewind(void* opaque, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Progress*>(opaque)->upload.rewind();
  return CURL_SEEKFUNC_OK;
}

// libcurl repeats a request by itself when a kept connection turns out to be dead, and does not always rewind
// the body first (7.88, when it had read the body but not counted it as sent). The server would then take the
// start of the next request for the rest of this body. So the body is rewound whenever a request begins on a
// connection.
int on_request_start(void* opaque, char*, char*, int, int) {
  static_cast<Progress*>(opaque)->upload.rewind();
  return CURL_PREREQFUNC_OK;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* opaque) {
  auto& progress = *static_cast<Progress*>(opaque);
  const std::string_view line(data, size * count);
  progress.head_bytes += line.size();
  if (progress.head_bytes > kMaxAnswerHeadBytes) {
    progress.failure = Error(Errc::protocol, "the server's answer has too long a head");
    return 0;
  }
  if (line.starts_with("HTTP/")) {
    progress.answer.headers.clear();  // what came before was a 100 Continue
    progress.head_is_complete = false;
  }
  if (line == "\r\n") progress.head_is_complete = true;
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    progress.answer.headers[lower_case(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  }
  return line.size();
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* opaque) {
  auto& progress = *static_cast<Progress*>(opaque);
  const ByteView piece(reinterpret_cast<const std::uint8_t*>(data), size * count);
  if (progress.exchange.on_body && progress.status() == 200) {
    const Status taken = progress.exchange.on_body(piece);
    if (taken) return piece.size();
    progress.failure = taken.error();
    return 0;
  }
  if (progress.answer.body.size() + piece.size() > kMaxCollectedBytes) {
    progress.failure = Error(Errc::protocol, "the server's answer is too long");
    return 0;
  }
  append(progress.answer.body, piece);
  return piece.size();
}

int on_progress(void* opaque, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancelled = static_cast<Progress*>(opaque)->exchange.cancelled;
  return cancelled && cancelled->load() ? 1 : 0;
}

bool is_transport_failure(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_FAIL_REWIND:
      return true;
    default:
      return false;
  }
}

}  // namespace

class HttpClient::Handle {
 public:
  explicit Handle(const std::string& socket_path) : curl_(curl_easy_init()), socket_path_(socket_path) {}

  Result<api::Response> perform(const Exchange& exchange) {
    if (!curl_) return fail(Errc::io, "libcurl can't be set up");
    curl_easy_reset(curl_.get());  // keeps its connection
    Progress progress(exchange, curl_.get());
    const std::unique_ptr<curl_slist, CurlFree> fields = set_request(*exchange.request, progress);
    set_connection(exchange);
    set_callbacks(progress);
    char text[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl_.get(), CURLOPT_ERRORBUFFER, text);
    const CURLcode code = curl_easy_perform(curl_.get());
    curl_easy_setopt(curl_.get(), CURLOPT_ERRORBUFFER, nullptr);
    if (progress.failure) return std::unexpected(*progress.failure);
    if (code != CURLE_OK) return std::unexpected(error_of(code, text));
    // To libcurl a connection that closes inside the head is an end like any other.
    if (!progress.head_is_complete) return fail(Errc::unavailable, "the server's answer broke off");
    progress.answer.status = progress.status();
    return std::move(progress.answer);
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(curl_.get(), option, value);
    if (code != CURLE_OK) log(LogLevel::warning, "libcurl refuses option {}", static_cast<int>(option));
  }

  std::unique_ptr<curl_slist, CurlFree> set_request(const api::Request& request, const Progress& progress) {
    set(CURLOPT_URL, ("http://localhost" + request.target).c_str());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    const std::size_t size = progress.upload.size();
    const bool has_body = size > 0 || request.method == "POST" || request.method == "PUT";
    if (has_body) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
    }
    curl_slist* list = curl_slist_append(nullptr, "Expect:");  // nobody waits for a 100
    if (!request.headers.contains("content-type")) list = curl_slist_append(list, "Content-Type:");
    for (const auto& [name, value] : request.headers) {
      list = curl_slist_append(list, (name + ": " + value).c_str());
    }
    set(CURLOPT_HTTPHEADER, list);
    return std::unique_ptr<curl_slist, CurlFree>(list);
  }

  void set_connection(const Exchange& exchange) {
    set(CURLOPT_UNIX_SOCKET_PATH, socket_path_.c_str());
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_PROTOCOLS_STR, "http");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    set(CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
    set(CURLOPT_BUFFERSIZE, 512L << 10);
    if (exchange.stall.count() > 0) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(exchange.stall);
      set(CURLOPT_LOW_SPEED_LIMIT, 1L);
      set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(seconds.count()));
    }
    if (exchange.total.count() > 0) set(CURLOPT_TIMEOUT_MS, static_cast<long>(exchange.total.count()));
  }

  void set_callbacks(Progress& progress) {
    void* const opaque = &progress;
    set(CURLOPT_READFUNCTION, &on_upload);
    set(CURLOPT_READDATA, opaque);
    set(CURLOPT_SEEKFUNCTION, &on_rewind);
    set(CURLOPT_SEEKDATA, opaque);
    set(CURLOPT_PREREQFUNCTION, &on_request_start);
    set(CURLOPT_PREREQDATA, opaque);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, opaque);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, opaque);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, opaque);
    set(CURLOPT_NOPROGRESS, 0L);
  }

  Error error_of(CURLcode code, const char* text) const {
    const std::string what = *text ? text : curl_easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK) return Error(Errc::cancelled, "cancelled");
    if (!is_transport_failure(code)) {
      return Error(Errc::protocol, fmt::format("the server's answer can't be understood: {}", what));
    }
    long sys_errno = 0;
    if (code == CURLE_COULDNT_CONNECT) curl_easy_getinfo(curl_.get(), CURLINFO_OS_ERRNO, &sys_errno);
    return Error(Errc::unavailable, fmt::format("the connection to {} failed: {}", socket_path_, what),
                 static_cast<int>(sys_errno));
  }

  std::unique_ptr<CURL, CurlFree> curl_;
  const std::string& socket_path_;
};

HttpClient::HttpClient(std::string socket_path) : socket_path_(std::move(socket_path)) {
  init_curl_once();
}
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handle> HttpClient::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>(socket_path_);
  std::unique_ptr<Handle> handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void HttpClient::give_back(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(handle));
}

Result<api::Response> HttpClient::perform(const Exchange& exchange) {
  std::unique_ptr<Handle> handle = take();
  Result<api::Response> answer = handle->perform(exchange);
  give_back(std::move(handle));
  return answer;
}

}  // namespace rb::net
