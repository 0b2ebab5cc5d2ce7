// The connections that are open, in the order they came. On the I/O thread only, but for waiting until there
// are none.
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <unordered_map>

#include "net/connection.h"

namespace rb::net {

class ConnectionTable {
 public:
  using Held = std::shared_ptr<Connection>;

  std::size_t size() const { return at_.size(); }
  void insert(Held connection);
  void erase(const Held& connection);

  // The oldest that may make room for another; null when there is none.
  Held oldest_dispensable() const;

  template <typename Action>
  void for_each(Action action) const {
    for (const Held& connection : order_)
      action(*connection);
  }

  // From another thread.
  bool wait_until_empty(std::chrono::milliseconds at_most);

 private:
  void count(int change);

  std::list<Held> order_;
  std::unordered_map<Connection*, std::list<Held>::iterator> at_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int open_ = 0;
};

}  // namespace rb::net
