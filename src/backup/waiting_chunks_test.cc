// Waiting for what others are sending, against stores that answer as a test says.
#include "backup/waiting_chunks.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/object_uploader.h"

namespace rb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Answer = std::function<Presence(const ObjectId&)>;

// Answers questions, and counts them; takes blocks, and lists the chunks in them.
class ScriptedSession final : public Session {
 public:
  explicit ScriptedSession(Answer answer) : answer_(std::move(answer)) {}
  const SessionInfo& info() const override { return info_; }
  bool must_ask() const override { return true; }
  Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override {
    const std::lock_guard lock(mutex);
    asked_ids += ids.size();
    std::vector<Presence> answers;
    for (const ObjectId& id : ids)
      answers.push_back(answer_(id));
    return answers;
  }
  Status put(Bytes block) override {
    RB_TRY(const BlockDirectory directory, decode_block_directory(block));
    const std::lock_guard lock(mutex);
    for (const BlockObject& object : directory.objects)
      put_ids.push_back(object.id);
    return {};
  }
  Status flush() override { return {}; }
  Result<CommitResult> commit(const CommitRequest&) override { return CommitResult{}; }
  Status read(std::span<const ObjectId>, Neighbours, const BlockSink&) override { return {}; }
  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery&) override { return {}; }
  Result<StoreStatus> status() override { return StoreStatus{}; }

  std::mutex mutex;
  std::size_t asked_ids = 0;
  std::vector<ObjectId> put_ids;

 private:
  const Answer answer_;
  SessionInfo info_;
};

ObjectId chunk_id(const std::string& content) {
  return object_id(ObjectKind::chunk, {}, as_bytes(content));
}

std::string numbered(int number) {
  return "chunk " + std::to_string(number);
}

class WaitingChunksTest : public testing::Test {
 protected:
  WaitingChunks make(Session& session, WaitingOptions options = {}) {
    options.first_pause = std::chrono::milliseconds(1);
    options.longest_pause = std::chrono::milliseconds(2);
    return WaitingChunks(
        session, monitor_,
        [this](const ObjectId& id, ByteView bytes) -> Status {
          EXPECT_EQ(chunk_id(std::string(as_text(bytes))), id);
          sent_.push_back(id);
          return {};
        },
        [this]() -> Status {
          sent_off_ = sent_.size();
          return {};
        },
        options);
  }
  void add(WaitingChunks& chunks, int count) {
    for (int i = 0; i < count; ++i)
      chunks.add(chunk_id(numbered(i)), as_bytes(numbered(i)));
  }
  void wait_for_all(WaitingChunks& chunks) {
    while (!chunks.settled(chunks.last_number()))
      ASSERT_TRUE(chunks.wait_and_ask());
  }

  RunMonitor monitor_{{}};
  std::vector<ObjectId> sent_;
  std::size_t sent_off_ = 0;
};

TEST_F(WaitingChunksTest, WhatComesIsDroppedAndWhatIsOursIsSent) {
  ScriptedSession session(
      [](const ObjectId& id) { return id == chunk_id(numbered(1)) ? Presence::send : Presence::have; });
  WaitingChunks chunks = make(session);
  add(chunks, 3);
  EXPECT_EQ(chunks.bytes(), 3 * numbered(0).size());
  EXPECT_FALSE(chunks.settled(1));
  EXPECT_TRUE(chunks.settled(0));
  wait_for_all(chunks);
  EXPECT_THAT(sent_, ElementsAre(chunk_id(numbered(1))));
  EXPECT_EQ(sent_off_, 1u);
  EXPECT_EQ(chunks.bytes(), 0u);
}

