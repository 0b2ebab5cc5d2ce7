#include "net/connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <pwd.h>

#include "api/errors.h"
#include "base/log.h"

namespace rb::net {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

// A deadline moves on once so much has come or gone, so that a peer can't stretch a transfer by single bytes.
constexpr std::size_t kReadStepBytes = 64 << 10;
constexpr std::size_t kWriteStepBytes = 256 << 10;
// How far ahead of its reader a long answer is made.
constexpr std::size_t kPiecesAheadBytes = 1 << 20;
// How much of a refused body is read away, so that the peer gets to read the refusal, and for how long.
constexpr std::size_t kDrainBytes = 64 << 20;
constexpr std::chrono::seconds kDrainTime{2};

std::string user_name(std::uint32_t uid) {
  std::vector<char> buffer(64 << 10);  // directory services give long entries
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return {};
  return found->pw_name;
}

api::Response failure_response(const char* what) {
  log(LogLevel::error, "a request failed: {}", what);
  return api::error_response(Error(Errc::io, "the server failed at this request; its log says why"));
}

Status run_stream(const std::function<Status(const api::Response::PieceSink&)>& stream, PieceQueue& queue) {
  try {
    return stream([&queue](ByteView piece) { return queue.push(piece); });
  } catch (const std::exception& problem) {
    log(LogLevel::error, "an answer failed: {}", problem.what());
    return fail(Errc::io, "the server failed at this answer; its log says why");
  }
}

}  // namespace

ServerCore::ServerCore(api::Service& to_call, ServerOptions wanted)
    : service(to_call),
      options(std::move(wanted)),
      io(1),
      workers(static_cast<std::size_t>(std::max(1, options.worker_threads))),
      streamers(static_cast<std::size_t>(std::max(1, options.stream_threads))),
      budget(io.get_executor(), options.body_budget_bytes) {}

Connection::Connection(ServerCore& core, std::unique_ptr<ByteStream> stream, api::Peer peer)
    : core_(core),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      in_(kMaxHeadBytes),
      wakeup_(core.io.get_executor()) {}

void Connection::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = std::chrono::steady_clock::now() + from_now;
}

void Connection::check_deadline(TimePoint now) {
  if (now < deadline_) return;
  log(LogLevel::debug, "a connection of uid {} made no progress and is closed", peer_.uid);
  clear_deadline();
  stream_->close();
}

awaitable<void> Connection::run() {
  bool go_on = true;
  while (go_on) {
    go_on = co_await serve_one();
  }
  if (unread_body_) co_await drain();
  clear_deadline();
  stream_->close();
}

void Connection::finish() {
  stream_->close();
  if (budget_held_ > 0) core_.budget.release(std::exchange(budget_held_, 0));
}

// False when this was the last request of the connection.
awaitable<bool> Connection::serve_one() {
  response_ = {};
  Received received = co_await read_head();
  if (received == Received::all) received = co_await read_body();
  if (received == Received::broken) co_return false;
  if (received == Received::all) {
    co_await call_service();
    core_.budget.release(std::exchange(budget_held_, 0));
  }
  const bool keep = head_.keep_alive && !unread_body_ && !core_.stopping;
  const ConnectionFate fate = keep ? ConnectionFate::keep : ConnectionFate::close;
  const bool written = co_await answer(fate);
  co_return written&& keep;
}

void Connection::refuse(api::Response refusal) {
  response_ = std::move(refusal);
  unread_body_ = true;
}

awaitable<Connection::Received> Connection::read_head() {
  head_ = {};
  idle_ = in_begin_ == in_end_;
  set_deadline(idle_ ? core_.options.idle_timeout : core_.options.read_timeout);
  if (idle_ && core_.stopping) co_return Received::broken;
  std::optional<std::size_t> end = find_head_end(buffered());
  while (!end) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= std::exchange(in_begin_, 0);
    if (in_end_ == in_.size()) {
      refuse(api::error_response(431, Error(Errc::protocol, "the head of the request is too long")));
      co_return Received::refused;
    }
    const std::span<std::uint8_t> room = std::span(in_).subspan(in_end_);
    const Transfer got = co_await stream_->read_some(room);
    if (got.error) co_return Received::broken;
    if (idle_) set_deadline(core_.options.read_timeout);
    idle_ = false;
    in_end_ += got.bytes;
    end = find_head_end(buffered());
  }
  auto head = parse_head(buffered().first(*end));
  in_begin_ += *end;
  if (!head) {
    refuse(std::move(head).error());
    co_return Received::refused;
  }
  head_ = std::move(*head);
  co_return Received::all;
}

awaitable<Connection::Received> Connection::read_body() {
  auto limit = core_.service.admit(peer_, head_.request);
  const std::uint64_t length = head_.content_length;
  if (!limit) {
    response_ = std::move(limit).error();
    unread_body_ = length > 0;
    co_return Received::refused;
  }
  if (length == 0) co_return Received::all;
  if (length > limit->max_body_bytes || length > core_.options.body_budget_bytes) {
    refuse(api::error_response(413, Error(Errc::protocol, "the body is too large")));
    co_return Received::refused;
  }
  clear_deadline();  // waiting for others is not the peer's fault
  const bool granted = co_await core_.budget.acquire(length);
  if (!granted) co_return Received::broken;
  budget_held_ = length;
  Bytes body(length);
  const bool complete = co_await fill_body(body);
  if (!complete) {
    core_.budget.release(std::exchange(budget_held_, 0));
    co_return Received::broken;
  }
  head_.request.body = std::move(body);
  co_return Received::all;
}

