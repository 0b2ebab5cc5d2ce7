#include "net/tls_stream.h"

#include <algorithm>
#include <cstring>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/socket_bio.h"

namespace rb::net {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
using Socket = asio::generic::stream_protocol::socket;

// Who has so much to read at once lets the others go first. OpenSSL does not say when it would have waited,
// so without this a fast sender would keep the thread to itself.
constexpr std::size_t kTurnBytes = 256 << 10;

// What is gathered before it is sent (net/socket_bio.h): a thousand clients that are slow to take their
// answers hold 128 MiB.
constexpr std::size_t kGatherBytes = 128 << 10;

// What is left of a sequence of buffers.
class GatherCursor {
 public:
  explicit GatherCursor(std::span<const asio::const_buffer> from) : rest_(from) { skip_empty(); }

  bool at_end() const { return rest_.empty(); }
  // What stands in one piece here.
  ByteView contiguous() const {
    const auto& buffer = rest_.front();
    return ByteView(static_cast<const std::uint8_t*>(buffer.data()), buffer.size()).subspan(at_);
  }
  void advance(std::size_t n) {
    at_ += n;
    skip_empty();
  }
  // The next bytes of several pieces, at most `max`.
  void gather(std::size_t max, Bytes& out) {
    out.clear();
    while (!at_end() && out.size() < max) {
      const ByteView piece = contiguous();
      const ByteView part = piece.first(std::min(piece.size(), max - out.size()));
      append(out, part);
      advance(part.size());
    }
  }

 private:
  void skip_empty() {
    while (!rest_.empty() && at_ >= rest_.front().size()) {
      rest_ = rest_.subspan(1);
      at_ = 0;
    }
  }
  std::span<const asio::const_buffer> rest_;
  std::size_t at_ = 0;
};

class TlsStream final : public ByteStream {
 public:
  TlsStream(Socket socket, std::shared_ptr<const TlsContext> context)
      : socket_(std::move(socket)), context_(std::move(context)) {}

  awaitable<Transfer> handshake() override {
    const Transfer begun = co_await wait_for(SSL_ERROR_WANT_READ);
    if (begun.error) co_return begun;
    if (!set_up()) co_return Transfer{asio::error::no_memory, 0};
    for (;;) {
      ERR_clear_error();
      const int result = SSL_accept(ssl_.get());
      if (result == 1) break;
      const Transfer ready = co_await wait_for(SSL_get_error(ssl_.get(), result));
      if (ready.error) co_return ready;
    }
    is_up_ = true;
    (void)SSL_free_buffers(ssl_.get());  // OpenSSL keeps those of a handshake until the next read
    co_return Transfer();
  }

  awaitable<Transfer> wait_readable() override {
    if (SSL_has_pending(ssl_.get()) == 1) co_return Transfer();
    const auto [error] = co_await socket_.async_wait(asio::socket_base::wait_read, kTuple);
    co_return Transfer{error, 0};
  }

  awaitable<Transfer> read_some(std::span<std::uint8_t> into) override {
    for (;;) {
      Transfer got;
      const int obstacle = read_now(into.first(std::min(into.size(), kTurnBytes)), got.bytes);
      if (got.bytes > 0) {
        at_once_ += got.bytes;
        if (at_once_ >= kTurnBytes) co_await let_others_go_first();
        co_return got;
      }
      const Transfer ready = co_await wait_for(obstacle);
      if (ready.error) co_return ready;
    }
  }

  awaitable<Transfer> write_all(std::span<const asio::const_buffer> from) override {
    GatherCursor cursor(from);
    Bytes staged;
    Transfer sent;
    while (!cursor.at_end() && !sent.error) {
      ByteView now = cursor.contiguous();
      const bool is_direct = now.size() >= kTlsRecordBytes;
      if (is_direct) {
        cursor.advance(now.size());
      } else {
        cursor.gather(kTlsRecordBytes, staged);
        now = staged;
      }
      const Transfer step = co_await write_piece(now);
      sent.bytes += step.bytes;
      sent.error = step.error;
    }
    if (!sent.error) {
      const Transfer flushed = co_await flush();
      sent.error = flushed.error;
    }
    co_return sent;
  }

