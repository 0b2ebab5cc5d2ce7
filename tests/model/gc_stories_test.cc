// The stories that garbage collectors of other programs lost data in, each told step by step.
#include <gtest/gtest.h>

#include "model/gc_model.h"
#include "model/worlds.h"

namespace rb::model {

namespace {

// In every world here.
constexpr int kTree = 1, kSnapshot = 2, kOtherSnapshot = 3;
constexpr int kAna = 0, kBen = 1;

constexpr Scenario kPlain{.world = kTwoSnapshots, .sessions = 2, .crashes = 1, .rebuilds = 1};

class Story {
 public:
  explicit Story(const Scenario& scenario = kPlain) : model_(scenario), state_(model_.initial()) {}

  bool try_take(Act act, int who = 0, int what = 0) {
    State next = state_;
    if (!model_.take(next, {act, static_cast<std::uint8_t>(who), static_cast<std::uint8_t>(what)}))
      return false;
    state_ = next;
    const auto violation = model_.find_violation(state_);
    EXPECT_FALSE(violation.has_value()) << *violation << ", after " << model_.describe({act});
    return true;
  }
  void take(Act act, int who = 0, int what = 0) {
    EXPECT_TRUE(try_take(act, who, what)) << "can't " << model_.describe({act}) << " now";
  }

  void put(int session, int object) {
    take(Act::look_up_refs, session, object);
    take(Act::accept, session);
  }
  bool ask(int session, int object) {
    return try_take(Act::look_up, session, object) && try_take(Act::answer, session);
  }
  void commit(int session, int snapshot) {
    take(Act::hold_snapshot, session, snapshot);
    take(Act::check_commit, session);
    take(Act::journal_commit, session);
  }
  void back_up(int session, int snapshot) {
    for (int object = 0; object <= kTree; ++object) {
      if (!ask(session, object)) put(session, object);
    }
    put(session, snapshot);
    commit(session, snapshot);
    take(Act::leave, session);
  }

  void begin_mark() { take(Act::begin_mark); }
  // Deleted snapshots are past their grace.
  void mark_until_freeze() {
    take(Act::pass_barrier);
    for (const int snapshot : {kSnapshot, kOtherSnapshot}) {
      if (!try_take(Act::pass_over_snapshot, 0, snapshot)) take(Act::root_snapshot, 0, snapshot);
    }
    for (int session = 0; session < model_.scenario().sessions; ++session)
      take(Act::root_session, session);
    while (try_take(Act::scan)) {
    }
    take(Act::freeze);
  }
  void free_what_is_dead() {
    for (int object = 0; object < model_.scenario().world.objects; ++object)
      try_take(Act::sweep, 0, object);
    take(Act::end_sweep);
    try_take(Act::persist);
    for (int pack = 0; pack < kPacksMax; ++pack)
      try_take(Act::unlink, 0, pack);
    take(Act::end_collection);
  }
  void collect() {
    begin_mark();
    mark_until_freeze();
    free_what_is_dead();
  }

  bool has(int object) const { return model_.alive(state_, object); }
  const State& state() const { return state_; }

