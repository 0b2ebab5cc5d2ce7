#include "net/connection.h"

#include <algorithm>
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

// Where most heads fit; the buffer grows for others.
constexpr std::size_t kFirstHeadBytes = 2 << 10;
// A deadline moves on once so much has come, so that a peer can't stretch a transfer by single bytes.
constexpr std::size_t kReadStepBytes = 64 << 10;
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

// A target as the log may show it: bounded, printable, and with the keys of sessions cut short.
std::string for_log(std::string_view target) {
  constexpr std::size_t kShown = 200, kDigits = 8;
  std::string out;
  std::size_t digits = 0;
  for (const char c : target.substr(0, kShown)) {
    digits = std::isxdigit(static_cast<unsigned char>(c)) != 0 ? digits + 1 : 0;
    const bool is_printable = c > 0x20 && c < 0x7f && c != '"';
    if (digits <= kDigits) out += is_printable ? c : '?';
  }
  return out;
}

}  // namespace

Connection::Connection(ServerCore& core, std::unique_ptr<ByteStream> stream, api::Peer peer)
    : core_(core), stream_(std::move(stream)), peer_(std::move(peer)), wakeup_(core.io.get_executor()) {}

void Connection::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = std::chrono::steady_clock::now() + from_now;
}

void Connection::check_deadline(TimePoint now) {
  if (now < deadline_) return;
  log(LogLevel::debug, "a connection of {} made no progress and is closed", peer_.address);
  core_.counters.timed_out++;
  clear_deadline();
  stream_->close();
}

awaitable<void> Connection::run() {
  bool go_on = co_await shake_hands();
  while (go_on) {
    go_on = co_await serve_one();
  }
  if (unread_body_) co_await drain();
  clear_deadline();
  stream_->close();
}

void Connection::finish() {
  stream_->close();
  release_budget();
  leave_share();
}

awaitable<bool> Connection::shake_hands() {
  set_deadline(core_.options.handshake_timeout);
  const Transfer done = co_await stream_->handshake();
  if (is_tls()) (done.error ? core_.counters.handshakes_failed : core_.counters.handshakes)++;
  if (done.error) log(LogLevel::debug, "the handshake with {} failed", peer_.address);
  co_return !done.error;
}

// False when this was the last request of the connection.
awaitable<bool> Connection::serve_one() {
  response_ = {};
  Received received = co_await read_head();
  if (received == Received::all) received = co_await read_body();
  if (received == Received::broken) co_return false;
  if (received == Received::all) {
    co_await call_service();
    release_budget();
  }
  const bool keep = head_.keep_alive && !unread_body_ && !core_.stopping;
  const ConnectionFate fate = keep ? ConnectionFate::keep : ConnectionFate::close;
  response_.headers["rb-request"] = fmt::format("{:x}", request_id_);
  const bool written = co_await answer(fate);
  note_request();
  co_return written&& keep;
}

void Connection::note_request() {
  const auto took = std::chrono::steady_clock::now() - request_began_;
  core_.counters.count_request(response_.status, took);
  log(LogLevel::debug, "request {:x}: {} {} {} of {}, share {}: {} in {} ms, {} bytes in, {} out",
      request_id_, for_log(head_.request.method), for_log(head_.request.target), is_tls() ? "tls" : "unix",
      peer_.address, share_, response_.status,
      std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), request_in_, request_out_);
}

void Connection::refuse(api::Response refusal) {
  response_ = std::move(refusal);
  unread_body_ = true;
}

// Where nothing is buffered, waits until something comes, without memory for it. False at the end.
awaitable<bool> Connection::wait_for_request() {
  if (in_begin_ < in_end_) co_return true;
  if (core_.stopping) co_return false;
  in_ = Bytes();
  in_begin_ = in_end_ = 0;
  phase_ = Phase::idle;
  set_deadline(core_.options.idle_timeout);
  const Transfer ready = co_await stream_->wait_readable();
  co_return !ready.error;
}

// False when the head is as long as one may be.
bool Connection::make_room_for_head() {
  if (in_begin_ > 0) std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
  in_end_ -= std::exchange(in_begin_, 0);
  if (in_end_ < in_.size()) return true;
  if (in_.size() >= kMaxHeadBytes) return false;
  in_.resize(std::clamp(in_.size() * 2, kFirstHeadBytes, kMaxHeadBytes));
  return true;
}

