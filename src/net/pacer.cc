#include "net/pacer.h"

namespace rb::net {

namespace asio = boost::asio;

Pacer::Pacer(const asio::any_io_executor& executor, std::uint64_t bytes_per_second,
             std::uint64_t share_bytes_per_second)
    : executor_(executor),
      limits_(bytes_per_second > 0 || share_bytes_per_second > 0),
      timer_(executor),
      queue_(bytes_per_second, share_bytes_per_second) {}

asio::awaitable<void> Pacer::pay(std::uint64_t share, std::size_t bytes) {
  if (!limits_) co_return;
  const auto turn = std::make_shared<Wakeup>(executor_);
  queue_.push(share, bytes, turn);
  serve();
  co_await turn->wait();
}

void Pacer::serve() {
  const auto now = std::chrono::steady_clock::now();
  while (const std::optional<Turnstile> next = queue_.next(now))
    (*next)->set();
  if (queue_.empty()) return;
  timer_.expires_at(queue_.ask_again_at());  // cancels the wait before, if there was one
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) serve();
  });
}

void Pacer::shut_down() {
  limits_ = false;
  timer_.cancel();
  while (const std::optional<Turnstile> next = queue_.next(TokenBucket::TimePoint::max()))
    (*next)->set();
}

}  // namespace rb::net
