// The journal's promise under failures and power cuts at every single operation: a record that append()
// answered is replayed for ever, under the same number and hash, and no other takes its place.
#include <map>

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "repository/journal.h"

namespace rb {
namespace {

const RepositoryId kJournalRepository = *id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f");
constexpr int kRecords = 6;

// Longer than a sector, so that it can be torn.
JournalRecord record_of(std::uint32_t i) {
  return NodeRecord{.node = i, .domain = 1, .name = std::string(700 + i, static_cast<char>('a' + i % 26))};
}

// What was answered: record number by sequence, with the hash it was given.
struct Answered {
  std::uint32_t node = 0;
  Digest hash;
};
using Ledger = std::map<std::uint64_t, Answered>;

std::unique_ptr<Journal> open_journal(FileSystem& fs) {
  auto journal = Journal::open(fs, "/journal.1", "/journal.2", kJournalRepository);
  return journal ? std::move(*journal) : nullptr;
}

void append_all(Journal& journal, std::uint32_t first, Ledger& ledger) {
  for (std::uint32_t i = first; i < first + kRecords; ++i) {
    const auto entry = journal.append(record_of(i));
    if (!entry) continue;
    EXPECT_TRUE(ledger.emplace(entry->sequence, Answered{.node = i, .hash = entry->hash}).second)
        << "sequence " << entry->sequence << " was answered twice";
  }
}

void expect_answered(const Ledger& ledger, Journal& journal) {
  Ledger found;
  const Status replayed = journal.replay(0, [&](const JournalEntry& entry) {
    EXPECT_EQ(entry.sequence, found.size() + 1);
    const auto& node = std::get<NodeRecord>(entry.record);
    EXPECT_TRUE(entry.record == record_of(node.node)) << "was never appended";
    found[entry.sequence] = {.node = node.node, .hash = entry.hash};
    return Status{};
  });
  EXPECT_TRUE(replayed.has_value());
  for (const auto& [sequence, answered] : ledger) {
    ASSERT_TRUE(found.contains(sequence)) << "record " << sequence << " was answered and is gone";
    EXPECT_EQ(found[sequence].node, answered.node);
    EXPECT_EQ(found[sequence].hash, answered.hash);
  }
}

// Everything is there, the journal can be written, and what it writes holds too, in each copy alone.
void check_next_life(FakeFileSystem& fs, Ledger ledger) {
  {
    const auto journal = open_journal(fs);
    ASSERT_TRUE(journal != nullptr);
    EXPECT_EQ(journal->read_only_reason(), "");
    expect_answered(ledger, *journal);
    const std::size_t before = ledger.size();
    append_all(*journal, 100, ledger);
    EXPECT_EQ(ledger.size(), before + kRecords);
  }
  for (const char* copy : {"/journal.1", "/journal.2"}) {
    const auto later = fs.reopen(Survival::none);
    later->erase(copy);
    const auto journal = open_journal(*later);
    ASSERT_TRUE(journal != nullptr);
    expect_answered(ledger, *journal);
  }
}

TEST(JournalCrashTest, PowerCutAtEveryOperation) {
  for (std::uint64_t n = 0;; ++n) {
    FakeFileSystem fs;
    fs.crash_after(n);
    Ledger ledger;
    if (const auto journal = open_journal(fs)) append_all(*journal, 1, ledger);
    const bool struck = fs.fault_struck();
    if (!struck) {
      EXPECT_EQ(ledger.size(), static_cast<std::size_t>(kRecords));
    }
    for (const Survival survival : {Survival::none, Survival::all, Survival::some, Survival::torn}) {
      const bool uncertain = survival == Survival::some || survival == Survival::torn;
      for (std::uint64_t seed = 0; seed < (uncertain ? 8 : 1); ++seed) {
        SCOPED_TRACE(testing::Message()
                     << "crash at " << n << ", survival " << static_cast<int>(survival) << ", seed " << seed);
        check_next_life(*fs.reopen(survival, seed), ledger);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
    if (!struck) break;
  }
}

// The power goes again while the journal is being opened and repaired.
TEST(JournalCrashTest, PowerCutDuringRepair) {
  FakeFileSystem whole;
  Ledger ledger;
  {
    const auto journal = open_journal(whole);
    append_all(*journal, 1, ledger);
  }
  const std::string damaged = "/journal.1/00000001.journal";
  whole.zero(damaged, whole.contents(damaged)->size() / 2, 100);
  for (std::uint64_t n = 0;; ++n) {
    const auto fs = whole.reopen(Survival::all);
    fs->crash_after(n);
    open_journal(*fs);
    const bool struck = fs->fault_struck();
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      SCOPED_TRACE(testing::Message() << "crash at " << n << ", seed " << seed);
      check_next_life(*fs->reopen(Survival::torn, seed), ledger);
      if (testing::Test::HasFatalFailure()) return;
    }
    if (!struck) break;
  }
}

// The program dies, its successor finds a record in the kernel's memory and answers for it; then the power
// goes.
TEST(JournalCrashTest, WhatAReplayGaveSurvivesALaterPowerCut) {
  for (std::uint64_t n = 0;; ++n) {
    FakeFileSystem fs;
    fs.crash_after(n);
    Ledger ledger;
    if (const auto journal = open_journal(fs)) append_all(*journal, 1, ledger);
    const bool struck = fs.fault_struck();
    const auto restarted = fs.reopen(Survival::page_cache);
    {
      const auto journal = open_journal(*restarted);
      ASSERT_TRUE(journal != nullptr);
      expect_answered(ledger, *journal);
      const Status replayed = journal->replay(0, [&](const JournalEntry& entry) {
        ledger[entry.sequence] = {.node = std::get<NodeRecord>(entry.record).node, .hash = entry.hash};
        return Status{};
      });
      ASSERT_TRUE(replayed.has_value());
    }
    SCOPED_TRACE(testing::Message() << "crash at " << n);
    check_next_life(*restarted->reopen(Survival::none), ledger);
    if (testing::Test::HasFatalFailure()) return;
    if (!struck) break;
  }
}

TEST(JournalCrashTest, FailureAtEveryOperation) {
  for (const bool from_then_on : {false, true}) {
    for (std::uint64_t n = 0;; ++n) {
      SCOPED_TRACE(testing::Message() << "failure at " << n << (from_then_on ? " and from then on" : ""));
      FakeFileSystem fs;
      fs.fail({.after = n, .sys_errno = n % 2 ? EIO : ENOSPC, .from_then_on = from_then_on});
      Ledger ledger;
      if (const auto journal = open_journal(fs)) {
        append_all(*journal, 1, ledger);
        if (!from_then_on) expect_answered(ledger, *journal);
      }
      const bool struck = fs.fault_struck();
      if (!struck) {
        EXPECT_EQ(ledger.size(), static_cast<std::size_t>(kRecords));
      }
      for (const Survival survival : {Survival::none, Survival::all, Survival::torn}) {
        check_next_life(*fs.reopen(survival, n), ledger);
        if (testing::Test::HasFatalFailure()) return;
      }
      if (!struck) break;
    }
  }
}

// The disk fails once; the journal is not opened again, but goes on. The record in doubt is there or not, and
// whatever it is, stays so.
TEST(JournalCrashTest, ResumedAfterAFailureOfEveryOperation) {
  bool was_there = false, was_not_there = false;
  bool struck = true;
  for (std::uint64_t n = 0; struck; ++n) {
    SCOPED_TRACE(testing::Message() << "failure at " << n);
    FakeFileSystem fs;
    Ledger ledger;
    const auto journal = open_journal(fs);
    ASSERT_TRUE(journal != nullptr);
    fs.fail({.after = n, .sys_errno = n % 2 ? EIO : ENOSPC, .set = OperationSet::changes});
    for (std::uint32_t i = 1; i <= kRecords; ++i) {
      const auto entry = journal->append(record_of(i));
      if (entry) ledger[entry->sequence] = {.node = i, .hash = entry->hash};
      if (entry || journal->read_only_reason().empty()) continue;
      const std::uint64_t before = journal->last_sequence();
      EXPECT_FALSE(journal->append(record_of(i)));
      const Status resumed = journal->resume();
      ASSERT_TRUE(resumed) << resumed.error().message;
      EXPECT_EQ(journal->read_only_reason(), "");
      ASSERT_LE(journal->last_sequence(), before + 1);
      (journal->last_sequence() > before ? was_there : was_not_there) = true;
      EXPECT_TRUE(journal->replay(before, [&](const JournalEntry& found) {
        EXPECT_TRUE(found.record == record_of(i));
        ledger[found.sequence] = {.node = i, .hash = found.hash};
        return Status{};
      }));
    }
    expect_answered(ledger, *journal);
    struck = fs.fault_struck();
    for (const Survival survival : {Survival::none, Survival::all, Survival::torn}) {
      check_next_life(*fs.survivor(survival, n), ledger);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_TRUE(was_there);
  EXPECT_TRUE(was_not_there);
}

TEST(JournalCrashTest, NothingIsResumedWhileTheDiskFails) {
  FakeFileSystem fs;
  const auto journal = open_journal(fs);
  ASSERT_TRUE(journal != nullptr);
  ASSERT_TRUE(journal->append(record_of(1)));
  EXPECT_TRUE(journal->resume()) << "there is nothing to do";
  fs.fail({.after = 0, .sys_errno = EIO, .from_then_on = true, .set = OperationSet::changes});
  EXPECT_FALSE(journal->append(record_of(2)));
  EXPECT_FALSE(journal->resume());
  EXPECT_NE(journal->read_only_reason(), "");
  fs.fail_nothing();
  EXPECT_TRUE(journal->resume());
  const auto entry = journal->append(record_of(3));
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->sequence, 2u);
}

}  // namespace
}  // namespace rb