awaitable<Connection::Received> Connection::read_head() {
  head_ = {};
  const bool begun = co_await wait_for_request();
  if (!begun) co_return Received::broken;
  phase_ = Phase::head;
  request_id_ = core_.next_request++;
  request_in_ = request_out_ = 0;
  // For all of it, however it trickles in.
  set_deadline(core_.options.read_timeout);
  std::optional<std::size_t> end = find_head_end(buffered());
  while (!end) {
    if (!make_room_for_head()) {
      request_began_ = std::chrono::steady_clock::now();
      refuse(api::error_response(431, Error(Errc::protocol, "the head of the request is too long")));
      co_return Received::refused;
    }
    const std::span<std::uint8_t> room = std::span(in_).subspan(in_end_);
    const Transfer got = co_await stream_->read_some(room);
    if (got.error) co_return Received::broken;
    in_end_ += got.bytes;
    end = find_head_end(buffered());
  }
  request_began_ = std::chrono::steady_clock::now();
  auto head = parse_head(buffered().first(*end));
  in_begin_ += *end;
  request_in_ = *end;
  core_.counters.bytes_in += *end;
  if (!head) {
    refuse(std::move(head).error());
    co_return Received::refused;
  }
  head_ = std::move(*head);
  co_return Received::all;
}

awaitable<Connection::Received> Connection::read_body() {
  phase_ = Phase::request;
  std::optional<LogRequest> named(std::in_place, request_id_);
  auto admitted = core_.service.admit(peer_, head_.request);
  named.reset();
  const std::uint64_t length = head_.content_length;
  if (!admitted) {
    response_ = std::move(admitted).error();
    unread_body_ = length > 0;
    co_return Received::refused;
  }
  if (!enter_share(admitted->share)) {
    response_ = api::error_response(429, Error(Errc::busy, "this node has too many connections already"));
    response_.headers["retry-after"] = "2";
    unread_body_ = length > 0;
    co_return Received::refused;
  }
  if (length == 0) co_return Received::all;
  if (length > admitted->max_body_bytes || length > core_.options.body_budget_bytes) {
    refuse(api::error_response(413, Error(Errc::protocol, "the body is too large")));
    co_return Received::refused;
  }
  clear_deadline();  // waiting for others is not the peer's fault
  const std::uint64_t share = admitted->share;
  const bool granted = co_await core_.budget.acquire(share, length);
  if (!granted) co_return Received::broken;
  budget_held_ = length;
  budget_share_ = share;
  core_.counters.body_bytes_held += length;
  Bytes body = core_.body_memory.take(length);
  const bool complete = co_await fill_body(body);
  if (!complete) {
    release_budget();
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
  const bool is_paced = core_.pacer.limits();
  while (filled < body.size()) {
    std::span<std::uint8_t> room = std::span(body).subspan(filled);
    if (is_paced) room = room.first(std::min(room.size(), kReadStepBytes));
    const Transfer got = co_await stream_->read_some(room);
    if (got.error) co_return false;
    filled += got.bytes;
    if (is_paced) {
      clear_deadline();
      co_await core_.pacer.pay(share_, got.bytes);
      set_deadline(core_.options.read_timeout);
    }
    if (filled < next_step) continue;
    set_deadline(core_.options.read_timeout);
    next_step = filled + kReadStepBytes;
  }
  request_in_ += filled;
  core_.counters.bytes_in += filled;
  co_return true;
}

bool Connection::enter_share(std::uint64_t share) {
  if (share == share_ || share == 0) return true;
  if (!core_.shares.enter(share)) return false;
  leave_share();
  share_ = share;
  core_.counters.open_proven++;
  core_.counters.nodes_connected = core_.shares.shares();
  return true;
}

void Connection::leave_share() {
  if (share_ == 0) return;
  core_.shares.leave(std::exchange(share_, 0));
  core_.counters.open_proven--;
  core_.counters.nodes_connected = core_.shares.shares();
}

void Connection::release_budget() {
  if (budget_held_ == 0) return;
  core_.counters.body_bytes_held -= budget_held_;
  core_.budget.release(budget_share_, std::exchange(budget_held_, 0));
}

awaitable<void> Connection::call_service() {
  clear_deadline();
  is_worked_ = false;
  core_.workers.submit(share_, [self = shared_from_this()] {
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
  const LogRequest named(request_id_);
  try {
    if (peer_.local && peer_.user.empty()) peer_.user = user_name(peer_.uid);
    response_ = core_.service.handle(peer_, head_.request);
  } catch (const std::exception& problem) {
    response_ = failure_response(problem.what());
  }
  core_.body_memory.give_back(std::exchange(head_.request.body, Bytes()));
}

// From any thread. The I/O thread is the one that lets go of the connection.
void Connection::wake_up_soon() {
  asio::post(core_.io, [self = shared_from_this()] { self->wakeup_.set(); });
}

// Reads away what a peer still sends after it was refused: closing at once would take the answer from it.
awaitable<void> Connection::drain() {
  stream_->end_writing();
  set_deadline(kDrainTime);
  in_.resize(kMaxHeadBytes);
  std::size_t drained = 0;
  while (drained < kDrainBytes) {
    const std::span<std::uint8_t> room(in_);
    const Transfer got = co_await stream_->read_some(room);
    if (got.error) break;
    drained += got.bytes;
  }
}

}  // namespace rb::net
