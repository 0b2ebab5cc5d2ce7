#include "net/plain_stream.h"

#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace rb::net {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
using Socket = asio::generic::stream_protocol::socket;

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<Transfer> handshake() override { co_return Transfer(); }

  asio::awaitable<Transfer> wait_readable() override {
    const auto [error] = co_await socket_.async_wait(asio::socket_base::wait_read, kTuple);
    co_return Transfer{error, 0};
  }

  asio::awaitable<Transfer> read_some(std::span<std::uint8_t> into) override {
    const asio::mutable_buffer buffer(into.data(), into.size());
    const auto [error, bytes] = co_await socket_.async_read_some(buffer, kTuple);
    co_return Transfer{error, bytes};
  }

  asio::awaitable<Transfer> write_all(std::span<const asio::const_buffer> from) override {
    const std::vector<asio::const_buffer> buffers(from.begin(), from.end());
    const auto [error, bytes] = co_await asio::async_write(socket_, buffers, kTuple);
    co_return Transfer{error, bytes};
  }

  void end_writing() override {
    boost::system::error_code ignored;  // the peer may have gone already
    static_cast<void>(socket_.shutdown(asio::socket_base::shutdown_send, ignored));
  }

  void close() override {
    boost::system::error_code ignored;
    static_cast<void>(socket_.close(ignored));
  }

 private:
  Socket socket_;
};

}  // namespace

std::unique_ptr<ByteStream> make_plain_stream(Socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace rb::net
