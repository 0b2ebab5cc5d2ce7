#include "net/http_connection.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>

namespace rb::net {

namespace {

// Holds the longest head (net/answer_reader.cc), and enough of a body for few system calls.
constexpr std::size_t kBufferBytes = 256 << 10;

}  // namespace

Error connection_failed(const Error& error, const std::string& name) {
  if (error.code != Errc::unavailable) return error;
  return error.with(fmt::format("the connection to {} failed", name));
}

Result<api::Response> HttpConnection::exchange(const Request& request, ClientWait& wait) {
  is_reusable_ = was_answered_ = false;
  begin_ = end_ = 0;
  const Result<Sent> sent = send(request, wait);
  if (!sent && sent.error().code != Errc::unavailable) return std::unexpected(sent.error());
  Result<api::Response> answer = receive(request, wait);
  // A server that hung up in the middle of a request may have said why.
  if (!answer && !sent) return std::unexpected(connection_failed(sent.error(), name_));
  if (!sent || *sent == Sent::part) is_reusable_ = false;
  return answer;
}

bool HttpConnection::is_alive() {
  std::uint8_t none = 0;
  const Result<Step> step = stream_->try_read({&none, 1});
  return step && step->bytes == 0 && step->wait_for != 0;
}

Result<HttpConnection::Sent> HttpConnection::send(const Request& request, ClientWait& wait) {
  for (const ByteView piece : request.pieces) {
    for (ByteView rest = piece; !rest.empty();) {
      // Sleeping here holds up nobody else: every exchange has its own thread.
      const std::size_t step = request.rate->limits() ? request.rate->piece_bytes() : rest.size();
      ByteView now = rest.first(std::min(rest.size(), step));
      const std::size_t before = now.size();
      RB_TRY(const bool goes_on, write_some(now, wait));
      if (!goes_on) return Sent::part;
      rest = rest.subspan(before - now.size());
      request.rate->pay(before - now.size(), request.cancelled);
    }
  }
  for (;;) {
    RB_TRY(const Step step, stream_->try_flush());
    wait.note_progress();
    if (step.wait_for == 0) return Sent::all;
    RB_TRY(const bool goes_on, wait_to_write(step.wait_for, wait));
    if (!goes_on) return Sent::part;
  }
}

Result<bool> HttpConnection::write_some(ByteView& rest, ClientWait& wait) {
  RB_TRY(const Step step, stream_->try_write(rest));
  if (step.bytes == 0) return wait_to_write(step.wait_for, wait);
  wait.note_progress();
  rest = rest.subspan(step.bytes);
  return true;
}

// What comes while nothing can be sent is an answer, unless it is TLS's own.
Result<bool> HttpConnection::wait_to_write(short event, ClientWait& wait) {
  RB_TRY(const short ready, wait.wait(stream_->fd(), static_cast<short>(event | POLLIN)));
  if ((ready & POLLIN) == 0) return true;
  RB_TRY(const Step step, read_into_buffer());
  return step.bytes == 0 && step.wait_for != 0;
}

Result<api::Response> HttpConnection::receive(const Request& request, ClientWait& wait) {
  AnswerReader reader(*request.on_body);
  for (;;) {
    RB_TRY(const std::size_t taken, reader.feed(unread()));
    begin_ += taken;
    request.rate->pay(taken, request.cancelled);
    if (reader.is_done()) break;
    if (const Status more = read_more(wait); !more)
      return std::unexpected(connection_failed(more.error(), name_));
  }
  is_reusable_ = reader.keeps_connection() && unread().empty();
  return std::move(reader.answer());
}

Status HttpConnection::read_more(ClientWait& wait) {
  RB_TRY(const Step step, read_into_buffer());
  if (step.bytes > 0) {
    wait.note_progress();
    return {};
  }
  if (step.wait_for == 0) return fail(Errc::unavailable, "the server's answer broke off");
  RB_TRY(wait.wait(stream_->fd(), step.wait_for));
  return {};
}

Result<Step> HttpConnection::read_into_buffer() {
  if (begin_ > 0) std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
  buffer_.resize(kBufferBytes);
  if (end_ == buffer_.size()) return fail(Errc::protocol, "the server's answer has too long a head");
  RB_TRY(const Step step, stream_->try_read(std::span(buffer_).subspan(end_)));
  end_ += step.bytes;
  was_answered_ = was_answered_ || step.bytes > 0;
  return step;
}

}  // namespace rb::net
