// Every order of steps, in small repositories: nothing is lost, nothing is promised that does not hold,
// nothing stays for ever.
#include <cstdlib>

#include <gtest/gtest.h>

#include "model/state_search.h"
#include "model/worlds.h"

namespace rb::model {

namespace {

constexpr std::uint64_t kStatesMax = 12'000'000;

// Large ones are too much for a build that checks memory or threads. Huge ones take half a minute of
// processor time and 500 MB each, and run when RB_MODEL_ALL is set in the environment.
enum class Size { small, large, huge };

struct Case {
  std::string_view name;
  Scenario scenario;
  Size size = Size::small;
};

constexpr bool kIsSlowBuild =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#elif defined(__has_feature)
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
    false;
#endif

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"two_sessions", {.world = kFile, .sessions = 2}},
      {"three_sessions", {.world = kChunkAndSnapshot, .sessions = 3}, Size::large},
      {"two_snapshots_of_one_tree", {.world = kTwoSnapshots, .sessions = 1}, Size::large},
      {"young_uploads", {.world = kFile, .sessions = 2, .young_collections = 1}, Size::large},
      {"crash", {.world = kFile, .sessions = 1, .crashes = 1}, Size::large},
      {"crash_with_two_sessions", {.world = kChunkAndSnapshot, .sessions = 2, .crashes = 1}, Size::large},
      {"two_crashes", {.world = kChunkAndSnapshot, .sessions = 1, .crashes = 2}},
      {"crash_and_rebuild", {.world = kChunkAndSnapshot, .sessions = 1, .crashes = 1, .rebuilds = 1}},
      {"rebuild_with_young_uploads",
       {.world = kChunkAndSnapshot, .sessions = 1, .young_collections = 1, .crashes = 1, .rebuilds = 1},
       Size::large},
      {"packs", {.world = kFile, .sessions = 1, .packs = Packs::compacted}},
      {"packs_and_crash",
       {.world = kChunkAndSnapshot, .sessions = 1, .crashes = 1, .packs = Packs::compacted, .packs_max = 3},
       Size::large},
      {"packs_and_rebuild",
       {.world = kChunkAndSnapshot, .sessions = 1, .rebuilds = 1, .packs = Packs::compacted, .packs_max = 2}},
      {"all_of_a_crash", {.world = kFile, .sessions = 2, .crashes = 1}, Size::huge},
      {"two_trees", {.world = kTwoTrees, .sessions = 1}, Size::huge},
  };
  return all;
}

// A step that can't happen here. All others must have happened, or the search has proven less than it seems.
bool is_out_of_reach(const Scenario& scenario, Act act) {
  switch (act) {
    case Act::lift_early:
    case Act::persist_rows_only:
      return true;
    case Act::crash:
      return scenario.crashes == 0;
    case Act::rebuild:
      return scenario.rebuilds == 0;
    case Act::persist:
      return scenario.crashes + scenario.rebuilds == 0;  // then always taken at once
    case Act::copy:
    case Act::sync_copies:
    case Act::relocate:
      return scenario.packs != Packs::compacted;
    case Act::unlink:
      return scenario.packs == Packs::one || scenario.rebuilds == 0;  // else simplified away
    default:
      return false;
  }
}

void PrintTo(const Case& tried, std::ostream* out) {
  *out << tried.name;
}

class GcModelTest : public testing::TestWithParam<Case> {};

TEST_P(GcModelTest, EveryOrderOfStepsIsSafe) {
  const bool is_asked_for = std::getenv("RB_MODEL_ALL") != nullptr;
  if (GetParam().size == Size::huge && !is_asked_for) GTEST_SKIP() << "huge: set RB_MODEL_ALL to run it";
  if (GetParam().size == Size::large && kIsSlowBuild) GTEST_SKIP() << "too large for a build with sanitizers";
  const Model model(GetParam().scenario);
  const SearchResult result = search(model, kStatesMax);
  EXPECT_EQ(result.violation, "") << result.describe(model);
  EXPECT_TRUE(result.complete);
  for (int act = 0; act < static_cast<int>(Act::count); ++act) {
    if (is_out_of_reach(GetParam().scenario, static_cast<Act>(act))) continue;
    EXPECT_GT(result.taken[act], 0u) << model.describe({static_cast<Act>(act)});
  }
  RecordProperty("states", std::to_string(result.states));
  std::cout << GetParam().name << ": " << result.describe(model) << '\n';
}

INSTANTIATE_TEST_SUITE_P(All, GcModelTest, testing::ValuesIn(cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace

}  // namespace rb::model
