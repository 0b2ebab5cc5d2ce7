// What a running server does for its packs in the background, on one thread of the lowest priority: makes
// parity for those that have none, corrects what readers found damaged, and reads each pack again from time
// to time.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <thread>

#include "check/data_check.h"

namespace rb {

struct CareOptions {
  // Each pack is read again after so long; a day reads a day's share. 0: never.
  std::chrono::seconds scrub_period{30 * 24 * 3600};
  std::uint64_t bytes_per_second = 0;  // for scrubbing; 0: no limit
  bool operator==(const CareOptions&) const = default;
};

struct CareCounters {
  std::uint64_t packs_read = 0, bytes_read = 0, packs_corrected = 0, sectors_corrected = 0, parities_made = 0,
                damage_found = 0, packs_without_parity = 0;
};

class Caretaker {
 public:
  Caretaker(RepositoryCore& core, PackKeeper& keeper, ReadLog& log, const CareOptions& options);
  ~Caretaker();

  void start();
  void stop();  // leaves what it is at; harmless twice
  void set(const CareOptions& options);
  CareCounters counters() const;

  // One round of everything that is due; what the thread does again and again. Errc::cancelled by stop().
  // While packs grow, those without parity wait, up to a number.
  Status work_once();

 private:
  void run();
  void note_damage(const PackPosition& at);
  Status correct_damaged();
  Status protect();
  bool packs_grow();
  Status scrub();
  // Its findings go to the log and the counters.
  Status read(const std::vector<std::uint64_t>& packs, Thoroughness thoroughness, Pace& pace);
  std::vector<std::uint64_t> due_packs(std::chrono::seconds period) const;
  bool may_read_today(std::uint64_t bytes, std::chrono::seconds period);

  RepositoryCore& core_;
  PackKeeper& keeper_;
  ReadLog& log_;
  Pace pace_, scrub_pace_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable woken_;
  bool stopping_ = false;
  CareOptions options_;
  CareCounters counters_;
  std::set<std::uint64_t> damaged_;  // that readers told of
  std::map<std::uint64_t, std::chrono::nanoseconds> corrected_at_;

  // Of the thread alone:
  std::set<std::uint64_t> protected_;     // have parity, or can't have it
  std::optional<PackPosition> seen_end_;  // of the packs, when they were last looked at
  std::chrono::nanoseconds day_began_{};
  std::uint64_t bytes_today_ = 0;

  std::thread thread_;
};

}  // namespace rb
