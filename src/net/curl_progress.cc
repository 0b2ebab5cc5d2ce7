#include "net/curl_progress.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/ascii.h"
#include "net/tcp_socket.h"
#include "net/tls_context.h"

namespace rb::net {

namespace {

// The longest list that comes as JSON (wanted ids) stays far below.
constexpr std::size_t kMaxCollectedBytes = 16 << 20;
// An answer's head: libcurl bounds each line, we bound their sum.
constexpr std::size_t kMaxAnswerHeadBytes = 64 << 10;
// How often a connection is looked at for signs of life.
constexpr std::chrono::seconds kLookEvery{1};
// What the kernel waits for an acknowledgement. Only where ours fails: it also counts while the server takes
// nothing because it has much to do, which silence_of_tcp_peer() does not.
constexpr std::chrono::minutes kKernelPatience{5};

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
    text.remove_suffix(1);
  return std::string(text);
}

bool is_over_tcp(const CurlProgress& progress) {
  return progress.target.socket_path.empty() && progress.socket >= 0;
}

void cork(CurlProgress& progress, bool is_corked) {
  if (progress.is_corked == is_corked || !is_over_tcp(progress)) return;
  progress.is_corked = is_corked;
  cork_tcp(progress.socket, is_corked);
}

std::size_t on_upload(char* out, std::size_t size, std::size_t count, void* opaque) {
  auto& progress = *static_cast<CurlProgress*>(opaque);
  std::size_t room = size * count;
  // Sleeping here holds up nobody else: every exchange has its own thread.
  if (progress.rate.limits()) room = std::min(room, progress.rate.piece_bytes());
  const std::size_t read = progress.upload.read(reinterpret_cast<std::uint8_t*>(out), room);
  progress.rate.pay(read, progress.exchange.cancelled);
  if (read > kTlsRecordBytes) cork(progress, true);
  return read;
}

int on_rewind(void* opaque, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<CurlProgress*>(opaque)->upload.rewind();
  return CURL_SEEKFUNC_OK;
}

curl_socket_t on_open_socket(void* opaque, curlsocktype, curl_sockaddr* address) {
  int& socket = static_cast<CurlProgress*>(opaque)->socket;
  socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket >= 0 && address->family != AF_UNIX) tune_tcp(socket, kKernelPatience);
  return socket < 0 ? CURL_SOCKET_BAD : socket;
}

// Whoever made a socket at our server's path would get our files. Root may, and we ourselves, and who was
// named.
Status check_socket_owner(const HttpTarget& target, int fd) {
  ucred owner{};
  socklen_t size = sizeof owner;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) != 0)
    return fail_errno(fmt::format("asking who listens at {}", target.socket_path), errno);
  if (owner.uid == 0 || owner.uid == ::geteuid() || owner.uid == target.socket_owner) return {};
  return fail(Errc::denied, fmt::format("the server at {} is run by uid {}, which is neither root nor you: "
                                        "nothing was sent to it",
                                        target.socket_path, owner.uid));
}

int port_of(int fd) {
  const Result<std::string> address = local_address(fd);
  const Result<HostPort> split = address ? parse_host_port(*address) : std::unexpected(address.error());
  return split ? std::stoi(split->port) : -1;
}

// libcurl repeats a request by itself when a kept connection turns out to be dead, and does not always rewind
// the body first (7.88, when it had read the body but not counted it as sent). The server would then take the
// start of the next request for the rest of this body. So the body is rewound whenever a request begins on a
// connection.
int on_request_start(void* opaque, char*, char*, int, int local_port) {
  auto& progress = *static_cast<CurlProgress*>(opaque);
  progress.upload.rewind();
  progress.is_corked = false;
  if (progress.target.socket_path.empty()) {
    // Where a name has several addresses, the socket that was opened last may not be the one that was taken.
    if (port_of(progress.socket) != local_port) progress.socket = -1;
    return CURL_PREREQFUNC_OK;
  }
  const Status trusted = check_socket_owner(progress.target, progress.socket);
  if (trusted) return CURL_PREREQFUNC_OK;
  progress.failure = trusted.error();
  return CURL_PREREQFUNC_ABORT;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* opaque) {
  auto& progress = *static_cast<CurlProgress*>(opaque);
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
  auto& progress = *static_cast<CurlProgress*>(opaque);
  const ByteView piece(reinterpret_cast<const std::uint8_t*>(data), size * count);
  progress.rate.pay(piece.size(), progress.exchange.cancelled);
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

// A peer whose machine or network has gone says nothing at all, not even to TCP's probes. (The kernel's own
// way to notice, TCP_USER_TIMEOUT, would also end connections to a server that is merely busy.)
bool is_lost(CurlProgress& progress) {
  if (!is_over_tcp(progress)) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now - progress.looked < kLookEvery) return false;
  progress.looked = now;
  return silence_of_tcp_peer(progress.socket) >= progress.target.lost_after;
}

// Called whenever something moved, and at the end.
int on_progress(void* opaque, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) {
  auto& progress = *static_cast<CurlProgress*>(opaque);
  if (std::cmp_greater_equal(uploaded, progress.upload.size())) cork(progress, false);
  const auto* cancelled = progress.exchange.cancelled;
  if (cancelled && cancelled->load()) return 1;
  if (!is_lost(progress)) return 0;
  progress.failure =
      Error(Errc::unavailable, fmt::format("nothing was heard from {} any more", progress.target.name()),
            ETIMEDOUT);
  return 1;
}

template <typename Value>
void set(CURL* curl, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(curl, option, value);
  if (code != CURLE_OK) log(LogLevel::warning, "libcurl refuses option {}", static_cast<int>(option));
}

}  // namespace

void install(CurlProgress& progress) {
  void* const opaque = &progress;
  set(progress.curl, CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  set(progress.curl, CURLOPT_OPENSOCKETDATA, opaque);
  set(progress.curl, CURLOPT_READFUNCTION, &on_upload);
  set(progress.curl, CURLOPT_READDATA, opaque);
  set(progress.curl, CURLOPT_SEEKFUNCTION, &on_rewind);
  set(progress.curl, CURLOPT_SEEKDATA, opaque);
  set(progress.curl, CURLOPT_PREREQFUNCTION, &on_request_start);
  set(progress.curl, CURLOPT_PREREQDATA, opaque);
  set(progress.curl, CURLOPT_HEADERFUNCTION, &on_header);
  set(progress.curl, CURLOPT_HEADERDATA, opaque);
  set(progress.curl, CURLOPT_WRITEFUNCTION, &on_body);
  set(progress.curl, CURLOPT_WRITEDATA, opaque);
  set(progress.curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(progress.curl, CURLOPT_XFERINFODATA, opaque);
  set(progress.curl, CURLOPT_NOPROGRESS, 0L);
}

}  // namespace rb::net
