// Bounds the memory of all bodies that are being received: a connection takes its body's length from here
// before it reads it, and waits for that, shares in turn. One share holds at most a quarter, or a single
// body, so that one node with many slow connections can't keep the others out. On the I/O thread only.
#pragma once

#include <cstddef>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "net/round_robin.h"
#include "net/wakeup.h"

namespace rb::net {

class ByteBudget {
 public:
  ByteBudget(const boost::asio::any_io_executor& executor, std::size_t bytes)
      : executor_(executor), share_max_(bytes / 4), free_(bytes) {}

  // Requires: bytes is at most the whole budget. False when it was shut down instead.
  boost::asio::awaitable<bool> acquire(std::uint64_t share, std::size_t bytes) {
    const auto waiter = std::make_shared<Waiter>(executor_, bytes);
    waiting_.push(share, waiter);
    serve();
    co_await waiter->turn.wait();
    co_return waiter->served;
  }

  void release(std::uint64_t share, std::size_t bytes) {
    free_ += bytes;
    const auto held = held_.find(share);
    held->second -= bytes;
    if (held->second == 0) held_.erase(held);
    serve();
  }

  void shut_down() {
    down_ = true;
    serve();
  }

 private:
  struct Waiter {
    Waiter(const boost::asio::any_io_executor& executor, std::size_t wanted)
        : turn(executor), bytes(wanted) {}
    Wakeup turn;
    std::size_t bytes;
    bool served = false;
  };

  Turn judge(std::uint64_t share, std::size_t bytes) const {
    if (down_) return Turn::take;
    const auto held = held_.find(share);
    if (held != held_.end() && held->second + bytes > share_max_) return Turn::skip;
    return bytes <= free_ ? Turn::take : Turn::stop;
  }

  void serve() {
    const auto judge_front = [this](std::uint64_t share, const std::shared_ptr<Waiter>& waiter) {
      return judge(share, waiter->bytes);
    };
    while (auto next = waiting_.take(judge_front)) {
      const auto& [share, waiter] = *next;
      if (!down_) {
        free_ -= waiter->bytes;
        held_[share] += waiter->bytes;
        waiter->served = true;
      }
      waiter->turn.set();
    }
  }

  const boost::asio::any_io_executor executor_;
  const std::size_t share_max_;
  std::size_t free_;
  std::unordered_map<std::uint64_t, std::size_t> held_;
  RoundRobin<std::shared_ptr<Waiter>> waiting_;
  bool down_ = false;
};

}  // namespace rb::net
