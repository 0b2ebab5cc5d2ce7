// Who is about to send which object, so that two sessions do not send the same. A claim ends with its session
// or a fixed time after it was given, whatever else its holder does: losing one costs a duplicate, never
// data. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "repository/id_hash.h"

namespace rb {

inline constexpr std::chrono::seconds kClaimLifetime{30};
// Beyond this, objects are sent unclaimed: about 25 MB of claims.
inline constexpr std::size_t kMaxClaims = 262144;

class ClaimTable {
 public:
  void begin_session(std::uint64_t session);
  void end_session(std::uint64_t session);

  // False when another session's claim is in force; otherwise `session` may send it, and holds the claim.
  bool claim(std::uint64_t session, std::uint32_t domain, const ObjectId& id, std::chrono::nanoseconds now);
  // They have come.
  void drop(std::uint32_t domain, std::span<const ObjectId> ids);
  std::size_t size() const;

 private:
  using Key = DomainKey;
  struct Claim {
    std::uint64_t session = 0;
    std::chrono::nanoseconds given{};
  };
  bool in_force(const Claim& claim, std::chrono::nanoseconds now) const;
  void sweep(std::chrono::nanoseconds now);

  mutable std::mutex mutex_;
  std::unordered_set<std::uint64_t> live_;
  std::unordered_map<Key, Claim, DomainKeyHash> claims_;
  std::size_t sweep_at_ = 1024;  // ended claims are looked for when the table has doubled
};

}  // namespace rb