 private:
  const Model model_;
  State state_;
};

TEST(GcStoriesTest, ToldHaveBeforeTheMarkCommitsAfterIt) {
  Story story;
  story.back_up(kAna, kSnapshot);
  story.take(Act::delete_snapshot, 0, kSnapshot);
  EXPECT_TRUE(story.ask(kBen, kTree));
  story.collect();
  EXPECT_FALSE(story.has(kSnapshot));
  story.put(kBen, kOtherSnapshot);
  story.commit(kBen, kOtherSnapshot);
  story.take(Act::leave, kBen);
  story.collect();
  EXPECT_TRUE(story.has(kOtherSnapshot) && story.has(kTree) && story.has(kChunk));
}

TEST(GcStoriesTest, ToldHaveDuringTheMarkAfterItsPinsWereTaken) {
  Story story;
  story.back_up(kAna, kSnapshot);
  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.begin_mark();
  story.take(Act::root_session, kAna);
  story.take(Act::root_session, kBen);
  EXPECT_TRUE(story.ask(kBen, kTree));
  story.take(Act::pass_barrier);
  story.take(Act::pass_over_snapshot, 0, kSnapshot);
  story.take(Act::root_snapshot, 0, kOtherSnapshot);
  while (story.try_take(Act::scan)) {
  }
  story.take(Act::freeze);
  story.free_what_is_dead();
  EXPECT_TRUE(story.has(kTree) && story.has(kChunk));
}

TEST(GcStoriesTest, TreeOfAnAbortedSessionIsFoundByAnother) {
  Story story;
  story.put(kAna, kChunk);
  story.put(kAna, kTree);
  story.begin_mark();
  EXPECT_TRUE(story.ask(kBen, kTree));
  story.take(Act::leave, kAna);
  story.mark_until_freeze();
  story.free_what_is_dead();
  story.put(kBen, kSnapshot);
  story.commit(kBen, kSnapshot);
  story.take(Act::leave, kBen);
  story.collect();
  EXPECT_TRUE(story.has(kSnapshot) && story.has(kTree) && story.has(kChunk));
}

TEST(GcStoriesTest, TreeOfAnAbortedSessionIsDeadForAnother) {
  Story story;
  story.put(kAna, kChunk);
  story.put(kAna, kTree);
  story.take(Act::leave, kAna);
  story.begin_mark();
  story.mark_until_freeze();
  EXPECT_FALSE(story.ask(kBen, kTree));
  story.put(kBen, kChunk);  // while the old rows are still there
  story.put(kBen, kTree);
  story.free_what_is_dead();
  EXPECT_TRUE(story.has(kTree) && story.has(kChunk));
}

// It names its cached tree when it begins, and asks for nothing beneath.
TEST(GcStoriesTest, SessionWhoseCacheHoldsAsksNothing) {
  Story story;
  story.back_up(kAna, kSnapshot);
  EXPECT_TRUE(story.ask(kAna, kTree));
  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.collect();
  story.collect();
  story.put(kAna, kOtherSnapshot);
  story.commit(kAna, kOtherSnapshot);
  EXPECT_TRUE(story.has(kTree) && story.has(kChunk));
}

// A reader holds the snapshot that it reads, and so all beneath it, though it was deleted long ago.
TEST(GcStoriesTest, RestoreInProgressKeepsItsSnapshot) {
  Story story;
  story.back_up(kAna, kSnapshot);
  EXPECT_TRUE(story.ask(kBen, kSnapshot));
  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.collect();
  EXPECT_TRUE(story.has(kSnapshot) && story.has(kTree) && story.has(kChunk));
  story.take(Act::leave, kBen);
  story.collect();
  EXPECT_FALSE(story.has(kSnapshot) || story.has(kTree) || story.has(kChunk));
}

TEST(GcStoriesTest, RebuildWhileDeadParentsStillLieInPacks) {
  Scenario scenario = kPlain;
  scenario.packs = Packs::unlinked;
  Story story(scenario);
  story.put(kAna, kChunk);  // in a pack of its own
  story.begin_mark();
  story.take(Act::abandon_mark);
  story.put(kAna, kTree);
  story.put(kAna, kSnapshot);
  story.commit(kAna, kSnapshot);
  story.take(Act::leave, kAna);
  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.begin_mark();
  story.mark_until_freeze();
  for (const int object : {kChunk, kTree, kSnapshot})
    story.take(Act::sweep, 0, object);
  story.take(Act::end_sweep);
  story.take(Act::persist);
  story.take(Act::unlink, 0, 0);  // the chunk's; those of tree and snapshot are to follow
  story.take(Act::rebuild);
  EXPECT_FALSE(story.has(kChunk) || story.has(kTree) || story.has(kSnapshot));
  EXPECT_FALSE(story.try_take(Act::undelete_snapshot, 0, kSnapshot));
  story.put(kBen, kChunk);
  story.put(kBen, kTree);
  EXPECT_TRUE(story.has(kTree));
}

// The parent's row names the old number of a chunk that came again. It must stay dead over the crash.
TEST(GcStoriesTest, DeadStaysDeadOverACrash) {
  Story story;
  story.back_up(kAna, kSnapshot);
  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.take(Act::persist);
  story.begin_mark();
  story.mark_until_freeze();
  story.put(kBen, kChunk);
  story.take(Act::persist);
  story.take(Act::crash);
  EXPECT_EQ(story.state().phase, Phase::sweeping);  // it goes on with that
  EXPECT_TRUE(story.has(kChunk));
  EXPECT_FALSE(story.has(kTree) || story.has(kSnapshot));
  story.put(kBen, kTree);
  story.free_what_is_dead();
  EXPECT_TRUE(story.has(kTree) && story.has(kChunk));
  EXPECT_FALSE(story.has(kSnapshot));
}

// The crash comes before the catalog has the dead set: then the freeze has not happened.
TEST(GcStoriesTest, FreezeThatACrashForgets) {
  Story story;
  story.back_up(kAna, kSnapshot);
  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.take(Act::persist);
  story.begin_mark();
  story.mark_until_freeze();
  story.put(kBen, kChunk);
  story.take(Act::crash);
  EXPECT_EQ(story.state().phase, Phase::idle);
  EXPECT_TRUE(story.has(kChunk) && story.has(kTree));
  story.take(Act::undelete_snapshot, 0, kSnapshot);
  story.collect();
  EXPECT_TRUE(story.has(kSnapshot) && story.has(kTree) && story.has(kChunk));
}

TEST(GcStoriesTest, LeaseEndsBetweenHoldingAndCommitting) {
  Story story;
  story.put(kAna, kChunk);
  story.put(kAna, kTree);
  story.put(kAna, kSnapshot);
  story.take(Act::hold_snapshot, kAna, kSnapshot);
  story.take(Act::leave, kAna);
  story.collect();
  story.try_take(Act::check_commit, kAna);
  EXPECT_FALSE(story.try_take(Act::journal_commit, kAna));
  EXPECT_FALSE(story.has(kSnapshot));
}

TEST(GcStoriesTest, MarkWaitsForACommitThatIsBeingJournalled) {
  Story story;
  story.put(kAna, kChunk);
  story.put(kAna, kTree);
  story.put(kAna, kSnapshot);
  story.take(Act::hold_snapshot, kAna, kSnapshot);
  story.take(Act::check_commit, kAna);
  story.take(Act::leave, kAna);  // too late
  story.begin_mark();
  EXPECT_FALSE(story.try_take(Act::pass_barrier));
  story.take(Act::journal_commit, kAna);
  story.mark_until_freeze();
  story.free_what_is_dead();
  EXPECT_TRUE(story.has(kSnapshot) && story.has(kTree) && story.has(kChunk));
}

TEST(GcStoriesTest, FreezeBetweenLookingUpAndAccepting) {
  Story story;
  story.put(kAna, kChunk);
  story.take(Act::leave, kAna);
  story.begin_mark();
  story.take(Act::look_up_refs, kBen, kTree);
  story.mark_until_freeze();
  EXPECT_FALSE(story.try_take(Act::accept, kBen));  // it looks again
  EXPECT_FALSE(story.try_take(Act::look_up_refs, kBen, kTree));
}

TEST(GcStoriesTest, UndeleteUntilTheFreeze) {
  Story story;
  story.back_up(kAna, kSnapshot);
  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.begin_mark();
  story.take(Act::pass_barrier);
  story.take(Act::pass_over_snapshot, 0, kSnapshot);
  story.take(Act::undelete_snapshot, 0, kSnapshot);
  story.take(Act::root_snapshot, 0, kOtherSnapshot);
  story.take(Act::root_session, kAna);
  story.take(Act::root_session, kBen);
  while (story.try_take(Act::scan)) {
  }
  story.take(Act::freeze);
  story.free_what_is_dead();
  EXPECT_TRUE(story.has(kSnapshot) && story.has(kTree) && story.has(kChunk));

  story.take(Act::delete_snapshot, 0, kSnapshot);
  story.begin_mark();
  story.mark_until_freeze();
  EXPECT_FALSE(story.try_take(Act::undelete_snapshot, 0, kSnapshot));
}

TEST(GcStoriesTest, CrashBetweenCopyingAndUnlinking) {
  Scenario scenario = kPlain;
  scenario.packs = Packs::compacted;
  Story story(scenario);
  story.back_up(kAna, kSnapshot);
  story.begin_mark();
  story.mark_until_freeze();
  story.take(Act::end_sweep);
  for (const int object : {kChunk, kTree, kSnapshot})
    story.take(Act::copy, 0, object);
  EXPECT_FALSE(story.try_take(Act::relocate, 0, kChunk));  // not synced
  story.take(Act::sync_copies);
  for (const int object : {kChunk, kTree, kSnapshot})
    story.take(Act::relocate, 0, object);
  EXPECT_FALSE(story.try_take(Act::unlink, 0, 0));  // the catalog on disk may still point there
  story.take(Act::crash);
  EXPECT_TRUE(story.has(kSnapshot) && story.has(kTree) && story.has(kChunk));
  story.collect();
  EXPECT_TRUE(story.has(kSnapshot) && story.has(kTree) && story.has(kChunk));
}

}  // namespace

}  // namespace rb::model
