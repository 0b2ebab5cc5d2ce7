// A small repository on a fake disk, of which a test damages what it likes and looks what is found.
#pragma once

#include <random>

#include <gtest/gtest.h>

#include "check/caretaker.h"
#include "check/check_job.h"
#include "format/snapshot.h"
#include "format/tree_page.h"
#include "support/fake_repository.h"
#include "support/store_samples.h"

namespace rb::test {

// Each look at it is a second later.
class TickingClock final : public Clock {
 public:
  Timestamp wall() const override { return {1'700'000'000 + ++ticks_, 0}; }
  std::chrono::nanoseconds monotonic() const override { return std::chrono::seconds(++ticks_); }

 private:
  mutable std::atomic<std::int64_t> ticks_ = 0;
};

class CheckBench : public testing::Test {
 protected:
  CheckBench() { open(); }

  void open() {
    close();
    RepositoryOptions options = fake_options(fs_, catalog_, clock_);
    options.space.keep_free = keep_free_;
    auto opened = LocalRepository::open(kFakeDirectory, std::move(options));
    ASSERT_TRUE(opened) << opened.error().message;
    repository_ = std::move(*opened);
    keeper_ = std::make_unique<PackKeeper>(core(), 5);
    log_ = std::make_unique<ReadLog>(fs_, std::string(kFakeDirectory) + "/last-read");
  }
  void close() {
    keeper_.reset();
    log_.reset();
    repository_.reset();
  }
  RepositoryCore& core() { return repository_->core(); }

  // Sends what the store asks for and commits: "/file-0", "/file-1", ... with these contents. Each is a
  // block, unless they are to go together.
  std::vector<ObjectId> back_up(const std::vector<std::string>& contents, std::uint8_t run) {
    auto store = repository_->store_for(LocalUser{.uid = 100'001, .name = "ana"});
    EXPECT_TRUE(store) << store.error().message;
    auto session = (*store)->begin({.run = make_run(run)});
    EXPECT_TRUE(session) << session.error().message;
    wanted_ = (*session)->info().wanted;
    std::vector<ObjectId> chunks;
    std::vector<NamedObject> together;
    for (const std::string& content : contents) {
      chunks.push_back(make_chunk(content).id);
      if (chunks_go_together_ && asks_for(**session, chunks.back())) {
        together.push_back(make_chunk(content));
      } else if (!chunks_go_together_) {
        send(**session, make_chunk(content));
      }
    }
    if (!together.empty()) put(**session, make_block(together));
    const NamedObject page = named(encode_tree_page(page_of(contents, chunks)));
    send(**session, page);
    TreePage root;
    Entry top;
    top.type = EntryType::directory;
    top.mode = 0755;
    top.content_kind = ContentKind::tree;
    top.content = page.id;
    root.entries.push_back(top);
    const NamedObject root_page = named(encode_tree_page(root));
    send(**session, root_page);
    Snapshot snapshot;
    snapshot.root = root_page.id;
    snapshot.client_time = {run, 0};
    const NamedObject object = named(encode_snapshot(snapshot));
    send(**session, object);
    const auto& head = (*session)->info().head;
    const auto committed = (*session)->commit(
        {.snapshot = object.id, .expected_head = head ? std::optional(head->id) : std::nullopt});
    EXPECT_TRUE(committed && committed->committed) << (committed ? "" : committed.error().message);
    return chunks;
  }

  PackPosition place_of(const ObjectId& id) {
    const auto answer = core().index().find(domain(), std::span(&id, 1));
    EXPECT_TRUE(answer && answer->found[0]);
    return answer->found[0]->row.at;
  }
  std::uint32_t domain() { return core().catalog().domains()->back().domain; }
  // In the middle of the record's block.
  void damage(const PackPosition& at) { fs_.flip_bit(core().packs().path(at.pack), (at.offset + 200) * 8); }
  bool readable(const ObjectId& id) { return core().packs().read(place_of(id)).has_value(); }

  void put_row(const ObjectId& id, const ObjectRow& row) {
    CatalogBatch batch;
    batch.objects = {{.domain = domain(), .id = id, .row = row, .children = {}}};
    ASSERT_TRUE(core().catalog().apply(batch));
  }

  Findings check(bool data) {
    CheckJob job(core(), *keeper_, *log_);
    EXPECT_TRUE(job.begin({.data = data}));
    CheckState state = job.state();
    while (state.running) {
      std::this_thread::yield();
      state = job.state();
    }
    EXPECT_EQ(state.error, "");
    last_ = state;
    return state.findings;
  }
  static std::string text(const Findings& findings) {
    std::string out;
    for (const Finding& finding : findings.list) {
      out += std::string(to_string(finding.kind)) + ": " + finding.where + ": " + finding.what + "\n";
      for (const std::string& file : finding.affected)
        out += "  " + file + "\n";
    }
    return out;
  }

  FakeFileSystem fs_;
  TickingClock clock_;
  std::shared_ptr<MemoryCatalogLog> catalog_ = std::make_shared<MemoryCatalogLog>();
  std::unique_ptr<LocalRepository> repository_;
  std::unique_ptr<PackKeeper> keeper_;
  std::unique_ptr<ReadLog> log_;
  bool chunks_go_together_ = false;
  std::uint64_t keep_free_ = 0;
  std::vector<ObjectId> wanted_;
  CheckState last_;

 private:
  static NamedObject named(Object object) {
    NamedObject out;
    out.object = std::move(object);
    out.id = object_id(out.object);
    return out;
  }
  static TreePage page_of(const std::vector<std::string>& contents, const std::vector<ObjectId>& chunks) {
    TreePage page;
    for (std::size_t i = 0; i < contents.size(); ++i) {
      Entry entry;
      entry.name = "file-" + std::to_string(i);
      entry.mode = 0644;
      entry.size = contents[i].size();
      entry.content_kind = ContentKind::chunk;
      entry.content = chunks[i];
      page.entries.push_back(entry);
    }
    std::ranges::sort(page.entries, {}, &Entry::name);
    return page;
  }
  static bool asks_for(Session& session, const ObjectId& id) {
    const auto presence = session.ask(std::span(&id, 1));
    EXPECT_TRUE(presence) << presence.error().message;
    return presence && (*presence)[0] != Presence::have;
  }
  void send(Session& session, const NamedObject& object) {
    if (asks_for(session, object.id)) put(session, make_block({object}));
  }
  void put(Session& session, Bytes block) {
    const Status done = session.put(std::move(block));
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(session.flush());
  }
};

// Does not shrink.
inline std::string noise(unsigned seed, std::size_t bytes = 9000) {
  std::mt19937 random(seed);
  std::string out(bytes, '\0');
  for (char& c : out)
    c = static_cast<char>(random());
  return out;
}

}  // namespace rb::test
