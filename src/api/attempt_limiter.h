// How often somebody may be wrong: tries at credentials and invitations that fail are counted by address, and
// all together. An address that failed too often is not listened to for a while, except to credentials that
// were right before: a node behind the same address as a guesser, or as a machine with a stale credential, is
// not locked out. Memory is bounded. Thread-safe.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "store/node_registry.h"

namespace rb::api {

// What one source counts as: an IPv4 address by itself; of IPv6 the /64, since whoever has one address of it
// has them all.
std::string attempt_source(const std::string& address);

class AttemptLimiter {
 public:
  // Tries that may fail at once, and the time after which one more may.
  struct Rate {
    int burst = 10;
    std::chrono::nanoseconds interval = std::chrono::seconds(6);
  };
  struct Limits {
    Rate per_source;
    Rate total{.burst = 200, .interval = std::chrono::milliseconds(100)};
    std::size_t max_sources = 4096;
    std::size_t max_known = 8192;  // credentials that were right
  };

  AttemptLimiter(const Clock& clock, const Limits& limits) : clock_(clock), limits_(limits) {}

  // How long this source must wait before it is listened to; nothing: it may try now.
  std::optional<std::chrono::seconds> wait_of_source(const std::string& source) const;
  // The same for all sources together.
  std::optional<std::chrono::seconds> wait_of_all() const;
  bool is_known(const Credential& credential) const;

  void note_failure(const std::string& source);
  void note_success(const Credential& credential);

  std::size_t sources() const;

 private:
  // The moment until which all failures so far are paid for, at one interval each.
  using PaidUntil = std::chrono::nanoseconds;
  static void charge(PaidUntil& paid_until, const Rate& rate, std::chrono::nanoseconds now);
  static std::optional<std::chrono::seconds> wait(PaidUntil paid_until, const Rate& rate,
                                                  std::chrono::nanoseconds now);
  void make_room(std::chrono::nanoseconds now);

  const Clock& clock_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, PaidUntil> sources_;
  PaidUntil total_{0};
  std::map<CredentialId, SecretHash> known_;
  std::deque<CredentialId> known_order_;  // the oldest first
};

}  // namespace rb::api
