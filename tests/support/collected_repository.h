// A repository with its inside open, on a disk and with a catalog that can be crashed, for tests of
// collections: sessions of one node, what they were promised, and whether it holds.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gc/collector.h"
#include "repository/local_session.h"
#include "support/fake_repository.h"
#include "support/store_samples.h"

namespace rb::test {

// Later at each look, so that what happens later has a later time.
class TickingClock final : public Clock {
 public:
  Timestamp wall() const override { return {1'700'000'000 + ++ticks_ + shift, 0}; }
  std::chrono::nanoseconds monotonic() const override { return std::chrono::milliseconds(ticks_.load()); }

  std::atomic<std::int64_t> shift = 0;  // somebody sets it, by so many seconds

 private:
  mutable std::atomic<std::int64_t> ticks_ = 0;
};

class CollectedRepository {
 public:
  CollectedRepository() { open(); }

  void open() {
    RepositoryOptions options = fake_options(*disk_, log_, clock_);
    options.pack_bytes_max = pack_bytes_max_;
    auto opened = RepositoryCore::open(kFakeDirectory, options);
    ASSERT_TRUE(opened) << opened.error().message;
    core_ = std::move(*opened);
    auto node = core_->book().node_of(1000, "ana", "ana");
    ASSERT_TRUE(node) << node.error().message;
    caller_ = {.node = node->record.node, .name = node->record.name};
  }

  // The process dies; of the catalog's batches only the first ones had come to the disk: as many as this, but
  // all that were persisted.
  void crash(std::size_t kept_batches, Survival survival = Survival::none) {
    auto disk = disk_->reopen(survival);
    auto log = std::make_shared<MemoryCatalogLog>(*log_);
    log->batches.resize(std::clamp(kept_batches, log->persisted, log->batches.size()));
    log->persisted = log->batches.size();
    core_.reset();  // what it still writes goes to the old disk and the old log
    dead_disks_.push_back(std::move(disk_));
    disk_ = std::move(disk);
    log_ = std::move(log);
    open();
  }
  // An orderly end, and a new start.
  void restart() {
    core_.reset();
    open();
  }
  // The catalog is deleted.
  void rebuild() {
    core_.reset();
    *log_ = {};
    open();
  }

  RepositoryCore& core() { return *core_; }
  FakeFileSystem& disk() { return *disk_; }
  MemoryCatalogLog& log() { return *log_; }
  TickingClock& clock() { return clock_; }
  std::uint32_t node() const { return caller_.node; }

  std::unique_ptr<Session> begin(SessionPurpose purpose = SessionPurpose::write) {
    BeginRequest request{.purpose = purpose};
    const std::uint64_t run = ++runs_;
    for (std::size_t i = 0; i < sizeof run; ++i)
      request.run.bytes[i] = static_cast<std::uint8_t>(run >> (8 * i));
    auto session = begin_local_session(core_, caller_, request);
    EXPECT_TRUE(session) << session.error().message;
    return session ? std::move(*session) : nullptr;
  }

  // Puts all of these, chunks first, and waits for them to be durable.
  static Status upload(Session& session, const std::vector<NamedObject>& objects) {
    for (const bool metadata : {false, true}) {
      for (const NamedObject& object : objects) {
        if (is_metadata(object.object.kind) == metadata) RB_TRY(session.put(make_block({object})));
      }
    }
    return session.flush();
  }
  Result<CommitResult> commit(Session& session, const ObjectId& snapshot) {
    const auto head = core_->book().head(caller_.node);
    return session.commit(
        {.snapshot = snapshot, .expected_head = head ? std::optional(head->id) : std::nullopt});
  }
  // A whole backup in a session of its own.
  SnapshotInfo back_up(const std::vector<NamedObject>& objects, const NamedObject& snapshot) {
    const auto session = begin();
    EXPECT_TRUE(upload(*session, objects));
    EXPECT_TRUE(upload(*session, {snapshot}));
    const Result<CommitResult> result = commit(*session, snapshot.id);
    EXPECT_TRUE(result && result->committed);
    return result && result->head ? *result->head : SnapshotInfo{};
  }
  void remove(const SnapshotInfo& snapshot) {
    const std::uint64_t sequences[] = {snapshot.sequence};
    EXPECT_EQ(core_->book().delete_snapshots(caller_.node, sequences), 1u);
  }

  Result<CollectionReport> collect(std::function<void()> between_steps = {}) {
    const std::atomic<bool> cancelled = false;
    return run_collection(*core_, {.between_steps = std::move(between_steps)}, cancelled);
  }
  // So often that nothing is young any more.
  void collect_all() {
    for (int i = 0; i < 3; ++i) {
      const auto report = collect();
      EXPECT_TRUE(report) << report.error().message;
    }
  }

  Presence presence(Session& session, const ObjectId& id) {
    const auto answer = session.ask(std::span(&id, 1));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? answer->front() : Presence::wait;
  }
  bool has(const ObjectId& id) { return presence(*begin(), id) == Presence::have; }

  // Reads an object and all beneath it, and gives how many these are; an error when one is not there.
  static Result<std::size_t> read_all(Session& session, const ObjectId& top) {
    std::set<ObjectId> seen{top};
    for (std::vector<ObjectId> open{top}; !open.empty();) {
      std::set<ObjectId> next;
      const std::set<ObjectId> asked(open.begin(), open.end());
      RB_TRY(session.read(open, Neighbours::welcome, [&](ByteView block) -> Status {
        RB_TRY(const auto objects, unpack_block(block));
        for (const NamedObject& object : objects) {
          if (!asked.contains(object.id)) continue;
          next.insert(object.object.refs.begin(), object.object.refs.end());
        }
        return {};
      }));
      open.clear();
      for (const ObjectId& id : next) {
        if (seen.insert(id).second) open.push_back(id);
      }
    }
    return seen.size();
  }
  // Every snapshot that is not deleted can be read to the last chunk, and is "have".
  Status check_kept() {
    const auto session = begin(SessionPurpose::read);
    RB_TRY(const auto kept, session->snapshots({}));
    for (const SnapshotInfo& snapshot : kept) {
      RB_TRY(read_all(*session, snapshot.object));
      if (presence(*session, snapshot.object) != Presence::have)
        return fail(Errc::corrupt, "a kept snapshot is not complete");
    }
    return {};
  }
  // All rows that the catalog has, dead ones too, once everything was moved there.
  std::uint64_t row_count() {
    EXPECT_TRUE(core_->writer().persist());
    std::uint64_t rows = 0;
    const auto counts = core_->catalog().object_counts();
    for (const auto& [domain, count] : *counts) {
      std::uint64_t in_domain = 0;
      EXPECT_TRUE(core_->catalog().visit_objects(domain, std::nullopt, SIZE_MAX,
                                                 [&](const ObjectId&, const ObjectRow&) -> Status {
                                                   ++in_domain;
                                                   return {};
                                                 }));
      EXPECT_EQ(in_domain, count) << "of domain " << domain;
      EXPECT_EQ(core_->index().object_count(domain), count);
      rows += in_domain;
    }
    return rows;
  }

 private:
  TickingClock clock_;
  std::uint64_t pack_bytes_max_ = 4096;
  std::vector<std::unique_ptr<FakeFileSystem>> dead_disks_;
  std::unique_ptr<FakeFileSystem> disk_ = std::make_unique<FakeFileSystem>();
  std::shared_ptr<MemoryCatalogLog> log_ = std::make_shared<MemoryCatalogLog>();
  std::shared_ptr<RepositoryCore> core_;
  Caller caller_;
  std::atomic<std::uint64_t> runs_ = 0;
};

}  // namespace rb::test
