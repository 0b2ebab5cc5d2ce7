#include "net/server.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "net/acceptor.h"
#include "net/connection_table.h"
#include "net/descriptor_limit.h"

namespace rb::net {

namespace asio = boost::asio;
using asio::awaitable;
using std::chrono::milliseconds;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// For a connection too many on a Unix socket: said at once, without waiting for a request.
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

// Says it and hangs up.
awaitable<void> turn_away(std::unique_ptr<ByteStream> stream) {
  const asio::const_buffer text(kTooMany.data(), kTooMany.size());
  const std::span<const asio::const_buffer> buffers(&text, 1);
  const Transfer ignored = co_await stream->write_all(buffers);
  (void)ignored;
  stream->close();
}

class RunningServer final : public Server {
 public:
  RunningServer(api::Service& service, ServerOptions options, std::vector<ListeningSocket> sockets,
                std::shared_ptr<const TlsContext> context)
      : core_(service, std::move(options)), ticker_(core_.io), guard_(core_.io.get_executor()) {
    for (ListeningSocket& socket : sockets)
      listen(std::move(socket), context);
    spawn(tick());
    thread_ = std::thread([this] { core_.io.run(); });
  }

  ~RunningServer() override { stop(milliseconds(0)); }

  std::vector<std::string> addresses() const override { return addresses_; }

  Status reload_tls() override {
    if (!core_.options.tls) return {};
    RB_TRY(const std::shared_ptr<const TlsContext> context, TlsContext::load(*core_.options.tls));
    asio::post(core_.io, [this, context] {
      for (const auto& acceptor : acceptors_)
        acceptor->use(context);
    });
    return {};
  }

  ServerStats stats() const override {
    ServerStats out = core_.counters.snapshot();
    out.max_connections = core_.options.max_connections;
    return out;
  }

  void stop(milliseconds grace) override {
    if (stopped_.exchange(true)) return;
    run_and_wait([this] { stop_accepting(); });
    if (!connections_.wait_until_empty(grace)) {
      run_and_wait([this] { abort_all(); });
      connections_.wait_until_empty(std::chrono::hours(24 * 365));  // for workers: they use the service
    }
    core_.workers.join();
    core_.streamers.join();
    core_.io.stop();
    thread_.join();
  }

 private:
  using Held = ConnectionTable::Held;

  void listen(ListeningSocket socket, const std::shared_ptr<const TlsContext>& context) {
    if (socket.is_tcp) addresses_.push_back(socket.address);
    auto welcome = [this](std::unique_ptr<ByteStream> stream, api::Peer peer) {
      this->welcome(std::move(stream), std::move(peer));
    };
    acceptors_.push_back(std::make_unique<Acceptor>(core_, std::move(socket), std::move(welcome)));
    acceptors_.back()->use(context);
    spawn(acceptors_.back()->run());
  }

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

  void welcome(std::unique_ptr<ByteStream> stream, api::Peer peer) {
    core_.counters.accepted++;
    if (connections_.size() >= core_.options.max_connections && !make_room()) {
      core_.counters.refused_full++;
      if (peer.local) spawn(turn_away(std::move(stream)));
      return;
    }
    auto connection = std::make_shared<Connection>(core_, std::move(stream), std::move(peer));
    connections_.insert(connection);
    open_of(*connection)++;
    spawn(connection->run(), connection);
  }

  // The one that goes closes its descriptor now, and leaves the table a moment later.
  bool make_room() {
    const Held oldest = connections_.oldest_dispensable();
    if (!oldest) return false;
    core_.counters.evicted++;
    oldest->make_room();
    return true;
  }

  void forget(const Held& connection) {
    connection->finish();
    connections_.erase(connection);
    open_of(*connection)--;
  }

  ServerCounters::Counter& open_of(const Connection& connection) {
    return connection.is_tls() ? core_.counters.open_tls : core_.counters.open_unix;
  }

  // One timer for the deadlines of all connections: moving a deadline costs nothing, and being late by a tick
  // is fine.
  awaitable<void> tick() {
    const ServerOptions& options = core_.options;
    const milliseconds shortest = std::min(
        {options.handshake_timeout, options.idle_timeout, options.read_timeout, options.write_timeout});
    const milliseconds period = std::clamp(shortest / 4, milliseconds(5), milliseconds(1000));
    for (;;) {
      ticker_.expires_after(period);
      const auto [error] = co_await ticker_.async_wait(kTuple);
      if (error) break;
      const auto now = std::chrono::steady_clock::now();
      connections_.for_each([now](Connection& connection) { connection.check_deadline(now); });
    }
  }

  void stop_accepting() {
    core_.stopping = true;
    for (const auto& acceptor : acceptors_)
      acceptor->close();
    connections_.for_each([](Connection& connection) {
      if (connection.is_idle()) connection.abort();
    });
  }

  void abort_all() {
    core_.budget.shut_down();
    core_.pacer.shut_down();
    connections_.for_each([](Connection& connection) { connection.abort(); });
  }

  // On the I/O thread. Connections that were accepted before are in the table when it returns.
  void run_and_wait(std::function<void()> action) {
    std::promise<void> done;
    asio::post(core_.io, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }

  ServerCore core_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // I/O thread only
  std::vector<std::string> addresses_;
  asio::steady_timer ticker_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  ConnectionTable connections_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

void bound_connections(ServerOptions& options) {
  const std::size_t possible = raise_descriptor_limit();
  if (options.max_connections <= possible) return;
  log(LogLevel::info, "at most {} connections instead of {}: the limit of open files leaves no more",
      possible, options.max_connections);
  options.max_connections = possible;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(api::Service& service, ServerOptions options) {
  RB_TRY(std::vector<ListeningSocket> sockets, open_listening_sockets(options));
  std::shared_ptr<const TlsContext> context;
  if (options.tls) {
    RB_TRY(context, TlsContext::load(*options.tls));
  }
  const bool has_tcp = std::ranges::any_of(sockets, &ListeningSocket::is_tcp);
  if (has_tcp && !context) {
    return fail(Errc::invalid_argument, "listening on TCP needs a key and a certificate");
  }
  bound_connections(options);
  return std::make_unique<RunningServer>(service, std::move(options), std::move(sockets), std::move(context));
}

}  // namespace rb::net
