// The power goes after each operation of the history on the disk in turn. Whatever is left then, a server
// starts on it: every acknowledged snapshot restores to the byte, the check finds nothing, backups and
// collections go on. Now and then the power goes again while it recovers.
//
//   RB_CRASH_ALL=1 crash_tests       each operation with each way to lose; otherwise a share of both
//   RB_CRASH_AT=K RB_CRASH_ALL=1     operation K alone
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "crash/script.h"
#include "crash/verdict.h"

namespace rb::test {
namespace {

constexpr std::uint64_t kCrashStride = 7;

constexpr Aftermath kAftermaths[] = {
    {Survival::none, CatalogLeft::whole, 0},           {Survival::some, CatalogLeft::cut_short, 0},
    {Survival::torn, CatalogLeft::nothing, 0},         {Survival::all, CatalogLeft::persisted_only, 0},
    {Survival::none, CatalogLeft::nothing, 0},         {Survival::torn, CatalogLeft::cut_short, 0},
    {Survival::some, CatalogLeft::whole, 0},           {Survival::none, CatalogLeft::persisted_only, 0},
    {Survival::page_cache, CatalogLeft::cut_short, 0},
};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

class CrashPoints : public testing::Test {
 protected:
  CrashPoints() {
    const bool wanted = std::getenv("RB_CRASH_LOG") != nullptr;
    set_log_sink([wanted](LogLevel, const std::string& text) {
      if (wanted) fmt::print("{}\n", text);
    });
  }

  void live(Machine& machine, History& history) {
    for (const Step& step : script()) {
      step_ = &step;
      const Status done = step.run(machine, history);
      ASSERT_TRUE(done) << step.name << ": " << done.error().message;
      if (HasFailure()) return;
    }
  }

  // What is tried at an operation: all, or one of the ways in turn.
  void crash_here(const Machine& machine, const History& history) {
    const std::uint64_t operation = operations_++;
    if (HasFailure()) return;
    if (only_ != UINT64_MAX ? operation != only_ : !all_ && operation % kCrashStride != 0) return;
    const std::size_t ways = std::size(kAftermaths);
    for (std::size_t way = 0; way < ways; ++way) {
      if (!all_ && way != (operation / kCrashStride) % ways) continue;
      Aftermath aftermath = kAftermaths[way];
      aftermath.seed = operation * ways + way + 1;
      SCOPED_TRACE(fmt::format("{}, operation {}: {}", step_->name, operation, to_text(aftermath)));
      come_back(machine, history, aftermath);
      if (HasFailure()) return;
    }
  }

  void come_back(const Machine& machine, History history, const Aftermath& aftermath) {
    ++crashes_;
    std::mt19937_64 random(aftermath.seed);
    std::unique_ptr<Machine> after = machine.after_power_cut(aftermath);
    if (random() % 4 == 0) after = crash_in_recovery(*after, history, random);
    log(LogLevel::info, "-- the power went: {}", to_text(aftermath));
    const Status started = after->start();
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_EQ(after->repository().state().read_only_reason, "");
    expect_promises_kept(*after, history);
    expect_check_finds_nothing(*after);
    expect_work_goes_on(*after, history);
    expect_promises_kept(*after, history);
  }

  std::unique_ptr<Machine> crash_in_recovery(Machine& machine, const History& history,
                                             std::mt19937_64& random) {
    ++crashes_in_recovery_;
    machine.disk().crash_after(random() % 12);
    if (machine.start()) {
      History discarded = history;
      static_cast<void>(discarded.collect(machine));
    }
    Aftermath again = kAftermaths[random() % std::size(kAftermaths)];
    again.seed = random();
    return machine.after_power_cut(again);
  }

  const bool all_ = std::getenv("RB_CRASH_ALL") != nullptr;
  const std::uint64_t only_ = number_from_environment("RB_CRASH_AT", UINT64_MAX);
  const Step* step_ = nullptr;
  std::uint64_t operations_ = 0, crashes_ = 0, crashes_in_recovery_ = 0;
};

TEST_F(CrashPoints, ThePowerGoesAtEveryOperation) {
  const auto began = std::chrono::steady_clock::now();
  const std::uint64_t compared_before = snapshots_compared();
  Machine machine;
  History history(kScriptSeed);
  machine.on_change([&] { crash_here(machine, history); });
  live(machine, history);
  if (HasFailure()) return;
  machine.on_change({});
  expect_promises_kept(machine, history);
  expect_check_finds_nothing(machine);
  const Deeds& deeds = history.deeds();
  EXPECT_GT(deeds.pruned, 0u);
  EXPECT_GT(deeds.undeleted, 0u);
  EXPECT_GT(deeds.rows_freed, 0u);
  EXPECT_GT(deeds.packs_unlinked, 0u);
  EXPECT_GT(deeds.bytes_copied, 0u);
  EXPECT_GT(deeds.sectors_corrected, 0u);
  fmt::print(
      "{} operations on the disk in {} steps ({} commits, {} snapshots pruned, {} rows freed, {} packs "
      "unlinked, "
      "{} KiB copied, {} sectors corrected); {} crashes tried, {} of them with a second one while the server "
      "recovered; {} snapshots compared. {:.1f} seconds.\n",
      operations_, script().size(), deeds.commits, deeds.pruned, deeds.rows_freed, deeds.packs_unlinked,
      deeds.bytes_copied >> 10, deeds.sectors_corrected, crashes_, crashes_in_recovery_,
      snapshots_compared() - compared_before,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
}

}  // namespace
}  // namespace rb::test
