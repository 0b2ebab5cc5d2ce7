// What one worker fetches serves all batches that are planned.
#include "restore/batch_worker.h"

#include "restore/metadata_writer.h"
#include "restore/target_paths.h"
#include "store/object_reader.h"
#include "support/restore_fixture.h"

namespace rb::test {
namespace {

constexpr std::size_t kLength = 10'000;

class BatchWorkerTest : public RestoreFixture {
 protected:
  BatchWorkerTest() {
    SessionSink sink(*session_);
    for (char letter = 'a'; letter < 'e'; ++letter) {
      Object chunk{ObjectKind::chunk, {}, Bytes(kLength, static_cast<std::uint8_t>(letter))};
      chunks_.push_back(sink.put(std::move(chunk)).value());
    }
    EXPECT_TRUE(sink.send_all());
    OpenedTarget opened = open_target(target()).value();
    root_->name = opened.name;
    handles_.set_root(*root_, std::move(opened.fd));
  }

  // A file of these chunks, all of it in one batch.
  std::unique_ptr<RestoreBatch> batch(const std::string& name, const std::vector<std::size_t>& chunks) {
    auto made = std::make_unique<RestoreBatch>();
    auto* task = new FileTask;  // deletes itself when it is written
    task->directory = root_;
    task->entry = tree_.file("/" + name, std::string(chunks.size() * kLength, ' '));
    task->entry.name = name;
    ++root_->pending;
    for (std::size_t i = 0; i < chunks.size(); ++i)
      made->add_piece(task, chunks_[chunks[i]], i * kLength, kLength);
    DirectoryLease lease;
    writer_.release(task, lease);
    return made;
  }

  static std::string letters(const std::string& text) {
    std::string content;
    for (const char letter : text)
      content += std::string(kLength, letter);
    return content;
  }

  std::uint64_t reads() const { return store_.stats().reads; }

  std::vector<ObjectId> chunks_;
  RunContext context_{{}};
  ObjectReader objects_{*session_, 1 << 20};
  DirectoryHandles handles_{16};
  MetadataWriter metadata_{objects_, context_};
  HardLinks links_;
  FileWriter writer_{{context_, handles_, metadata_, links_, false}};
  DirectoryRef root_ = std::make_shared<TargetDirectory>(&handles_);
  BatchQueue queue_;
  BatchWorker worker_{*session_, queue_, writer_, context_};
};

TEST_F(BatchWorkerTest, WhatABlockHoldsForABatchThatWaitsIsWrittenToo) {
  queue_.push(batch("one", {0, 1}));
  queue_.push(batch("two", {3, 2, 1, 3}));
  const std::shared_ptr<RestoreBatch> one = queue_.pop();
  const std::uint64_t before = reads();
  worker_.process(*one);
  queue_.finished(one);
  EXPECT_EQ(reads(), before + 1);
  EXPECT_TRUE(read_whole(target("one")) == letters("ab"));
  EXPECT_TRUE(read_whole(target("two")) == letters("dcbd"));

  const std::shared_ptr<RestoreBatch> two = queue_.pop();
  worker_.process(*two);
  queue_.finished(two);
  EXPECT_EQ(reads(), before + 1) << "fetched what was there";
  EXPECT_EQ(context_.counters.files, 2u);
  EXPECT_EQ(context_.counters.failed, 0u);
}

TEST_F(BatchWorkerTest, WhatIsInWorkIsServedToo) {
  queue_.push(batch("one", {0}));
  queue_.push(batch("two", {1}));
  const std::shared_ptr<RestoreBatch> one = queue_.pop();
  const std::shared_ptr<RestoreBatch> two = queue_.pop();
  EXPECT_EQ(queue_.others(*one), std::vector{two});
  worker_.process(*one);
  EXPECT_TRUE(two->slots().front().is_taken());
  EXPECT_TRUE(read_whole(target("two")) == letters("b"));
  worker_.process(*two);
  queue_.finished(one);
  queue_.finished(two);
  EXPECT_EQ(context_.counters.files, 2u);
}

TEST_F(BatchWorkerTest, DamageIsLeftToTheBatchThatNeedsIt) {
  FaultySession faulty(*session_);
  faulty.damaged = {chunks_[0]};
  queue_.push(batch("one", {0}));
  queue_.push(batch("two", {1}));
  BatchWorker worker(faulty, queue_, writer_, context_);
  const std::shared_ptr<RestoreBatch> one = queue_.pop();
  worker.process(*one);
  queue_.finished(one);
  EXPECT_EQ(context_.counters.failed, 1u);
  EXPECT_FALSE(exists(target("two")));
  const std::shared_ptr<RestoreBatch> two = queue_.pop();
  worker_.process(*two);
  queue_.finished(two);
  EXPECT_EQ(context_.counters.failed, 1u);
  EXPECT_TRUE(read_whole(target("two")) == letters("b"));
}

TEST(RestoreBatch, ASlotIsTakenOnce) {
  RestoreBatch::Slot slot{};
  EXPECT_FALSE(slot.is_taken());
  EXPECT_TRUE(slot.take());
  EXPECT_TRUE(slot.is_taken());
  EXPECT_FALSE(slot.take());
}

}  // namespace
}  // namespace rb::test
