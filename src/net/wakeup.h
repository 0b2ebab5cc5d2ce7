// Lets one coroutine wait until something of the same thread calls set(). Other threads post that call to the
// I/O thread. A set() that nobody waits for is remembered.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rb::net {

class Wakeup {
 public:
  template <typename Executor>
  explicit Wakeup(const Executor& executor)
      : timer_(executor, boost::asio::steady_timer::time_point::max()) {}

  void set() {
    is_set_ = true;
    timer_.cancel();
  }

  boost::asio::awaitable<void> wait() {
    constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);
    while (!is_set_) {
      const auto [ignored] = co_await timer_.async_wait(kTuple);
      (void)ignored;  // always "cancelled": that is how set() wakes us
    }
    is_set_ = false;
  }

 private:
  boost::asio::steady_timer timer_;
  bool is_set_ = false;
};

}  // namespace rb::net
