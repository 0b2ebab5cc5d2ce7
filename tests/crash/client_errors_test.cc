// A client backs up real files to a server whose disk fails at each operation in turn. An error of the store
// ends the run; it is never told of as one of a source file, and no snapshot lacks a file because of it.
#include <cerrno>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backup/backup.h"
#include "base/log.h"
#include "crash/history.h"
#include "restore/history.h"
#include "store/object_reader.h"
#include "support/temp_directory.h"

namespace rb::test {
namespace {

const LocalUser kUser{.uid = 100'001, .name = "ana"};

class ClientErrors : public testing::Test {
 protected:
  ClientErrors() {
    set_log_sink([](LogLevel, const std::string&) {});
  }

  void write(const std::string& name, std::uint64_t bytes) {
    std::string text(bytes, '\0');
    for (char& c : text)
      c = static_cast<char>(random_());
    const std::filesystem::path path = scratch_ / "tree/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    files_[path] = text;
  }

  Result<BackupReport> back_up(Machine& machine) {
    RB_TRY(const auto store, machine.repository().store_for(kUser));
    BackupOptions options;
    options.paths = {scratch_ / "tree"};
    options.recursive = options.remove_absent = true;
    options.threads = 2;
    BackupEvents events;
    events.on_failure = [](const std::string& path, const std::string& why) {
      ADD_FAILURE() << "blamed on " << path << ": " << why;
    };
    return BackupRun(*store, options, events, clock_).run();
  }

  void expect_head_is_the_tree(Machine& machine) {
    const auto store = machine.repository().store_for(kUser);
    ASSERT_TRUE(store);
    const auto session = (*store)->begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read});
    ASSERT_TRUE(session && (*session)->info().head);
    ObjectReader objects(**session);
    const auto snapshot = load_snapshot(objects, *(*session)->info().head);
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    FileContents found;
    const Status visited =
        visit_entries(objects, *snapshot, scratch_ / "tree", true,
                      [&](const std::string& path, const Entry& entry) -> Status {
                        if (entry.type != EntryType::file) return {};
                        return read_content(**session, entry, [&](ByteView bytes) -> Status {
                          found[path] += as_text(bytes);
                          return {};
                        });
                      });
    ASSERT_TRUE(visited) << visited.error().message;
    EXPECT_TRUE(found == files_);
  }

  void expect_durable(const Machine& machine) {
    const auto after = machine.after_power_cut({.survival = Survival::none});
    ASSERT_TRUE(after->start());
    expect_head_is_the_tree(*after);
  }

  // False: the run has no such operation.
  bool fail_at(const Machine& before, std::uint64_t operation, int sys_errno, bool from_then_on) {
    const auto machine = before.after_power_cut({.survival = Survival::all});
    EXPECT_TRUE(machine->start());
    machine->disk().fail({.after = operation,
                          .sys_errno = sys_errno,
                          .from_then_on = from_then_on,
                          .set = OperationSet::changes});
    const auto report = back_up(*machine);
    if (!machine->disk().fault_struck()) return false;
    ++failures_;
    machine->disk().fail_nothing();
    if (report) {
      EXPECT_FALSE(report->incomplete);
      expect_durable(*machine);
    } else {
      EXPECT_TRUE(report.error().code == Errc::io || report.error().code == Errc::no_space)
          << to_string(report.error().code) << ": " << report.error().message;
    }
    const auto again = back_up(*machine);
    EXPECT_TRUE(again && !again->incomplete) << (again ? "incomplete" : again.error().message);
    if (again) expect_durable(*machine);
    return true;
  }

  TempDirectory scratch_;
  SystemClock clock_;
  std::mt19937_64 random_{5};
  FileContents files_;
  std::uint64_t failures_ = 0;
};

TEST_F(ClientErrors, OfTheStoreAreNeverThoseOfASourceFile) {
  for (int i = 0; i < 12; ++i)
    write(fmt::format("d{}/f{}", i % 3, i), 3000);
  Machine before;
  ASSERT_TRUE(before.start());
  ASSERT_TRUE(back_up(before));
  for (int i = 0; i < 6; ++i)
    write(fmt::format("d{}/f{}", i % 3, i), 150'000);
  for (const int sys_errno : {EIO, ENOSPC, EDQUOT}) {
    for (const bool from_then_on : {false, true}) {
      bool struck = true;
      for (std::uint64_t operation = 0; struck && !HasFailure(); ++operation) {
        SCOPED_TRACE(fmt::format("operation {}, errno {}", operation, sys_errno));
        struck = fail_at(before, operation, sys_errno, from_then_on);
      }
    }
  }
  fmt::print("{} errors injected into a backup\n", failures_);
  EXPECT_GT(failures_, 50u);
}

}  // namespace
}  // namespace rb::test
