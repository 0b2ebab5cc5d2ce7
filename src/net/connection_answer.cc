// The second half of a Connection: how an answer goes out.
#include <algorithm>
#include <array>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "api/errors.h"
#include "base/log.h"
#include "net/connection.h"

namespace rb::net {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

// A deadline moves on once so much has gone.
constexpr std::size_t kWriteStepBytes = 256 << 10;
// Where rates are limited: small against a second's worth.
constexpr std::size_t kPacedStepBytes = 64 << 10;
// How far ahead of its reader a long answer is made.
constexpr std::size_t kPiecesAheadBytes = 1 << 20;

Status run_stream(const std::function<Status(const api::Response::PieceSink&)>& stream, PieceQueue& queue) {
  try {
    return stream([&queue](ByteView piece) { return queue.push(piece); });
  } catch (const std::exception& problem) {
    log(LogLevel::error, "an answer failed: {}", problem.what());
    return fail(Errc::io, "the server failed at this answer; its log says why");
  }
}

// Whatever ends the reading of a queue, its writer is to know.
class QueueReader {
 public:
  explicit QueueReader(std::shared_ptr<PieceQueue> queue) : queue_(std::move(queue)) {}
  ~QueueReader() { queue_->close(); }
  QueueReader(const QueueReader&) = delete;
  PieceQueue* operator->() const { return queue_.get(); }

 private:
  const std::shared_ptr<PieceQueue> queue_;
};

}  // namespace

awaitable<bool> Connection::answer(ConnectionFate fate) {
  if (head_.request.method == "HEAD") {
    response_.stream = nullptr;
    response_.body.clear();
  }
  if (response_.stream) co_return co_await answer_streamed(fate);
  co_return co_await answer_sized(fate);
}

awaitable<bool> Connection::answer_sized(ConnectionFate fate) {
  const std::string head = encode_answer_head(response_, BodyFraming::sized, fate);
  co_return co_await write(head, response_.body, "");
}

// The thread stays with the answer until its last piece has gone: what is made and not yet written is bounded
// by the number of these threads.
std::shared_ptr<PieceQueue> Connection::start_stream() {
  const auto self = shared_from_this();
  auto queue = std::make_shared<PieceQueue>(kPiecesAheadBytes, [self] { self->wake_up_soon(); });
  core_.streamers.submit(share_, [queue, id = request_id_, stream = std::move(response_.stream)]() mutable {
    const LogRequest named(id);
    Status result = run_stream(stream, *queue);
    stream = nullptr;  // ends the service's part before the answer is seen to end
    queue->finish(std::move(result));
    queue->wait_until_read();
  });
  response_.stream = nullptr;
  return queue;
}

awaitable<bool> Connection::answer_streamed(ConnectionFate fate) {
  clear_deadline();
  const QueueReader queue(start_stream());
  std::string head = encode_answer_head(response_, BodyFraming::chunked, fate);
  bool head_is_out = false;
  for (;;) {
    const std::optional<Bytes> piece = queue->pop();
    if (piece) {
      const std::string before = fmt::format("{}{:x}\r\n", head, piece->size());
      const bool written = co_await write(before, *piece, "\r\n");
      if (!written) co_return false;
      head.clear();
      head_is_out = true;
      clear_deadline();
      continue;
    }
    const std::optional<Status> result = queue->result();
    if (result) {
      co_return co_await end_streamed(*result, head_is_out, fate);
    }
    co_await wakeup_.wait();
  }
}

awaitable<bool> Connection::end_streamed(Status result, bool head_is_out, ConnectionFate fate) {
  if (!head_is_out && !result) {
    const std::string request = response_.headers["rb-request"];
    response_ = api::error_response(result.error());
    response_.headers["rb-request"] = request;
    co_return co_await answer_sized(fate);
  }
  std::string end = head_is_out ? std::string() : encode_answer_head(response_, BodyFraming::chunked, fate);
  end += "0\r\n";
  if (!result)
    end += fmt::format("{}: {}\r\n", api::kErrorTrailer, api::encode_error_trailer(result.error()));
  end += "\r\n";
  co_return co_await write(end, ByteView(), "");
}

// In steps, so that a slow reader is told from one that does not read.
awaitable<bool> Connection::write(std::string_view before, ByteView middle, std::string_view after) {
  const bool is_paced = core_.pacer.limits();
  const std::size_t step_bytes = is_paced ? kPacedStepBytes : kWriteStepBytes;
  for (;;) {
    const ByteView step = middle.first(std::min(middle.size(), step_bytes));
    middle = middle.subspan(step.size());
    const std::string_view end = middle.empty() ? after : std::string_view();
    const std::array<asio::const_buffer, 3> buffers = {asio::const_buffer(before.data(), before.size()),
                                                       asio::const_buffer(step.data(), step.size()),
                                                       asio::const_buffer(end.data(), end.size())};
    set_deadline(core_.options.write_timeout);
    const Transfer sent = co_await stream_->write_all(buffers);
    request_out_ += sent.bytes;
    core_.counters.bytes_out += sent.bytes;
    if (sent.error) co_return false;
    if (is_paced) {
      clear_deadline();
      co_await core_.pacer.pay(share_, sent.bytes);
    }
    if (middle.empty()) co_return true;
    before = {};
  }
}

}  // namespace rb::net
