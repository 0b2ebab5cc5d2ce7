// A queue that serves shares in turn instead of items in the order they came: whoever waits with one item is
// served after at most one item of each other share, however many those have waiting. A share is one node's
// (api::Admission). No I/O, no clock; not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

namespace rb::net {

enum class Turn : std::uint8_t {
  take,  // this item now
  skip,  // this share can't be served now, others may; it keeps its place
  stop,  // nobody is served before this one
};

template <typename T>
class RoundRobin {
 public:
  void push(std::uint64_t share, T item) {
    auto [at, is_new] = queues_.try_emplace(share);
    if (is_new) at->second.turn = turns_.insert(turns_.end(), share);
    at->second.items.push_back(std::move(item));
    size_++;
  }

  // Asks `judge(share, item)` about the first item of each share, the one served longest ago first.
  template <typename Judge>
  std::optional<std::pair<std::uint64_t, T>> take(Judge judge) {
    for (auto turn = turns_.begin(); turn != turns_.end(); ++turn) {
      const std::uint64_t share = *turn;
      const Turn verdict = judge(share, queues_.at(share).items.front());
      if (verdict == Turn::take) return pop(share);
      if (verdict == Turn::stop) break;
    }
    return std::nullopt;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Queue {
    std::deque<T> items;
    std::list<std::uint64_t>::iterator turn;
  };

  std::pair<std::uint64_t, T> pop(std::uint64_t share) {
    Queue& queue = queues_.at(share);
    std::pair<std::uint64_t, T> taken(share, std::move(queue.items.front()));
    queue.items.pop_front();
    size_--;
    if (queue.items.empty()) {
      turns_.erase(queue.turn);
      queues_.erase(share);
    } else {
      turns_.splice(turns_.end(), turns_, queue.turn);
    }
    return taken;
  }

  std::unordered_map<std::uint64_t, Queue> queues_;  // of shares with items only
  std::list<std::uint64_t> turns_;                   // the same shares; who is next comes first
  std::size_t size_ = 0;
};

}  // namespace rb::net
