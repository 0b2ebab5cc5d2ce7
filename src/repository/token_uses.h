// When each administrator's token was last let in, for the list of tokens. Kept in memory since the server
// started: a record for each look at /metrics would be a high price for a hint. Bounded by the number of
// tokens. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "format/credential.h"

namespace rb {

class TokenUses {
 public:
  void note(const CredentialId& token, const Timestamp& now) {
    const std::lock_guard lock(mutex_);
    last_[token] = now;
  }

  std::optional<Timestamp> last(const CredentialId& token) const {
    const std::lock_guard lock(mutex_);
    const auto found = last_.find(token);
    return found == last_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::map<CredentialId, Timestamp> last_;
};

}  // namespace rb