awaitable<bool> Connection::fill_body(Bytes& body) {
  std::size_t filled = std::min(body.size(), buffered().size());
  std::memcpy(body.data(), buffered().data(), filled);
  in_begin_ += filled;
  if (head_.expects_continue && filled == 0) {
    const bool told = co_await write("HTTP/1.1 100 Continue\r\n\r\n", ByteView(), "");
    if (!told) co_return false;
  }
  set_deadline(core_.options.read_timeout);
  std::size_t next_step = filled + kReadStepBytes;
  while (filled < body.size()) {
    const std::span<std::uint8_t> room = std::span(body).subspan(filled);
    const Transfer got = co_await stream_->read_some(room);
    if (got.error) co_return false;
    filled += got.bytes;
    if (filled < next_step) continue;
    set_deadline(core_.options.read_timeout);
    next_step = filled + kReadStepBytes;
  }
  co_return true;
}

awaitable<void> Connection::call_service() {
  clear_deadline();
  is_worked_ = false;
  asio::post(core_.workers, [self = shared_from_this()] {
    self->work();
    asio::post(self->core_.io, [self] {
      self->is_worked_ = true;
      self->wakeup_.set();
    });
  });
  // A wake-up may be a late one of the long answer before.
  while (!is_worked_) {
    co_await wakeup_.wait();
  }
}

// On a worker thread, while the coroutine waits.
void Connection::work() {
  try {
    if (peer_.user.empty()) peer_.user = user_name(peer_.uid);
    response_ = core_.service.handle(peer_, head_.request);
  } catch (const std::exception& problem) {
    response_ = failure_response(problem.what());
  }
  head_.request.body = Bytes();
}

// From any thread. The I/O thread is the one that lets go of the connection.
void Connection::wake_up_soon() {
  asio::post(core_.io, [self = shared_from_this()] { self->wakeup_.set(); });
}

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
  ByteView rest = response_.body;
  const ByteView first = rest.first(std::min(rest.size(), kWriteStepBytes));
  bool written = co_await write(head, first, "");
  rest = rest.subspan(first.size());
  while (written && !rest.empty()) {
    const ByteView step = rest.first(std::min(rest.size(), kWriteStepBytes));
    written = co_await write("", step, "");
    rest = rest.subspan(step.size());
  }
  co_return written;
}

std::shared_ptr<PieceQueue> Connection::start_stream() {
  const auto self = shared_from_this();
  auto queue = std::make_shared<PieceQueue>(kPiecesAheadBytes, [self] { self->wake_up_soon(); });
  asio::post(core_.streamers, [&core = core_, queue, stream = std::move(response_.stream)]() mutable {
    Status result = run_stream(stream, *queue);
    stream = nullptr;  // ends the service's part before the answer is seen to end
    queue->finish(std::move(result));
    asio::post(core.io, [queue = std::move(queue)] {});  // lets go of the connection on its own thread
  });
  response_.stream = nullptr;
  return queue;
}

awaitable<bool> Connection::answer_streamed(ConnectionFate fate) {
  clear_deadline();
  const std::shared_ptr<PieceQueue> queue = start_stream();
  std::string head = encode_answer_head(response_, BodyFraming::chunked, fate);
  bool head_is_out = false;
  for (;;) {
    const std::optional<Bytes> piece = queue->pop();
    if (piece) {
      const std::string before = fmt::format("{}{:x}\r\n", head, piece->size());
      const bool written = co_await write(before, *piece, "\r\n");
      if (!written) break;
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
  queue->close();
  co_return false;
}

awaitable<bool> Connection::end_streamed(Status result, bool head_is_out, ConnectionFate fate) {
  if (!head_is_out && !result) {
    response_ = api::error_response(result.error());
    co_return co_await answer_sized(fate);
  }
  std::string end = head_is_out ? std::string() : encode_answer_head(response_, BodyFraming::chunked, fate);
  end += "0\r\n";
  if (!result)
    end += fmt::format("{}: {}\r\n", api::kErrorTrailer, api::encode_error_trailer(result.error()));
  end += "\r\n";
  co_return co_await write(end, ByteView(), "");
}

awaitable<bool> Connection::write(std::string_view before, ByteView middle, std::string_view after) {
  const std::array<asio::const_buffer, 3> buffers = {asio::const_buffer(before.data(), before.size()),
                                                     asio::const_buffer(middle.data(), middle.size()),
                                                     asio::const_buffer(after.data(), after.size())};
  set_deadline(core_.options.write_timeout);
  const Transfer sent = co_await stream_->write_all(buffers);
  co_return !sent.error;
}

// Reads away what a peer still sends after it was refused: closing at once would take the answer from it.
awaitable<void> Connection::drain() {
  stream_->end_writing();
  set_deadline(kDrainTime);
  std::size_t drained = 0;
  while (drained < kDrainBytes) {
    const std::span<std::uint8_t> room(in_);
    const Transfer got = co_await stream_->read_some(room);
    if (got.error) break;
    drained += got.bytes;
  }
}

}  // namespace rb::net
