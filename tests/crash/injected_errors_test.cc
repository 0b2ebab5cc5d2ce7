// The disk fails at each operation of the history in turn, once or from then on: full, over quota, or broken.
// The server says so and acknowledges nothing that it can't keep, still serves what it has, and works again
// when the errors stop; and what it had not made durable it never promised.
//
//   RB_CRASH_ALL=1 crash_tests       each operation with each error; otherwise a share of both
//   RB_FAULT_AT=K RB_CRASH_ALL=1     operation K of each step alone
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "crash/script.h"
#include "crash/verdict.h"

namespace rb::test {
namespace {

constexpr std::uint64_t kErrorStride = 11;

struct Kind {
  int sys_errno;
  bool from_then_on;
};
constexpr Kind kKinds[] = {{EIO, false},    {ENOSPC, true}, {EIO, true},
                           {ENOSPC, false}, {EDQUOT, true}, {EDQUOT, false}};

class InjectedErrors : public testing::Test {
 protected:
  InjectedErrors() {
    const bool wanted = std::getenv("RB_CRASH_LOG") != nullptr;
    set_log_sink([wanted](LogLevel, const std::string& text) {
      if (wanted) fmt::print("{}\n", text);
    });
  }

  // A machine on which everything before a step has happened, and the history so far.
  struct Before {
    std::unique_ptr<Machine> machine;
    History history;
  };

  // All operations of the step, as far as they are to be tried.
  void fail_in(const Step& step, const Before& before, bool begins) {
    const bool all = std::getenv("RB_CRASH_ALL") != nullptr;
    const char* const only = std::getenv("RB_FAULT_AT");
    bool struck = true;
    for (std::uint64_t operation = 0; struck && !HasFailure(); ++operation, ++operations_) {
      if (only && std::strtoull(only, nullptr, 10) != operation) continue;
      if (!all && operations_ % kErrorStride != 0) continue;
      for (std::size_t kind = 0; kind < std::size(kKinds) && struck && !HasFailure(); ++kind) {
        if (!all && kind != (operations_ / kErrorStride) % std::size(kKinds)) continue;
        SCOPED_TRACE(fmt::format("{}, operation {}: {}{}", step.name, operation,
                                 std::strerror(kKinds[kind].sys_errno),
                                 kKinds[kind].from_then_on ? ", from then on" : ""));
        struck = fail_at(step, before, begins, operation, kKinds[kind]);
      }
    }
    --operations_;  // the last one found nothing to fail
  }

  // False: the step has no such operation.
  bool fail_at(const Step& step, const Before& before, bool begins, std::uint64_t operation,
               const Kind& kind) {
    const auto machine = before.machine->after_power_cut({.survival = Survival::all});
    History history = before.history;
    if (!begins) {
      const Status started = machine->start();
      EXPECT_TRUE(started) << started.error().message;
      if (!started) return false;
    }
    machine->disk().fail({.after = operation,
                          .sys_errno = kind.sys_errno,
                          .from_then_on = kind.from_then_on,
                          .set = OperationSet::changes});
    const Status done = step.run(*machine, history);
    if (!machine->disk().fault_struck()) return false;
    ++failures_;
    if (!done) expect_right_error(done.error(), kind);
    if (machine->is_running()) {
      expect_promises_kept(*machine, history);
      read_only_ += !machine->repository().state().read_only_reason.empty();
    }
    machine->disk().fail_nothing();
    recover(*machine, history);
    if (HasFailure()) return true;
    expect_durable(*machine, history, operation);
    return true;
  }

  bool fail_catalog(const Step& step, const Before& before, std::size_t writes) {
    const auto machine = before.machine->after_power_cut({.survival = Survival::all});
    History history = before.history;
    const Status started = machine->start();
    EXPECT_TRUE(started) << started.error().message;
    if (!started) return false;
    MemoryCatalogLog& catalog = machine->catalog();
    catalog.writes_left = writes;
    const Status done = step.run(*machine, history);
    if (&catalog != &machine->catalog() || !catalog.write_failed) return false;
    ++failures_;
    if (!done) expect_right_error(done.error(), {ENOSPC, true});
    catalog.writes_left = SIZE_MAX;
    recover(*machine, history);
    if (!HasFailure()) expect_durable(*machine, history, writes);
    return true;
  }

