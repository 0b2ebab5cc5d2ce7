// One HTTP connection: reads a request's head, asks the service whether its body may come, reads that
// straight into memory of the right size, hands the request to a worker thread, writes the answer; and again.
// Every wait has a deadline that only progress moves. Lives on the I/O thread, except for work() and the
// pieces of long answers.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "net/byte_budget.h"
#include "net/byte_stream.h"
#include "net/http_head.h"
#include "net/piece_queue.h"
#include "net/server.h"
#include "net/wakeup.h"

namespace rb::net {

// What all connections of a server share.
struct ServerCore {
  ServerCore(api::Service& to_call, ServerOptions wanted);

  api::Service& service;
  const ServerOptions options;
  boost::asio::io_context io;
  boost::asio::thread_pool workers;
  // Long answers have threads of their own: a reader that is slow blocks one, and must not block who sends.
  boost::asio::thread_pool streamers;
  ByteBudget budget;
  bool stopping = false;  // I/O thread only
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Connection(ServerCore& core, std::unique_ptr<ByteStream> stream, api::Peer peer);

  // The connection's life. The caller keeps it alive meanwhile.
  boost::asio::awaitable<void> run();

  bool is_idle() const { return idle_; }
  // Ends it, whatever is under way; run() returns soon, at the latest when the worker has.
  void abort() { stream_->close(); }
  // After run(), however that ended.
  void finish();
  // Ends it when what it waits for is overdue.
  void check_deadline(TimePoint now);

 private:
  enum class Received : std::uint8_t { all, refused, broken };

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Received> read_head();
  boost::asio::awaitable<Received> read_body();
  boost::asio::awaitable<bool> fill_body(Bytes& body);
  boost::asio::awaitable<void> call_service();
  boost::asio::awaitable<bool> answer(ConnectionFate fate);
  boost::asio::awaitable<bool> answer_sized(ConnectionFate fate);
  boost::asio::awaitable<bool> answer_streamed(ConnectionFate fate);
  boost::asio::awaitable<bool> end_streamed(Status result, bool head_is_out, ConnectionFate fate);
  boost::asio::awaitable<bool> write(std::string_view before, ByteView middle, std::string_view after);
  boost::asio::awaitable<void> drain();

  void work();
  std::shared_ptr<PieceQueue> start_stream();
  void refuse(api::Response refusal);
  void wake_up_soon();
  void set_deadline(std::chrono::milliseconds from_now);
  void clear_deadline() { deadline_ = TimePoint::max(); }
  ByteView buffered() const { return {in_.data() + in_begin_, in_end_ - in_begin_}; }

  ServerCore& core_;
  const std::unique_ptr<ByteStream> stream_;
  api::Peer peer_;

  Bytes in_;  // what has come and is not used yet is [in_begin_, in_end_)
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  bool idle_ = true;          // between requests
  bool is_worked_ = false;    // the worker is done with the request
  bool unread_body_ = false;  // a refused body is still coming
  std::size_t budget_held_ = 0;
  TimePoint deadline_ = TimePoint::max();

  RequestHead head_;
  api::Response response_;
  Wakeup wakeup_;  // a worker has news
};

}  // namespace rb::net
