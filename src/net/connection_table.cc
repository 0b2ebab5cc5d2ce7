#include "net/connection_table.h"

namespace rb::net {

void ConnectionTable::insert(Held connection) {
  Connection* const key = connection.get();
  at_[key] = order_.insert(order_.end(), std::move(connection));
  count(+1);
}

void ConnectionTable::erase(const Held& connection) {
  const auto at = at_.find(connection.get());
  order_.erase(at->second);
  at_.erase(at);
  count(-1);
}

ConnectionTable::Held ConnectionTable::oldest_dispensable() const {
  for (const Held& connection : order_) {
    if (connection->may_make_room()) return connection;
  }
  return nullptr;
}

void ConnectionTable::count(int change) {
  const std::lock_guard lock(mutex_);
  open_ += change;
  changed_.notify_all();
}

bool ConnectionTable::wait_until_empty(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [&] { return open_ == 0; });
}

}  // namespace rb::net
