// Bounds the memory of all bodies that are being received: a connection takes its body's length from here
// before it reads it, and waits its turn, first come first served. On the I/O thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "net/wakeup.h"

namespace rb::net {

class ByteBudget {
 public:
  template <typename Executor>
  ByteBudget(const Executor& executor, std::size_t bytes)
      : make_wakeup_([executor] { return std::make_shared<Wakeup>(executor); }), free_(bytes) {}

  // Requires: bytes is at most the whole budget. False when it was shut down instead.
  boost::asio::awaitable<bool> acquire(std::size_t bytes) {
    if (waiting_.empty() && bytes <= free_) {
      free_ -= bytes;
      co_return true;
    }
    const std::shared_ptr<Wakeup> turn = make_wakeup_();
    const auto waiter = std::make_shared<Waiter>(turn, bytes);
    waiting_.push_back(waiter);
    serve();
    co_await turn->wait();
    co_return waiter->served;
  }

  void release(std::size_t bytes) {
    free_ += bytes;
    serve();
  }

  void shut_down() {
    down_ = true;
    serve();
  }

 private:
  struct Waiter {
    Waiter(std::shared_ptr<Wakeup> wakeup, std::size_t wanted) : turn(std::move(wakeup)), bytes(wanted) {}
    std::shared_ptr<Wakeup> turn;
    std::size_t bytes;
    bool served = false;
  };

  void serve() {
    while (!waiting_.empty() && (down_ || waiting_.front()->bytes <= free_)) {
      const std::shared_ptr<Waiter> first = waiting_.front();
      waiting_.pop_front();
      if (!down_) {
        free_ -= first->bytes;
        first->served = true;
      }
      first->turn->set();
    }
  }

  std::function<std::shared_ptr<Wakeup>()> make_wakeup_;
  std::size_t free_;
  std::deque<std::shared_ptr<Waiter>> waiting_;
  bool down_ = false;
};

}  // namespace rb::net
