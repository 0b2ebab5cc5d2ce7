// Whether a server keeps what it promised, and goes on. For gtest: what does not hold is a failure.
#pragma once

#include "crash/history.h"

namespace rb::test {

// Every snapshot that was acknowledged is listed and can be read, to the byte; what was deleted is not
// listed; nothing is listed that nobody made; who was removed stays out.
void expect_promises_kept(Machine& machine, const History& history);

// And the check finds no damage.
void expect_check_finds_nothing(Machine& machine);

// Every node backs up, and a collection runs. What it gives is how the history goes on.
void expect_work_goes_on(Machine& machine, History& history);

// How many snapshots were read to the byte, in all.
std::uint64_t snapshots_compared();

}  // namespace rb::test
