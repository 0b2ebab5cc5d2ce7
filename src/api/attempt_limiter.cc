#include "api/attempt_limiter.h"

#include <algorithm>
#include <array>
#include <vector>

namespace rb::api {

namespace {

std::vector<std::string> groups_of(std::string_view text) {
  std::vector<std::string> groups;
  while (!text.empty()) {
    const std::string_view group = text.substr(0, text.find(':'));
    if (!group.empty()) groups.emplace_back(group);
    text.remove_prefix(std::min(text.size(), group.size() + 1));
  }
  return groups;
}

}  // namespace

std::string attempt_source(const std::string& address) {
  const bool is_ipv6 = address.find(':') != std::string::npos;
  const bool is_mapped = address.find('.') != std::string::npos;
  if (!is_ipv6 || is_mapped) return address;
  const std::size_t gap = address.find("::");
  const std::string_view text = address;
  std::vector<std::string> groups = groups_of(text.substr(0, gap));
  if (gap != std::string::npos) {
    const std::vector<std::string> tail = groups_of(text.substr(gap + 2));
    while (groups.size() + tail.size() < 8)
      groups.emplace_back("0");
    groups.insert(groups.end(), tail.begin(), tail.end());
  }
  if (groups.size() != 8) return address;
  return groups[0] + ":" + groups[1] + ":" + groups[2] + ":" + groups[3] + "::/64";
}

void AttemptLimiter::charge(PaidUntil& paid_until, const Rate& rate, std::chrono::nanoseconds now) {
  // Not beyond a burst and a half: who goes on guessing while refused is not kept out for ever.
  paid_until = std::max(paid_until, now) + rate.interval;
  paid_until = std::min(paid_until, now + rate.interval * (rate.burst + rate.burst / 2));
}

std::optional<std::chrono::seconds> AttemptLimiter::wait(PaidUntil paid_until, const Rate& rate,
                                                         std::chrono::nanoseconds now) {
  const std::chrono::nanoseconds too_early = paid_until - now - rate.interval * (rate.burst - 1);
  if (too_early <= std::chrono::nanoseconds(0)) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(too_early);
}

std::optional<std::chrono::seconds> AttemptLimiter::wait_of_source(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto at = sources_.find(source);
  if (at == sources_.end()) return std::nullopt;
  return wait(at->second, limits_.per_source, clock_.monotonic());
}

std::optional<std::chrono::seconds> AttemptLimiter::wait_of_all() const {
  const std::lock_guard lock(mutex_);
  return wait(total_, limits_.total, clock_.monotonic());
}

bool AttemptLimiter::is_known(const Credential& credential) const {
  const SecretHash given = hash_secret(credential.id, credential.secret);
  const std::lock_guard lock(mutex_);
  const auto at = known_.find(credential.id);
  return at != known_.end() && equal_in_constant_time(at->second, given);
}

void AttemptLimiter::note_failure(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const std::chrono::nanoseconds now = clock_.monotonic();
  charge(total_, limits_.total, now);
  if (!sources_.contains(source) && sources_.size() >= limits_.max_sources) make_room(now);
  charge(sources_[source], limits_.per_source, now);
}

// Those that have paid go. If none has, one that has least to pay does: whoever commands so many addresses
// gains one try by it.
void AttemptLimiter::make_room(std::chrono::nanoseconds now) {
  std::erase_if(sources_, [&](const auto& source) { return source.second <= now; });
  if (sources_.size() < limits_.max_sources) return;
  sources_.erase(std::min_element(sources_.begin(), sources_.end(),
                                  [](const auto& a, const auto& b) { return a.second < b.second; }));
}

void AttemptLimiter::note_success(const Credential& credential) {
  const SecretHash given = hash_secret(credential.id, credential.secret);
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = known_.insert_or_assign(credential.id, given);
  if (!is_new) return;
  known_order_.push_back(credential.id);
  if (known_order_.size() <= limits_.max_known) return;
  known_.erase(known_order_.front());
  known_order_.pop_front();
}

std::size_t AttemptLimiter::sources() const {
  const std::lock_guard lock(mutex_);
  return sources_.size();
}

}  // namespace rb::api
