// The search finds what is wrong: each line takes one thing out of the algorithm, and says how that shows.
#include <gtest/gtest.h>

#include "model/state_search.h"
#include "model/worlds.h"

namespace rb::model {

namespace {

constexpr std::uint64_t kFlawStatesMax = 3'000'000;

struct Mutation {
  std::string_view name;
  Scenario scenario;
  std::string_view shows;  // part of the violation
};

constexpr std::string_view kIncomplete = "not all it refers to", kSnapshotLost = "a kept snapshot is lost",
                           kBrokenPromise = "was told of something that is gone",
                           kUploadLost = "lost too early", kPackLost = "the pack of",
                           kFreedThoughNeeded = "though a kept snapshot needs it";

Scenario with(Flaws flaws, Scenario scenario = {.world = kChunkAndSnapshot, .sessions = 1}) {
  scenario.flaws = flaws;
  return scenario;
}

// As seen by users: what the rows say of numbers is not looked at.
Scenario seen_outside(Scenario scenario) {
  scenario.check_numbers = false;
  return scenario;
}

const Scenario kTreeScenario{.world = kFile, .sessions = 1};
const Scenario kCrash{.world = kChunkAndSnapshot, .sessions = 1, .crashes = 1};
const Scenario kYoung{.world = kChunkAndSnapshot, .sessions = 1, .young_collections = 1};
const Scenario kYoungCrash{.world = kChunkAndSnapshot, .sessions = 1, .young_collections = 1, .crashes = 1};
const Scenario kYoungRebuild{
    .world = kChunkAndSnapshot, .sessions = 1, .young_collections = 1, .rebuilds = 1};
const Scenario kPacksCrash{
    .world = kChunkAndSnapshot, .sessions = 1, .crashes = 1, .packs = Packs::compacted, .packs_max = 3};
const Scenario kPacksRebuild{
    .world = kChunkAndSnapshot, .sessions = 1, .rebuilds = 1, .packs = Packs::unlinked, .packs_max = 3};

const std::vector<Mutation>& mutations() {
  using F = Flaw;
  static const std::vector<Mutation> all = {
      // The write barrier of the mark.
      {"no_shade_on_have", with({F::no_shade_on_have}, kTreeScenario), kBrokenPromise},
      {"no_birth_mark", with({F::no_birth_mark}), kUploadLost},
      {"no_shade_of_references", with({F::no_shade_of_references}), kIncomplete},
      {"no_shade_on_commit", with({F::no_shade_on_commit}), kSnapshotLost},
      {"no_shade_on_undelete", with({F::no_shade_on_undelete}), kSnapshotLost},
      {"undelete_unseen", with({F::undelete_unseen}), kSnapshotLost},
      {"no_session_roots", with({F::no_session_roots}), kBrokenPromise},
      {"no_commit_barrier", with({F::no_commit_barrier}), kSnapshotLost},
      {"freeze_with_grey", with({F::freeze_with_grey}), kIncomplete},
      // The freeze.
      {"stale_have", with({F::stale_have}), kBrokenPromise},
      {"stale_acceptance", with({F::stale_acceptance}), kIncomplete},
      {"dead_not_consulted", with({F::dead_not_consulted}), kBrokenPromise},
      {"sweep_by_id", with({F::sweep_by_id}), kUploadLost},
      {"dead_lifted_early", with({F::dead_lifted_early}), kIncomplete},
      {"dead_set_behind_rows", with({F::dead_set_behind_rows}, kCrash), kIncomplete},
      // Fence and dead set: one of them is enough, see RedundantGuards.
      {"commit_neither_fenced_nor_looked_up", with({F::no_fence_at_commit, F::no_dead_check_at_commit}),
       kSnapshotLost},
      // Packs.
      {"unlink_before_persist", with({F::unlink_before_persist}, kPacksCrash), kPackLost},
      {"unlink_before_watermark", with({F::unlink_before_watermark}, kPacksCrash), kUploadLost},
      {"relocate_before_sync", with({F::relocate_before_sync}, kPacksCrash), kPackLost},
      // Age and recovery.
      {"no_young_rule", with({F::no_young_rule}, kYoung), kUploadLost},
      {"young_not_walked", with({F::young_not_walked}, kYoung), kFreedThoughNeeded},
      {"rebuild_all_old", with({F::rebuild_all_old}, kYoungRebuild), kUploadLost},
      {"replay_keeps_old_age", with({F::replay_keeps_old_age}, kYoungCrash), kUploadLost},
      {"rebuild_takes_incomplete", with({F::rebuild_takes_incomplete}, kPacksRebuild), kIncomplete},
      {"replay_takes_dead_for_present", with({F::replay_takes_dead_for_present}, kCrash), kUploadLost},
      // A dead set that a crash forgets: safe only with more rules (docs/decisions/0010).
      {"volatile_dead_set_in_any_order", with({F::volatile_dead_set, F::any_deletion_order}, kCrash),
       kIncomplete},
      {"volatile_dead_set_with_new_numbers",
       seen_outside(with({F::volatile_dead_set, F::new_number_for_dead_row}, kCrash)), kFreedThoughNeeded},
  };
  return all;
}

void PrintTo(const Mutation& mutation, std::ostream* out) {
  *out << mutation.name;
}

class GcFlawsTest : public testing::TestWithParam<Mutation> {};

TEST_P(GcFlawsTest, IsFound) {
  const Model model(GetParam().scenario);
  const SearchResult result = search(model, kFlawStatesMax);
  ASSERT_NE(result.violation, "") << "not found in " << result.describe(model);
  EXPECT_NE(result.violation.find(GetParam().shows), std::string::npos) << result.describe(model);
  std::cout << GetParam().name << ": " << result.violation << ", after " << result.way.size()
            << " steps, among " << result.states << " states\n";
}

INSTANTIATE_TEST_SUITE_P(All, GcFlawsTest, testing::ValuesIn(mutations()),
                         [](const auto& tested) { return std::string(tested.param.name); });

void expect_safe(const Scenario& scenario) {
  const Model model(scenario);
  const SearchResult result = search(model, kFlawStatesMax);
  EXPECT_EQ(result.violation, "") << result.describe(model);
  EXPECT_TRUE(result.complete);
}

// A commit looks at both; either alone would do.
TEST(GcFlawsTest, RedundantGuards) {
  expect_safe(with({Flaw::no_fence_at_commit}));
  expect_safe(with({Flaw::no_dead_check_at_commit}));
}

// What the first design had can be made right: parents first, and a dead row's number is used again.
TEST(GcFlawsTest, VolatileDeadSetCanBeMadeRight) {
  expect_safe(with({Flaw::volatile_dead_set}, kCrash));
}

}  // namespace

}  // namespace rb::model
