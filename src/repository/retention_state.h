// The settings of retention, and whether the clock may be believed by which it goes. Thread-safe.
#pragma once

#include <mutex>

#include "repository/clock_check.h"
#include "repository/node_book.h"
#include "repository/retention_settings.h"

namespace rb {

class RetentionState {
 public:
  // `clock` is the real one (`real`: then time since boot goes beside it) or one of a test.
  RetentionState(const Clock& clock, bool real, RetentionSettings settings);

  // Once, when the book has read the journal.
  void start(const CatalogTimes& found);

  void set(RetentionSettings settings);
  std::optional<RetentionPolicy> policy_of(const std::string& node_name) const;
  std::chrono::seconds undelete_for() const;

  // Errc::conflict: see clock_is_sane().
  Status check_clock(const CatalogTimes& now) const;
  // What a collection that begins now judges by: it makes deletions before this final. While the clock can't
  // be trusted it is the time that the last one judged by, so that nothing further becomes final.
  Timestamp judge_before(const CatalogTimes& now) const;

  // Whether a pin holds. One that a node took back holds until the floor has passed since, counted like the
  // floor itself, back from the node's newest snapshot.
  bool holds(const CatalogSnapshotMark& mark, const std::string& node_name, const Timestamp& newest) const;

 private:
  ClockReading read() const;

  const Clock& clock_;
  const bool real_;
  ClockReading start_;
  std::optional<Timestamp> newest_at_start_;
  mutable std::mutex mutex_;
  RetentionSettings settings_;
};

}  // namespace rb
