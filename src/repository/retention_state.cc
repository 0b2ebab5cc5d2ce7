#include "repository/retention_state.h"

namespace rb {

RetentionState::RetentionState(const Clock& clock, bool real, RetentionSettings settings)
    : clock_(clock), real_(real), settings_(std::move(settings)) {}

void RetentionState::start(const CatalogTimes& found) {
  start_ = read();
  newest_at_start_ = found.newest;
}

ClockReading RetentionState::read() const {
  return {clock_.wall(), real_ ? time_since_boot() : clock_.monotonic()};
}

void RetentionState::set(RetentionSettings settings) {
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
}

std::optional<RetentionPolicy> RetentionState::policy_of(const std::string& node_name) const {
  const std::lock_guard lock(mutex_);
  const auto own = settings_.by_node.find(node_name);
  return own == settings_.by_node.end() ? settings_.standard : own->second;
}

std::chrono::seconds RetentionState::undelete_for() const {
  const std::lock_guard lock(mutex_);
  return settings_.undelete_for;
}

Status RetentionState::check_clock(const CatalogTimes& now) const {
  return clock_is_sane(
      {.start = start_, .newest_at_start = newest_at_start_, .now = read(), .newest = now.newest});
}

Timestamp RetentionState::judge_before(const CatalogTimes& now) const {
  const Timestamp last = now.judged_before.value_or(Timestamp{});
  if (!check_clock(now)) return last;
  const Timestamp wall = clock_.wall();
  return std::max(last, Timestamp{wall.seconds - undelete_for().count(), wall.nanoseconds});
}

bool RetentionState::holds(const CatalogSnapshotMark& mark, const std::string& node_name,
                           const Timestamp& newest) const {
  if (mark.pinned_by_administrator || mark.pinned_by_node) return true;
  if (!mark.released) return false;
  const std::chrono::seconds floor = policy_of(node_name).value_or(RetentionPolicy{}).floor;
  return newest <= Timestamp{mark.released->seconds + floor.count(), mark.released->nanoseconds};
}

}  // namespace rb
