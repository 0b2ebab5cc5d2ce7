// Who sends what, when several clients want to store the same at the same moment: each chunk goes over the
// line once, nobody waits for ever, and a sender that fails is replaced.
#include <algorithm>
#include <thread>

#include <gmock/gmock.h>

#include "support/backup_bench.h"
#include "support/gate.h"

namespace rb::test {
namespace {

constexpr std::chrono::seconds kBeyondAClaim{31};

class Claims : public BackupBench {
 protected:
  // So that the store is not empty: then clients must ask.
  void begin_history() {
    write("first", "something");
    ASSERT_TRUE(back_up({}));
  }
  static bool says(const std::vector<Presence>& answers, Presence wanted) {
    return std::find(answers.begin(), answers.end(), wanted) != answers.end();
  }
  static ObjectId chunk_id(const std::string& content) {
    return object_id(ObjectKind::chunk, {}, as_bytes(content));
  }
  std::unique_ptr<Session> writing(RunId run = random_id<RunId>()) {
    auto session = served_.connect()->begin({.run = run});
    if (!session) ADD_FAILURE() << session.error().message;
    return std::move(*session);
  }
  // Runs of the same tree, all begun before any of them goes on.
  void back_up_at_once(int clients, const std::string& flags = "-r") {
    Meeting meeting(clients);
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&, i] {
        const auto report = back_up({.flags = flags,
                                     .hooks = {.after_begin = [&](Session&) { meeting.arrive_and_wait(); }},
                                     .cache = "cache" + std::to_string(i)});
        EXPECT_TRUE(report) << report.error().message;
      });
    }
  }
};

TEST_F(Claims, TheSameContentAtTheSameMomentIsSentOnce) {
  begin_history();
  for (unsigned i = 0; i < 60; ++i)
    write("small" + std::to_string(i), chunk_of_noise(i, 3000));
  write("sub/large", chunk_of_noise(1000, 5 << 20));
  back_up_at_once(2);
  EXPECT_GT(ledger_.chunks(), 80u);
  EXPECT_EQ(ledger_.repeated(), 0u);
  EXPECT_EQ(copy(), on_disk());
}

