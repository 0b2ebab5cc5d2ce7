// Keeps bodies and answers within the rates of ServerOptions: a connection that has moved some bytes waits
// here, on the I/O thread and without a worker, until they are paid for. On the I/O thread only.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/pace_queue.h"
#include "net/wakeup.h"

namespace rb::net {

class Pacer {
 public:
  Pacer(const boost::asio::any_io_executor& executor, std::uint64_t bytes_per_second,
        std::uint64_t share_bytes_per_second);

  bool limits() const { return limits_; }
  // Returns at once where nothing is limited, and after shut_down().
  boost::asio::awaitable<void> pay(std::uint64_t share, std::size_t bytes);
  void shut_down();

 private:
  using Turnstile = std::shared_ptr<Wakeup>;
  void serve();

  const boost::asio::any_io_executor executor_;
  bool limits_;
  boost::asio::steady_timer timer_;
  PaceQueue<Turnstile> queue_;
};

}  // namespace rb::net
