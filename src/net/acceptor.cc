#include "net/acceptor.h"

#include <cerrno>
#include <cstring>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

#include "base/log.h"
#include "net/plain_stream.h"
#include "net/tcp_socket.h"
#include "net/tls_stream.h"

namespace rb::net {

namespace asio = boost::asio;
using asio::awaitable;
using Socket = asio::generic::stream_protocol::socket;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// Taken in a row before those that are open get their turn.
constexpr int kAcceptsAtOnce = 32;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Acceptor::Acceptor(ServerCore& core, ListeningSocket socket, Welcome welcome)
    : core_(core),
      is_tcp_(socket.is_tcp),
      removes_(std::move(socket.removes)),
      descriptor_(core.io, socket.fd.release()),
      welcome_(std::move(welcome)) {}

awaitable<void> Acceptor::run() {
  asio::steady_timer pause(core_.io);
  while (!core_.stopping) {
    const auto [error] = co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
    if (error || core_.stopping) break;
    int problem = 0;
    for (int i = 0; i < kAcceptsAtOnce && problem == 0; i++)
      problem = accept_one();
    if (problem == 0 || problem == EAGAIN) continue;
    // Out of descriptors, most likely: others will close theirs.
    log(LogLevel::warning, "accepting a connection: {}", std::strerror(problem));
    pause.expires_after(kPause);
    const auto [ignored] = co_await pause.async_wait(kTuple);
    (void)ignored;
  }
}

int Acceptor::accept_one() {
  const int fd = ::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    greet(fd);
    return 0;
  }
  // A connection that ended before it was taken is nobody's problem (accept(2) lists these).
  const bool is_its_own = errno == ECONNABORTED || errno == EINTR || errno == EPROTO || errno == ENETDOWN ||
                          errno == EHOSTUNREACH || errno == ENETUNREACH || errno == EPERM;
  return is_its_own ? 0 : errno;
}

void Acceptor::greet(int fd) {
  UniqueFd owned(fd);
  Result<api::Peer> peer = is_tcp_ ? peer_of_tcp(fd) : peer_of_unix(fd);
  if (!peer) return log(LogLevel::debug, "{}", peer.error().message);  // it has gone already
  if (is_tcp_) tune_tcp(fd, core_.options.write_timeout);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  Socket socket(core_.io);
  boost::system::error_code error;
  static_cast<void>(socket.assign(asio::generic::stream_protocol(address.ss_family, 0), fd, error));
  if (error) return log(LogLevel::warning, "taking a connection: {}", error.message());
  (void)owned.release();
  static_cast<void>(socket.native_non_blocking(true, error));  // it is already: accept4() made it so
  if (is_tcp_) return welcome_(make_tls_stream(std::move(socket), context_), std::move(*peer));
  welcome_(make_plain_stream(std::move(socket)), std::move(*peer));
}

void Acceptor::close() {
  boost::system::error_code ignored;
  static_cast<void>(descriptor_.close(ignored));
}

}  // namespace rb::net
