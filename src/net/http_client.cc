#include "net/http_client.h"

#include <array>

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/log.h"
#include "net/curl_progress.h"
#include "net/tcp_socket.h"
#include "net/tls_context.h"

namespace rb::net {

namespace {

constexpr long kUploadBufferBytes = 2 << 20;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
// CURL and CURLSH are both void.
struct CurlShareFree {
  void operator()(CURLSH* share) const { curl_share_cleanup(share); }
};

void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// "sha256//BASE64;sha256//BASE64", as libcurl wants it.
std::string pinned_keys(const std::vector<api::KeyPin>& pins) {
  std::string out;
  for (const api::KeyPin& pin : pins) {
    std::array<unsigned char, 4 * ((api::KeyPin::kSize + 2) / 3) + 1> text{};
    EVP_EncodeBlock(text.data(), pin.bytes.data(), static_cast<int>(api::KeyPin::kSize));
    out += fmt::format("{}sha256//{}", out.empty() ? "" : ";", reinterpret_cast<const char*>(text.data()));
  }
  return out;
}

bool is_transport_failure(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
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

// TLS sessions, for all handles: a further connection needs no signature of the server.
class HttpClient::SharedSessions {
 public:
  SharedSessions() : share_(curl_share_init()) {
    if (!share_) return;
    curl_share_setopt(share_.get(), CURLSHOPT_LOCKFUNC, &lock);
    curl_share_setopt(share_.get(), CURLSHOPT_UNLOCKFUNC, &unlock);
    curl_share_setopt(share_.get(), CURLSHOPT_USERDATA, this);
    curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }
  CURLSH* get() const { return share_.get(); }

 private:
  // libcurl locks each kind of data for itself.
  std::mutex& mutex_of(curl_lock_data data) { return mutexes_[static_cast<std::size_t>(data)]; }
  static void lock(CURL*, curl_lock_data data, curl_lock_access, void* opaque) {
    static_cast<SharedSessions*>(opaque)->mutex_of(data).lock();
  }
  static void unlock(CURL*, curl_lock_data data, void* opaque) {
    static_cast<SharedSessions*>(opaque)->mutex_of(data).unlock();
  }

  std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes_;
  std::unique_ptr<CURLSH, CurlShareFree> share_;
};

class HttpClient::Handle {
 public:
  Handle(const HttpTarget& target, RateLimit& rate, CURLSH* sessions)
      : curl_(curl_easy_init()), target_(target), rate_(rate), sessions_(sessions) {}

  Result<api::Response> perform(const Exchange& exchange) {
    if (!curl_) return fail(Errc::io, "libcurl can't be set up");
    curl_easy_reset(curl_.get());  // keeps its connection
    CurlProgress progress(exchange, target_, rate_, curl_.get(), socket_);
    const std::unique_ptr<curl_slist, CurlFree> fields = set_request(*exchange.request, progress);
    set_connection(exchange);
    install(progress);
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

  std::unique_ptr<curl_slist, CurlFree> set_request(const api::Request& request,
                                                    const CurlProgress& progress) {
    const std::string origin = is_tls() ? "https://" + target_.address : "http://localhost";
    set(CURLOPT_URL, (origin + request.target).c_str());
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
      list = curl_slist_append(list, fmt::format("{}: {}", name, value).c_str());
    }
    if (!target_.authorization.empty())
      list = curl_slist_append(list, ("Authorization: " + target_.authorization).c_str());
    set(CURLOPT_HTTPHEADER, list);
    return std::unique_ptr<curl_slist, CurlFree>(list);
  }

  void set_connection(const Exchange& exchange) {
    if (is_tls()) {
      set_tls();
    } else {
      set(CURLOPT_UNIX_SOCKET_PATH, target_.socket_path.c_str());
    }
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_PROTOCOLS_STR, is_tls() ? "https" : "http");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    set(CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
    set(CURLOPT_BUFFERSIZE, rate_.limits() ? static_cast<long>(rate_.piece_bytes()) : 512L << 10);
    if (exchange.stall.count() > 0) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(exchange.stall);
      set(CURLOPT_LOW_SPEED_LIMIT, 1L);
      set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(seconds.count()));
    }
    if (exchange.total.count() > 0) set(CURLOPT_TIMEOUT_MS, static_cast<long>(exchange.total.count()));
  }

  // The pinned key is all the trust there is: it is checked before the first byte of a request. Names and
  // dates in a certificate would add nothing to it, and authorities would only add somebody else to trust.
  void set_tls() {
    set(CURLOPT_PINNEDPUBLICKEY, pinned_keys(target_.pins).c_str());
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
    set(CURLOPT_TLS13_CIPHERS, preferred_cipher_suites().c_str());
    set(CURLOPT_SSL_ENABLE_ALPN, 0L);
    if (sessions_) set(CURLOPT_SHARE, sessions_);
  }

  bool is_tls() const { return target_.socket_path.empty(); }

  Error error_of(CURLcode code, const char* text) const {
    const std::string what = *text ? text : curl_easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK) return Error(Errc::cancelled, "cancelled");
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) return other_key();
    if (is_transport_failure(code)) return no_connection(code, what);
    return Error(Errc::protocol, fmt::format("the server's answer can't be understood: {}", what));
  }

  Error other_key() const {
    return Error(
        Errc::denied,
        fmt::format("the server at {} has another key than the one this machine joined, so nothing was "
                    "sent to it: if the server was really replaced, join again with a new invitation",
                    target_.address));
  }

  Error no_connection(CURLcode code, const std::string& what) const {
    long sys_errno = 0;
    if (code == CURLE_COULDNT_CONNECT) curl_easy_getinfo(curl_.get(), CURLINFO_OS_ERRNO, &sys_errno);
    return Error(Errc::unavailable, fmt::format("the connection to {} failed: {}", target_.name(), what),
                 static_cast<int>(sys_errno));
  }

  std::unique_ptr<CURL, CurlFree> curl_;
  const HttpTarget& target_;
  RateLimit& rate_;
  CURLSH* const sessions_;
  int socket_ = -1;
};

HttpClient::HttpClient(HttpTarget target)
    : target_(std::move(target)),
      rate_(target_.bytes_per_second),
      sessions_((init_curl_once(), std::make_unique<SharedSessions>())) {}
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handle> HttpClient::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>(target_, rate_, sessions_->get());
  std::unique_ptr<Handle> handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void HttpClient::give_back(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(handle));
}

Result<api::Response> HttpClient::perform(const Exchange& exchange) {
  if (target_.socket_path.empty()) {
    RB_TRY(parse_host_port(target_.address));  // it becomes part of a URL
    if (target_.pins.empty()) {
      return fail(Errc::invalid_argument,
                  fmt::format("no key is known for the server at {}: join it first", target_.address));
    }
  }
  std::unique_ptr<Handle> handle = take();
  Result<api::Response> answer = handle->perform(exchange);
  give_back(std::move(handle));
  return answer;
}

}  // namespace rb::net