  void expect_right_error(const Error& error, const Kind& kind) {
    ++told_;
    const Errc expected = kind.sys_errno == EIO ? Errc::io : Errc::no_space;
    EXPECT_TRUE(error.code == expected || error.code == Errc::io)
        << to_string(error.code) << ": " << error.message;
    EXPECT_NE(error.message, "");
  }

  // The errors have stopped: it works again, by itself.
  void recover(Machine& machine, History& history) {
    // A copy of the journal that could not be read at a start is not gone without for good: that start says
    // so.
    const bool half_started = machine.is_running() && machine.repository().state().read_only_reason.find(
                                                          "start again") != std::string::npos;
    if (!machine.is_running() || half_started) {
      half_started ? ++half_started_ : ++did_not_start_;
      const Status started = machine.start();
      ASSERT_TRUE(started) << started.error().message;
    }
    ASSERT_EQ(machine.repository().state().read_only_reason, "");
    expect_work_goes_on(machine, history);
    expect_promises_kept(machine, history);
  }

  void expect_durable(const Machine& machine, History history, std::uint64_t seed) {
    const CatalogLeft catalog = seed % 3 == 0   ? CatalogLeft::nothing
                                : seed % 3 == 1 ? CatalogLeft::cut_short
                                                : CatalogLeft::whole;
    const auto after =
        machine.after_power_cut({.survival = Survival::none, .catalog = catalog, .seed = seed});
    const Status started = after->start();
    ASSERT_TRUE(started) << started.error().message;
    expect_promises_kept(*after, history);
    expect_check_finds_nothing(*after);
    expect_work_goes_on(*after, history);
    expect_promises_kept(*after, history);
  }

  std::uint64_t operations_ = 0, failures_ = 0, told_ = 0, read_only_ = 0, did_not_start_ = 0,
                half_started_ = 0;
};

// RocksDB's disk is full, which no operation of ours shows: from its n-th write on, then there is room again.
TEST_F(InjectedErrors, TheCatalogCanNotBeWritten) {
  const bool all = std::getenv("RB_CRASH_ALL") != nullptr;
  Machine machine;
  History history(kScriptSeed);
  for (const Step& step : script()) {
    const Before before{machine.after_power_cut({.survival = Survival::all}), history};
    const bool begins = !machine.is_running();
    const Status done = step.run(machine, history);
    ASSERT_TRUE(done) << step.name << ": " << done.error().message;
    bool struck = !begins;
    for (std::size_t writes = 0; struck && !HasFailure(); ++writes, ++operations_) {
      if (!all && operations_ % kErrorStride != 0) continue;
      SCOPED_TRACE(fmt::format("{}, write {} of the catalog", step.name, writes));
      struck = fail_catalog(step, before, writes);
    }
    if (HasFailure()) return;
  }
  fmt::print("{} errors of the catalog injected\n", failures_);
}

TEST_F(InjectedErrors, AtEveryOperation) {
  const auto began = std::chrono::steady_clock::now();
  const std::uint64_t compared_before = snapshots_compared();
  Machine machine;
  History history(kScriptSeed);
  for (const Step& step : script()) {
    const Before before{machine.after_power_cut({.survival = Survival::all}), history};
    const bool begins = !machine.is_running();
    const Status done = step.run(machine, history);
    ASSERT_TRUE(done) << step.name << ": " << done.error().message;
    fail_in(step, before, begins);
    if (HasFailure()) return;
  }
  fmt::print(
      "{} operations on the disk in {} steps; {} errors injected, {} of them ended what was asked for; the "
      "server "
      "was read-only while they lasted {} times, did not start {} times, and started for reading only {} "
      "times; {} snapshots compared. "
      "{:.1f} "
      "seconds.\n",
      operations_, script().size(), failures_, told_, read_only_, did_not_start_, half_started_,
      snapshots_compared() - compared_before,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
}

}  // namespace
}  // namespace rb::test
