#include "net/server.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/log.h"
#include "net/connection.h"
#include "net/unix_listener.h"
#include "net/unix_stream.h"

namespace rb::net {

namespace asio = boost::asio;
using asio::awaitable;
using UnixSocket = asio::local::stream_protocol::socket;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Who is at the other end of a Unix socket, in the kernel's words.
Result<api::Peer> peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return fail_errno("asking who connects", errno);
  }
  api::Peer peer;
  peer.uid = credentials.uid;
  peer.address = fmt::format("unix, pid {}", credentials.pid);
  return peer;
}

// For a connection too many: said at once, without waiting for a request.
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

class UnixServer final : public Server {
 public:
  UnixServer(api::Service& service, ServerOptions options, UnixListener listener)
      : core_(service, std::move(options)),
        listener_(std::move(listener)),
        acceptor_(core_.io),
        ticker_(core_.io),
        guard_(core_.io.get_executor()) {
    acceptor_.assign(asio::local::stream_protocol(), listener_.release_fd());
    spawn(accept_all());
    spawn(tick());
    thread_ = std::thread([this] { core_.io.run(); });
  }

  ~UnixServer() override { stop(std::chrono::milliseconds(0)); }

  std::vector<std::string> addresses() const override { return {}; }
  Status reload_tls() override { return {}; }

  void stop(std::chrono::milliseconds grace) override {
    if (stopped_.exchange(true)) return;
    asio::post(core_.io, [this] { stop_accepting(); });
    if (!wait_until_empty(grace)) {
      asio::post(core_.io, [this] { abort_all(); });
      wait_until_empty(std::chrono::hours(24 * 365));  // for workers: they use the service
    }
    core_.workers.join();
    core_.streamers.join();
    core_.io.stop();
    thread_.join();
  }

 private:
  using Held = std::shared_ptr<Connection>;

  // A coroutine that belongs to the server. Its exception, a bug or no memory, is logged, never lost.
  void spawn(awaitable<void> work, Held held = nullptr) {
    asio::co_spawn(core_.io, std::move(work), [this, held](std::exception_ptr problem) {
      log_exception(problem);
      if (held) forget(held);
    });
  }

  static void log_exception(const std::exception_ptr& problem) {
    if (!problem) return;
    try {
      std::rethrow_exception(problem);
    } catch (const std::exception& what) {
      log(LogLevel::error, "a connection failed: {}", what.what());
    }
  }

  awaitable<void> accept_all() {
    while (!core_.stopping) {
      auto [error, socket] = co_await acceptor_.async_accept(kTuple);
      if (error == asio::error::operation_aborted || core_.stopping) break;
      if (!error) {
        welcome(std::move(socket));
        continue;
      }
      // Out of descriptors, most likely: others will close theirs.
      log(LogLevel::warning, "accepting a connection: {}", error.message());
      asio::steady_timer pause(core_.io, std::chrono::milliseconds(100));
      const auto [ignored] = co_await pause.async_wait(kTuple);
      (void)ignored;
    }
  }

  void welcome(UnixSocket socket) {
    if (connections_.size() >= core_.options.max_connections) {
      ::send(socket.native_handle(), kTooMany.data(), kTooMany.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      return;
    }
    Result<api::Peer> peer = peer_of(socket.native_handle());
    if (!peer) return log(LogLevel::warning, "{}", peer.error().message);
    auto connection =
        std::make_shared<Connection>(core_, make_unix_stream(std::move(socket)), std::move(*peer));
    connections_.insert(connection);
    count_open(+1);
    spawn(connection->run(), connection);
  }

  void forget(const Held& connection) {
    connection->finish();
    connections_.erase(connection);
    count_open(-1);
  }

  // One timer for the deadlines of all connections: moving a deadline costs nothing, and being late by a tick
  // is fine.
  awaitable<void> tick() {
    const auto shortest = std::min({std::chrono::milliseconds(core_.options.idle_timeout),
                                    std::chrono::milliseconds(core_.options.read_timeout),
                                    std::chrono::milliseconds(core_.options.write_timeout)});
    const auto period =
        std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(1000));
    for (;;) {
      ticker_.expires_after(period);
      const auto [error] = co_await ticker_.async_wait(kTuple);
      if (error) break;
      const auto now = std::chrono::steady_clock::now();
      for (const Held& connection : connections_)
        connection->check_deadline(now);
    }
  }

  void stop_accepting() {
    core_.stopping = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (const Held& connection : connections_) {
      if (connection->is_idle()) connection->abort();
    }
  }

  void abort_all() {
    core_.budget.shut_down();
    for (const Held& connection : connections_)
      connection->abort();
  }

  void count_open(int change) {
    const std::lock_guard lock(open_mutex_);
    open_ += change;
    open_changed_.notify_all();
  }

  // A connection that was accepted but not yet counted is closed by stop_accepting(), which runs after it
  // was.
  bool wait_until_empty(std::chrono::milliseconds at_most) {
    std::promise<void> reached;
    asio::post(core_.io, [&] { reached.set_value(); });
    reached.get_future().wait();
    std::unique_lock lock(open_mutex_);
    return open_changed_.wait_for(lock, at_most, [&] { return open_ == 0; });
  }

  ServerCore core_;
  UnixListener listener_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer ticker_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::set<Held> connections_;  // I/O thread only
  std::mutex open_mutex_;
  std::condition_variable open_changed_;
  int open_ = 0;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(api::Service& service, ServerOptions options) {
  RB_TRY(UnixListener listener, UnixListener::open(options.socket_path));
  return std::make_unique<UnixServer>(service, std::move(options), std::move(listener));
}

}  // namespace rb::net