TEST_F(WaitingChunksTest, ManyThatComeInOrderCostFewQuestions) {
  std::set<ObjectId> here;
  int next = 0;
  ScriptedSession session(
      [&](const ObjectId& id) { return here.contains(id) ? Presence::have : Presence::wait; });
  WaitingChunks chunks = make(session);
  add(chunks, 10'000);
  while (!chunks.settled(chunks.last_number())) {
    for (int i = 0; i < 500 && next < 10'000; ++i)
      here.insert(chunk_id(numbered(next++)));
    ASSERT_TRUE(chunks.wait_and_ask());
  }
  EXPECT_THAT(sent_, IsEmpty());
  EXPECT_LT(session.asked_ids, 10u * 10'000);
}

TEST_F(WaitingChunksTest, OneThatDoesNotComeHoldsUpNoOther) {
  const ObjectId stuck = chunk_id(numbered(0));
  ScriptedSession session([&](const ObjectId& id) { return id == stuck ? Presence::wait : Presence::have; });
  WaitingChunks chunks = make(session);
  add(chunks, 1000);
  for (int i = 0; i < 20 && chunks.bytes() > numbered(0).size(); ++i)
    ASSERT_TRUE(chunks.wait_and_ask());
  EXPECT_EQ(chunks.bytes(), numbered(0).size());
  EXPECT_FALSE(chunks.settled(1));
}

TEST_F(WaitingChunksTest, AStoreThatNeverAnswersOtherwiseIsNotBelievedForEver) {
  ScriptedSession session([](const ObjectId&) { return Presence::wait; });
  WaitingChunks chunks = make(session, {.patience = std::chrono::milliseconds(10)});
  add(chunks, 2);
  wait_for_all(chunks);
  EXPECT_THAT(sent_, SizeIs(2));
}

TEST_F(WaitingChunksTest, AnErrorIsTheCallers) {
  ScriptedSession session([](const ObjectId&) { return Presence::wait; });
  WaitingChunks chunks(
      session, monitor_, [](const ObjectId&, ByteView) { return Status(); },
      []() -> Status { return fail(Errc::no_space, "full"); }, {.first_pause = std::chrono::milliseconds(1)});
  chunks.add(chunk_id("x"), as_bytes("x"));
  Status status;
  while (status)
    status = chunks.wait_and_ask();
  EXPECT_EQ(status.error().code, Errc::no_space);
  EXPECT_FALSE(chunks.settled(1));
}

class UploaderWaits : public testing::Test {
 protected:
  static UploadOptions options() {
    UploadOptions options;
    options.waiting.first_pause = std::chrono::milliseconds(1);
    options.waiting.longest_pause = std::chrono::milliseconds(2);
    return options;
  }
  RunMonitor monitor_{{}};
};

// Metadata stands after the chunks that were added before it, also when these are sent by somebody else.
TEST_F(UploaderWaits, MetadataStandsBehindTheChunksItMayName) {
  const ObjectId chunk = chunk_id("theirs");
  std::atomic<int> questions = 0;
  ScriptedSession session([&](const ObjectId& id) {
    if (id != chunk) return Presence::send;
    return ++questions < 5 ? Presence::wait : Presence::send;
  });
  ObjectUploader uploader(session, monitor_, options());
  ASSERT_TRUE(uploader.stream(0).add_chunk(as_bytes("theirs")));
  const auto tree = uploader.put({.kind = ObjectKind::tree, .refs = {chunk}, .payload = {1}});
  ASSERT_TRUE(tree);
  ASSERT_TRUE(uploader.flush());
  EXPECT_THAT(session.put_ids, ElementsAre(chunk, *tree));
}

// Beyond what may be kept in memory, reading stops until some of it has come.
TEST_F(UploaderWaits, MemoryIsBounded) {
  std::atomic<bool> here = false;
  std::atomic<int> questions = 0;
  ScriptedSession session([&](const ObjectId&) {
    if (++questions > 100) here = true;
    return here ? Presence::have : Presence::wait;
  });
  UploadOptions bounded = options();
  bounded.waiting_bytes = 3 << 20;
  ObjectUploader uploader(session, monitor_, bounded);
  const std::string base(1 << 20, 'x');
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(i < 6 || here) << "goes on reading while nothing comes";
    ASSERT_TRUE(uploader.stream(0).add_chunk(as_bytes(base + numbered(i))));
  }
  ASSERT_TRUE(uploader.flush());
  EXPECT_THAT(session.put_ids, IsEmpty());
}

TEST_F(UploaderWaits, ARunThatIsStoppedDoesNotWait) {
  ScriptedSession session([](const ObjectId&) { return Presence::wait; });
  ObjectUploader uploader(session, monitor_, options());
  ASSERT_TRUE(uploader.stream(0).add_chunk(as_bytes("theirs")));
  monitor_.cancel();
  const Status flushed = uploader.flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace rb
