#include "crash/verdict.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "restore/history.h"
#include "store/object_reader.h"

namespace rb::test {

namespace {

std::uint64_t compared = 0;

// Reads whole snapshots; what several share is read once.
class SnapshotContents {
 public:
  explicit SnapshotContents(Session& session) : session_(session), objects_(session) {}

  Result<FileContents> read(const SnapshotInfo& info) {
    RB_TRY(const Snapshot snapshot, load_snapshot(objects_, info));
    FileContents files;
    RB_TRY(visit_entries(objects_, snapshot, "/", true,
                         [&](const std::string& path, const Entry& entry) -> Status {
                           if (entry.type != EntryType::file) return {};
                           RB_TRY(files[path], content_of(entry));
                           return {};
                         }));
    return files;
  }

 private:
  Result<std::string> content_of(const Entry& entry) {
    const bool has_object = entry.content_kind != ContentKind::inline_bytes && entry.size > 0;
    if (const auto known = read_.find(entry.content); has_object && known != read_.end())
      return known->second;
    std::string text;
    RB_TRY(read_content(session_, entry, [&](ByteView bytes) -> Status {
      text += as_text(bytes);
      return {};
    }));
    if (has_object) read_[entry.content] = text;
    return text;
  }

  Session& session_;
  ObjectReader objects_;
  std::map<ObjectId, std::string> read_;
};

bool was_asked_for(const NodePromises& node, const FileContents& files) {
  return std::ranges::any_of(node.unanswered, [&](const auto& asked) { return *asked == files; });
}

void expect_snapshot(const NodePromises& node, const SnapshotInfo& info, SnapshotContents& contents) {
  const auto files = contents.read(info);
  ASSERT_TRUE(files) << node.name << ", snapshot " << info.sequence << ": " << files.error().message;
  ++compared;
  const auto known = node.snapshots.find(info.id);
  if (known == node.snapshots.end()) {
    EXPECT_TRUE(was_asked_for(node, *files)) << node.name << " never made snapshot " << info.sequence;
    return;
  }
  EXPECT_TRUE(known->second.standing != Standing::deleted)
      << node.name << ": deleted snapshot " << info.sequence << " is back";
  EXPECT_TRUE(*files == *known->second.files)
      << node.name << ", snapshot " << info.sequence << " is not what was backed up";
}

void expect_history(Machine& machine, const NodePromises& node) {
  const auto store = store_of(machine, node);
  ASSERT_TRUE(store) << node.name << ": " << store.error().message;
  const auto session = (*store)->begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read});
  ASSERT_TRUE(session) << node.name << ": " << session.error().message;
  const auto listed = (*session)->snapshots({});
  ASSERT_TRUE(listed) << node.name << ": " << listed.error().message;
  SnapshotContents contents(**session);
  std::set<SnapshotId> there;
  for (const SnapshotInfo& info : *listed) {
    there.insert(info.id);
    expect_snapshot(node, info, contents);
  }
  for (const auto& [id, promised] : node.snapshots) {
    EXPECT_TRUE(promised.standing != Standing::kept || there.contains(id))
        << node.name << ": acknowledged snapshot " << promised.sequence << " is gone";
  }
}

// As the administrator sees it, of removed nodes too.
void expect_pins(Machine& machine, const NodePromises& node) {
  std::set<SnapshotId> pinned;
  for (const auto& [id, promised] : node.snapshots) {
    if (promised.pinned && promised.standing == Standing::kept) pinned.insert(id);
  }
  if (pinned.empty()) return;
  const auto listed = machine.repository().history().snapshots(node.name);
  ASSERT_TRUE(listed) << listed.error().message;
  for (const KeptSnapshot& snapshot : *listed) {
    if (pinned.erase(snapshot.info.id) == 0) continue;
    EXPECT_TRUE(snapshot.pinned_by_administrator) << node.name << ": a pin is gone";
  }
  EXPECT_TRUE(pinned.empty()) << node.name << ": a pinned snapshot is gone";
}

}  // namespace

std::uint64_t snapshots_compared() {
  return compared;
}

void expect_promises_kept(Machine& machine, const History& history) {
  for (const NodePromises& node : history.nodes()) {
    for (const Credential& revoked : node.revoked)
      EXPECT_FALSE(machine.repository().registry().authenticate(revoked)) << node.name << " was removed";
    expect_pins(machine, node);
    if (!node.in_doubt && !node.may_come_in) {
      EXPECT_FALSE(machine.repository().registry().authenticate(node.credential)) << node.name;
      continue;
    }
    if (node.in_doubt && !store_of(machine, node)) continue;
    expect_history(machine, node);
  }
}

void expect_check_finds_nothing(Machine& machine) {
  const auto damage = machine.check();
  ASSERT_TRUE(damage) << damage.error().message;
  EXPECT_EQ(*damage, "");
}

void expect_work_goes_on(Machine& machine, History& history) {
  const Status backed_up = history.back_up_unchanged(machine);
  ASSERT_TRUE(backed_up) << backed_up.error().message;
  const Status collected = history.collect(machine);
  ASSERT_TRUE(collected) << collected.error().message;
}

}  // namespace rb::test
