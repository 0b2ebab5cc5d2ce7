#include "api/session_table.h"

namespace rb::api {

SessionTable::Use::~Use() {
  if (!open_) return;
  const std::lock_guard lock(table_->mutex_);
  open_->requests_running--;
  open_->last_used = table_->clock_.monotonic();
}

bool SessionTable::has_expired(const OpenSession& open) const {
  return open.requests_running == 0 && clock_.monotonic() - open.last_used > lease_;
}

template <typename Condition>
SessionTable::Ended SessionTable::take_if(const Condition& condition) {
  Ended ended;
  for (auto at = open_.begin(); at != open_.end();) {
    if (condition(*at->second)) {
      ended.push_back(std::move(at->second));
      at = open_.erase(at);
    } else {
      ++at;
    }
  }
  return ended;
}

void SessionTable::insert(std::shared_ptr<OpenSession> open) {
  Ended ended;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  ended =
      take_if([&](const OpenSession& other) { return other.node == open->node && other.run == open->run; });
  open->last_used = clock_.monotonic();
  const SessionKey key = open->key;
  open_.emplace(key, std::move(open));
}

Result<SessionTable::Use> SessionTable::use(const SessionKey& key, std::uint32_t node) {
  std::shared_ptr<OpenSession> expired;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  const auto at = open_.find(key);
  // Of somebody else's key nothing is said that is not said of one that never was.
  if (at == open_.end() || at->second->node != node) return fail(Errc::fenced, "the session has ended");
  if (has_expired(*at->second)) {
    expired = std::move(at->second);
    open_.erase(at);
    return fail(Errc::fenced, "the session's lease has run out");
  }
  at->second->requests_running++;
  return Use(*this, at->second);
}

void SessionTable::end(const SessionKey& key) {
  Ended ended;
  const std::lock_guard lock(mutex_);
  ended = take_if([&](const OpenSession& open) { return open.key == key; });
}

void SessionTable::end_run(std::uint32_t node, const RunId& run) {
  Ended ended;
  const std::lock_guard lock(mutex_);
  ended = take_if([&](const OpenSession& open) { return open.node == node && open.run == run; });
}

void SessionTable::expire() {
  Ended ended;
  const std::lock_guard lock(mutex_);
  ended = take_if([&](const OpenSession& open) { return has_expired(open); });
}

void SessionTable::end_all() {
  Ended ended;
  const std::lock_guard lock(mutex_);
  ended = take_if([](const OpenSession&) { return true; });
}

std::size_t SessionTable::count() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace rb::api
