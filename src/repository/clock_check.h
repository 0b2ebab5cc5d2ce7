// Whether the server's wall clock may be believed where snapshots are let go by it. A clock that has jumped
// ahead makes everything look old; one that has jumped back gives new snapshots the times of old ones. Pure:
// the caller hands in what it read.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "base/error.h"

namespace rb {

struct ClockReading {
  Timestamp wall;
  // Goes on at one second a second whatever is done to the wall clock, and while the machine sleeps: see
  // time_since_boot(). (CLOCK_MONOTONIC stands still then, which would look as if the wall clock had jumped.)
  std::chrono::nanoseconds steady{0};
};
std::chrono::nanoseconds time_since_boot();

struct ClockEvidence {
  // When this process opened the repository, and the newest time in the journal that it found there; nothing
  // if there was none.
  ClockReading start;
  std::optional<Timestamp> newest_at_start;
  ClockReading now;
  std::optional<Timestamp> newest;  // the newest time in the journal by now, of any node
};

// How far wall and steady time may part while the process runs: leap seconds and a first correction by NTP,
// little beside any duration that a policy names.
inline constexpr std::chrono::seconds kClockDriftMax = std::chrono::hours(1);
// What may lie between the journal's end and the start: beyond it, a repository that nobody used and a clock
// that is wrong can't be told apart.
inline constexpr std::chrono::seconds kJournalSilenceMax = std::chrono::hours(24) * 60;

// Errc::conflict with what disagrees and what to do, when
//  - now is before a time in the journal,
//  - wall time has moved on by more or less than the steady time did, or
//  - the process started suspiciously long after everything in the journal.
Status clock_is_sane(const ClockEvidence& evidence);

}  // namespace rb