  void end_writing() override {
    say_goodbye();
    boost::system::error_code ignored;  // the peer may have gone already
    static_cast<void>(socket_.shutdown(asio::socket_base::shutdown_send, ignored));
  }

  void close() override {
    if (!socket_.is_open()) return;
    say_goodbye();
    boost::system::error_code ignored;
    static_cast<void>(socket_.close(ignored));
  }

 private:
  bool set_up() {
    ssl_.reset(SSL_new(context_->get()));
    OpensslPtr<BIO> bio = make_socket_bio(socket_.native_handle(), kGatherBytes);
    context_.reset();
    if (!ssl_ || !bio) return false;
    BIO* const shared = bio.release();
    SSL_set_bio(ssl_.get(), shared, shared);  // takes it once, where both are one
    return true;
  }

  // As many records as are there. What came of the last attempt is OpenSSL's word for what to wait for.
  int read_now(std::span<std::uint8_t> into, std::size_t& done) {
    while (done < into.size()) {
      std::size_t n = 0;
      ERR_clear_error();
      const int result = SSL_read_ex(ssl_.get(), into.data() + done, into.size() - done, &n);
      if (result != 1) return SSL_get_error(ssl_.get(), result);
      done += n;
    }
    return SSL_ERROR_NONE;
  }

  awaitable<Transfer> write_piece(ByteView piece) {
    Transfer sent;
    while (sent.bytes < piece.size()) {
      std::size_t n = 0;
      ERR_clear_error();
      const ByteView rest = piece.subspan(sent.bytes);
      const int result = SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &n);
      if (result == 1) {
        sent.bytes += n;
        continue;
      }
      const Transfer ready = co_await wait_for(SSL_get_error(ssl_.get(), result));
      sent.error = ready.error;
      if (sent.error) break;
    }
    co_return sent;
  }

  awaitable<Transfer> flush() {
    while (BIO_flush(SSL_get_wbio(ssl_.get())) != 1) {
      const bool is_full = BIO_should_retry(SSL_get_wbio(ssl_.get())) != 0;
      const int obstacle = is_full ? SSL_ERROR_WANT_WRITE : SSL_ERROR_SYSCALL;
      const Transfer ready = co_await wait_for(obstacle);
      if (ready.error) co_return ready;
    }
    co_return Transfer();
  }

  awaitable<Transfer> wait_for(int obstacle) {
    at_once_ = 0;
    if (obstacle == SSL_ERROR_WANT_READ || obstacle == SSL_ERROR_WANT_WRITE) {
      const auto what =
          obstacle == SSL_ERROR_WANT_READ ? asio::socket_base::wait_read : asio::socket_base::wait_write;
      const auto [error] = co_await socket_.async_wait(what, kTuple);
      boost::system::error_code outcome = error;
      // Who closed it meanwhile closed it for OpenSSL too, which would not know.
      if (!outcome && !socket_.is_open()) outcome = asio::error::operation_aborted;
      co_return Transfer{outcome, 0};
    }
    is_broken_ = obstacle != SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    boost::system::error_code ended = asio::error::eof;
    if (is_broken_) ended = asio::error::connection_aborted;
    co_return Transfer{ended, 0};
  }

  awaitable<void> let_others_go_first() {
    at_once_ = 0;
    const auto executor = socket_.get_executor();
    co_await asio::post(executor, asio::use_awaitable);
  }

  // So that the peer can tell an end from a cut. It may be lost: nobody waits for it.
  void say_goodbye() {
    if (!is_up_ || is_broken_ || !socket_.is_open()) return;
    (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
    is_broken_ = true;  // for writing, that is
  }

  Socket socket_;
  std::shared_ptr<const TlsContext> context_;  // until the handshake begins; OpenSSL keeps it from then on
  OpensslPtr<SSL> ssl_;
  std::size_t at_once_ = 0;  // read without waiting
  bool is_up_ = false;
  bool is_broken_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> make_tls_stream(Socket socket, std::shared_ptr<const TlsContext> context) {
  return std::make_unique<TlsStream>(std::move(socket), std::move(context));
}

}  // namespace rb::net
