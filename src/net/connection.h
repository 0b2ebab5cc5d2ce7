// One HTTP connection: reads a request's head, asks the service whether its body may come, reads that
// straight into memory of the right size, hands the request to a worker thread, writes the answer; and again.
// Every wait has a deadline that only progress moves. While nothing comes it holds no buffer. Lives on the
// I/O thread, except for work() and the pieces of long answers.
#pragma once

#include <chrono>
#include <memory>

#include "net/byte_stream.h"
#include "net/http_head.h"
#include "net/piece_queue.h"
#include "net/server_core.h"
#include "net/wakeup.h"

namespace rb::net {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Connection(ServerCore& core, std::unique_ptr<ByteStream> stream, api::Peer peer);

  // The connection's life. The caller keeps it alive meanwhile.
  boost::asio::awaitable<void> run();

  bool is_tls() const { return !peer_.local; }
  bool is_idle() const { return phase_ == Phase::idle || phase_ == Phase::handshake; }
  // Nobody that the service knows has made a request here, and none is under way: when there are too many
  // connections, this one can go.
  bool may_make_room() const { return share_ == 0 && !is_leaving_ && (is_idle() || phase_ == Phase::head); }
  void make_room() {
    is_leaving_ = true;
    abort();
  }
  // Ends it, whatever is under way; run() returns soon, at the latest when the worker has.
  void abort() { stream_->close(); }
  // After run(), however that ended.
  void finish();
  // Ends it when what it waits for is overdue.
  void check_deadline(TimePoint now);

 private:
  enum class Phase : std::uint8_t { handshake, idle, head, request };
  enum class Received : std::uint8_t { all, refused, broken };

  boost::asio::awaitable<bool> shake_hands();
  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Received> read_head();
  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<Received> read_body();
  boost::asio::awaitable<bool> fill_body(Bytes& body);
  boost::asio::awaitable<void> call_service();
  boost::asio::awaitable<void> drain();

  // How an answer goes out: connection_answer.cc.
  boost::asio::awaitable<bool> answer(ConnectionFate fate);
  boost::asio::awaitable<bool> answer_sized(ConnectionFate fate);
  boost::asio::awaitable<bool> answer_streamed(ConnectionFate fate);
  boost::asio::awaitable<bool> end_streamed(Status result, bool head_is_out, ConnectionFate fate);
  boost::asio::awaitable<bool> write(std::string_view before, ByteView middle, std::string_view after);
  std::shared_ptr<PieceQueue> start_stream();

  void work();
  bool make_room_for_head();
  bool enter_share(std::uint64_t share);
  void leave_share();
  void release_budget();
  void refuse(api::Response refusal);
  void wake_up_soon();
  void set_deadline(std::chrono::milliseconds from_now);
  void clear_deadline() { deadline_ = TimePoint::max(); }
  void note_request();
  ByteView buffered() const { return {in_.data() + in_begin_, in_end_ - in_begin_}; }

  ServerCore& core_;
  const std::unique_ptr<ByteStream> stream_;
  api::Peer peer_;

  Bytes in_;  // what has come and is not used yet is [in_begin_, in_end_)
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  Phase phase_ = Phase::handshake;
  bool is_worked_ = false;  // the worker is done with the request
  bool is_leaving_ = false;
  bool unread_body_ = false;  // a refused body is still coming
  std::uint64_t share_ = 0;   // that this connection counts for
  std::size_t budget_held_ = 0;
  std::uint64_t budget_share_ = 0;
  TimePoint deadline_ = TimePoint::max();

  std::uint64_t request_id_ = 0;
  TimePoint request_began_;
  std::uint64_t request_in_ = 0;  // bytes of this request and its answer
  std::uint64_t request_out_ = 0;
  RequestHead head_;
  api::Response response_;
  Wakeup wakeup_;  // a worker has news
};

}  // namespace rb::net
