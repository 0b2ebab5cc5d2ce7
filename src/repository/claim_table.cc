#include "repository/claim_table.h"

#include <algorithm>

namespace rb {

void ClaimTable::begin_session(std::uint64_t session) {
  const std::lock_guard lock(mutex_);
  live_.insert(session);
}

void ClaimTable::end_session(std::uint64_t session) {
  const std::lock_guard lock(mutex_);
  live_.erase(session);
  if (live_.empty()) claims_.clear();
}

bool ClaimTable::in_force(const Claim& claim, std::chrono::nanoseconds now) const {
  return now - claim.given < kClaimLifetime && live_.contains(claim.session);
}

bool ClaimTable::claim(std::uint64_t session, std::uint32_t domain, const ObjectId& id,
                       std::chrono::nanoseconds now) {
  const std::lock_guard lock(mutex_);
  const Key key{domain, id};
  const auto found = claims_.find(key);
  if (found != claims_.end()) {
    if (!in_force(found->second, now)) {
      found->second = Claim{session, now};
      return true;
    }
    return found->second.session == session;
  }
  if (claims_.size() >= sweep_at_) sweep(now);
  if (claims_.size() < kMaxClaims) claims_.emplace(key, Claim{session, now});
  return true;
}

void ClaimTable::drop(std::uint32_t domain, std::span<const ObjectId> ids) {
  const std::lock_guard lock(mutex_);
  if (claims_.empty()) return;
  for (const ObjectId& id : ids)
    claims_.erase(Key{domain, id});
}

std::size_t ClaimTable::size() const {
  const std::lock_guard lock(mutex_);
  return claims_.size();
}

void ClaimTable::sweep(std::chrono::nanoseconds now) {
  std::erase_if(claims_, [&](const auto& entry) { return !in_force(entry.second, now); });
  sweep_at_ = std::max<std::size_t>(1024, claims_.size() * 2);
}

}  // namespace rb
