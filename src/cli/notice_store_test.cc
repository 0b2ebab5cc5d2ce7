#include "cli/notice_store.h"

#include <gtest/gtest.h>

namespace rb::cli {
namespace {

// Begins sessions that only have something to say.
class TalkativeStore final : public Store {
 public:
  explicit TalkativeStore(std::vector<std::string> notices) : notices_(std::move(notices)) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest&) override {
    auto session = std::make_unique<Silent>();
    session->info_.notices = notices_;
    return session;
  }

 private:
  struct Silent final : Session {
    SessionInfo info_;
    static std::unexpected<Error> none() { return fail(Errc::unsupported, "not in this test"); }
    const SessionInfo& info() const override { return info_; }
    bool must_ask() const override { return true; }
    Result<std::vector<Presence>> ask(std::span<const ObjectId>) override { return none(); }
    Status put(Bytes) override { return none(); }
    Status flush() override { return none(); }
    Result<CommitResult> commit(const CommitRequest&) override { return none(); }
    Status read(std::span<const ObjectId>, Neighbours, const BlockSink&) override { return none(); }
    Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery&) override { return none(); }
    Result<StoreStatus> status() override { return none(); }
  };

  const std::vector<std::string> notices_;
};

std::vector<std::string> said_by(std::vector<std::string> notices, int sessions) {
  std::vector<std::string> said;
  const auto store = make_notice_store(std::make_unique<TalkativeStore>(std::move(notices)),
                                       [&](const std::string& text) { said.push_back(text); });
  for (int i = 0; i < sessions; ++i)
    EXPECT_TRUE(store->begin({}));
  return said;
}

TEST(NoticeStoreTest, SaysEachSentenceOnce) {
  EXPECT_EQ(said_by({"two machines use this node's credential", "disk nearly full"}, 3),
            (std::vector<std::string>{"warning: two machines use this node's credential",
                                      "warning: disk nearly full"}));
  EXPECT_TRUE(said_by({}, 2).empty());
}

TEST(NoticeStoreTest, WhatAServerSaysCanNotSteerTheTerminal) {
  EXPECT_EQ(said_by({"a\x1b[2J\nb"}, 1), std::vector<std::string>{"warning: a\\x1b[2J\\nb"});
}

TEST(NoticeStoreTest, AServerThatTalksTooMuchIsNotListenedTo) {
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i)
    many.push_back(std::to_string(i) + std::string(10000, 'x'));
  const auto said = said_by(many, 1);
  EXPECT_LE(said.size(), 20u);
  for (const std::string& text : said)
    EXPECT_LE(text.size(), 600u);
}

}  // namespace
}  // namespace rb::cli