TEST_F(Claims, FourClientsSendOnceToo) {
  begin_history();
  for (unsigned i = 0; i < 200; ++i)
    write("dir" + std::to_string(i % 7) + "/small" + std::to_string(i), chunk_of_noise(i, 20'000));
  back_up_at_once(4);
  EXPECT_EQ(ledger_.chunks(), 200u);
  EXPECT_EQ(ledger_.repeated(), 0u);
  EXPECT_EQ(history().size(), 5u);
  EXPECT_EQ(copy(), on_disk());
}

class Groups : public Claims {
 protected:
  void SetUp() override {
    for (unsigned i = 0; i < 100; ++i)
      write("dir" + std::to_string(i % 5) + "/small" + std::to_string(i), chunk_of_noise(i, 20'000));
  }
  // The first run of each, begun before any of them goes on.
  void back_up_at_once(const std::vector<std::string>& nodes) {
    Meeting meeting(static_cast<int>(nodes.size()));
    std::vector<std::jthread> threads;
    for (const std::string& node : nodes) {
      threads.emplace_back([&] {
        const auto report = back_up({.hooks = {.after_begin = [&](Session&) { meeting.arrive_and_wait(); }},
                                     .cache = "cache-" + node,
                                     .socket = served_.socket_path(node)});
        EXPECT_TRUE(report) << report.error().message;
      });
    }
  }
};

TEST_F(Groups, FourNodesOfOneGroupSendOnce) {
  const std::vector<std::string> nodes{"ana", "bob", "carl", "dora"};
  for (const std::string& node : nodes)
    served_.add_node(node, "friends");
  // Something else first, so that all of them must ask.
  std::filesystem::create_directories(scratch_ / "tree/other");
  ASSERT_TRUE(back_up({.path = "other", .cache = "cache-first", .socket = served_.socket_path("ana")}));
  back_up_at_once(nodes);
  EXPECT_EQ(ledger_.chunks(), 100u);
  EXPECT_EQ(ledger_.repeated(), 0u);
  for (const std::string& node : nodes)
    EXPECT_EQ(copy(std::nullopt, node), on_disk()) << node;
  EXPECT_EQ(history("bob").size(), 1u) << "a history is a node's own";
}

TEST_F(Groups, NodesOfNoGroupSendEachTheirOwn) {
  served_.add_node("ana", "");
  served_.add_node("bob", "");
  back_up_at_once({"ana", "bob"});
  EXPECT_EQ(ledger_.chunks(), 100u);
  EXPECT_EQ(ledger_.repeated(), 100u) << "what one has must not tell the other anything";
  for (const char* node : {"ana", "bob"})
    EXPECT_EQ(copy(std::nullopt, node), on_disk()) << node;
}

// Two files, each beyond what a client gathers before it asks; one client meets them in one order, the other
// in the other. Each claims its first, and needs what the other has claimed. No time passes, so that no claim
// ends.
TEST_F(Claims, TwoThatWaitForEachOtherGetWhatTheyWaitFor) {
  begin_history();
  const std::string x = chunk_of_noise(1, 4 << 20), y = chunk_of_noise(2, 4 << 20);
  write("one/a", x);
  write("one/b", y);
  write("two/a", y);
  write("two/b", x);
  Meeting both_have_claimed(2);
  std::vector<std::jthread> threads;
  for (const char* path : {"one", "two"}) {
    threads.emplace_back([&, path] {
      bool met = false;
      StoreHooks hooks;
      hooks.after_ask = [&](std::span<const ObjectId>, const std::vector<Presence>& answers) {
        if (says(answers, Presence::send) && !std::exchange(met, true)) both_have_claimed.arrive_and_wait();
      };
      const auto report = back_up({.path = path, .hooks = hooks, .cache = path, .threads = 1});
      EXPECT_TRUE(report) << report.error().message;
    });
  }
  threads.clear();
  EXPECT_EQ(ledger_.repeated(), 0u);
  EXPECT_EQ(copy(), on_disk());
}

// Somebody claims the only new chunk and does not send it; a client waits for it until `rescue`.
class FailingSender : public Claims {
 protected:
  // How many clients wait; afterwards each has its copy, and the chunk was sent once.
  void expect_rescue(int clients, const std::function<void()>& rescue) {
    Meeting all_wait(clients + 1);
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&, i] {
        bool met = false;
        StoreHooks hooks;
        hooks.after_ask = [&](std::span<const ObjectId>, const std::vector<Presence>& answers) {
          if (says(answers, Presence::wait) && !std::exchange(met, true)) all_wait.arrive_and_wait();
        };
        const auto report = back_up({.hooks = hooks, .cache = "cache" + std::to_string(i)});
        EXPECT_TRUE(report) << report.error().message;
      });
    }
    all_wait.arrive_and_wait();
    const std::size_t before = ledger_.chunks();
    rescue();
    threads.clear();
    EXPECT_EQ(ledger_.chunks(), before + 1);
    EXPECT_EQ(ledger_.repeated(), 0u);
    EXPECT_EQ(copy(), on_disk());
  }

  std::unique_ptr<Session> claim_and_stall() {
    begin_history();
    write("wanted", content_);
    auto session = writing(run_);
    const auto answers = session->ask(std::vector{chunk_id(content_)});
    EXPECT_EQ(answers->front(), Presence::send);
    return session;
  }
  const std::string content_ = chunk_of_noise(77);
  const RunId run_ = random_id<RunId>();
};

TEST_F(FailingSender, OneThatGoesAwayLeavesTheTurnToAnother) {
  auto sender = claim_and_stall();
  expect_rescue(1, [&] { sender.reset(); });
}

TEST_F(FailingSender, OneThatStallsLosesItsTurnWithTime) {
  const auto sender = claim_and_stall();
  expect_rescue(1, [&] { served_.clock.advance(kBeyondAClaim); });
}

TEST_F(FailingSender, OneThatIsFencedLosesItsTurn) {
  const auto sender = claim_and_stall();
  std::unique_ptr<Session> again;
  expect_rescue(1, [&] { again = writing(run_); });
}

// All sessions end, that of the waiting client too: it begins again, and finds that nobody sends the chunk.
TEST_F(FailingSender, AFenceWhileWaitingIsBegunAgain) {
  const auto sender = claim_and_stall();
  expect_rescue(1, [&] { served_.fence_all(); });
}

TEST_F(FailingSender, OfThreeWhoWaitOneTakesTheTurnAndTheOthersWaitForThat) {
  const auto sender = claim_and_stall();
  expect_rescue(3, [&] { served_.clock.advance(kBeyondAClaim); });
}

// The waiting client does its other work meanwhile: everything else has arrived before the turn comes.
TEST_F(FailingSender, TheRestOfTheWorkGoesOn) {
  const auto sender = claim_and_stall();
  // More than a client gathers before it asks, so that it does not only find out at the end.
  for (unsigned i = 0; i < 40; ++i)
    write("other" + std::to_string(i), chunk_of_noise(1000 + i, 200'000));
  Gate rest_is_here;
  std::atomic<std::size_t> chunks{0};
  StoreHooks hooks;
  hooks.before_put = [&](const BlockDirectory& block) {
    if (block.block_class != BlockClass::data) return;
    if ((chunks += block.objects.size()) >= 40) rest_is_here.open();
  };
  std::jthread client([&] {
    const auto report = back_up({.hooks = hooks, .cache = "other", .threads = 1});
    EXPECT_TRUE(report) << report.error().message;
  });
  rest_is_here.wait();
  EXPECT_EQ(history().size(), 1u) << "committed without the chunk";
  served_.clock.advance(kBeyondAClaim);
  client.join();
  EXPECT_EQ(ledger_.repeated(), 0u);
  EXPECT_EQ(copy(), on_disk());
}

// A client that was stopped while it waits ends soon, and what it has sent is found by the next.
TEST_F(FailingSender, WhoIsInterruptedWhileWaitingEnds) {
  const auto sender = claim_and_stall();
  Gate waits;
  StoreHooks hooks;
  hooks.after_ask = [&](std::span<const ObjectId>, const std::vector<Presence>& answers) {
    if (says(answers, Presence::wait)) waits.open();
  };
  ObservedStore store(served_.connect(), hooks, &ledger_);
  BackupOptions options;
  options.paths = {tree_};
  options.recursive = true;
  options.cache_directory = scratch_ / "other";
  BackupRun run(store, options, {}, served_.clock);
  std::jthread canceller([&] {
    waits.wait();
    run.cancel();
  });
  const auto report = run.run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::cancelled);
  EXPECT_EQ(history().size(), 1u);
}

}  // namespace
}  // namespace rb::test
