// The state of a small repository, for trying out every order in which sessions, a collector and crashes can
// take their steps. docs/gc.md describes the algorithm; the names here are the names there.
//
// What is left out, so that the search ends: one domain, one node, at most five objects, four packs. Sets are
// bit masks: of objects (bit = ObjectIndex) and of numbers (bit = number; 0 is no number).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <type_traits>

namespace rb::model {

inline constexpr int kObjectsMax = 5, kPacksMax = 4, kSessionsMax = 3, kNumbersMax = 15;
inline constexpr std::uint8_t kNoPack = 0xff;

using ObjectSet = std::uint8_t;
using NumberMask = std::uint16_t;

constexpr NumberMask bit(int number) {
  return static_cast<NumberMask>(1u << number);
}
constexpr NumberMask below(int number) {
  return static_cast<NumberMask>((1u << number) - 1);
}

// Which objects there can be. Each refers only to objects of lower index.
struct World {
  std::string_view name;
  int objects = 0;
  std::array<ObjectSet, kObjectsMax> refs{};
  ObjectSet snapshots = 0;
};

struct Catalog {
  std::array<std::uint8_t, kObjectsMax> number{};  // of each object's row; 0: no row
  std::array<std::uint8_t, kObjectsMax> pack{};
  std::uint8_t next = 1;
  std::uint8_t young_from = 1;  // the next number when the last collection began
  std::uint8_t dead_limit = 0;  // dead: below it and not in dead_marked; 0: nothing is dead
  std::uint8_t unused = 0;
  NumberMask dead_marked = 0;
};

struct Pack {
  std::uint8_t exists = 0;
  ObjectSet content = 0;
  ObjectSet tail = 0;      // of these, what came after the watermark of the durable catalog
  ObjectSet unsynced = 0;  // of these, copies that a crash loses
};

// What a session is in the middle of. Looking up and acting on it are two steps: the catalog is read outside
// of the serialised step.
enum class Doing : std::uint8_t { nothing, asking, accepting, committing, journalling };

struct Session {
  NumberMask pins = 0;
  NumberMask found = 0;  // by the look-up
  Doing doing = Doing::nothing;
  std::uint8_t object = 0;
  std::uint8_t fenced = 0;  // with a commit still under way
  std::uint8_t unused = 0;
};

enum class Phase : std::uint8_t { idle, marking, sweeping, compacting };

struct State {
  Catalog catalog;  // as everybody sees it, the table in memory included
  Catalog durable;  // as a crash leaves it: some earlier state of `catalog`
  std::array<NumberMask, kNumbersMax + 1> children{};  // by number
  std::array<Session, kSessionsMax> sessions{};
  NumberMask marked = 0, grey = 0;
  std::array<Pack, kPacksMax> packs{};
  std::array<std::uint8_t, kObjectsMax>
      age{};  // collections begun since it was accepted, at most young_collections + 1
  Phase phase = Phase::idle;
  std::uint8_t limit = 0;          // numbers from here on are born marked
  std::uint8_t barrier_done = 0;   // no commit that began before the mark is under way
  std::uint8_t sessions_todo = 0;  // whose pins were not taken yet
  ObjectSet snapshots_todo = 0;    // roots not looked at yet
  ObjectSet doomed = 0;            // only for Flaw::sweep_by_id
  std::uint8_t open_pack = kNoPack, compaction_pack = kNoPack;
  ObjectSet kept = 0, deleted = 0;  // snapshots in the journal
  std::uint8_t crashes_left = 0, rebuilds_left = 0;
  std::uint8_t unused[3] = {};

  bool operator==(const State& other) const { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(sizeof(State) % 8 == 0 && std::has_unique_object_representations_v<State>);

// One thing done wrong, or left out. Each must be found by the search, or it proves nothing.
enum class Flaw : std::uint8_t {
  no_shade_on_have,
  no_birth_mark,
  no_shade_of_references,
  no_shade_on_commit,
  no_shade_on_undelete,
  undelete_unseen,
  no_session_roots,
  no_commit_barrier,
  stale_have,
  stale_acceptance,
  freeze_with_grey,
  dead_not_consulted,
  dead_set_behind_rows,
  dead_lifted_early,
  sweep_by_id,
  no_fence_at_commit,
  no_dead_check_at_commit,
  unlink_before_persist,
  unlink_before_watermark,
  relocate_before_sync,
  young_not_walked,
  no_young_rule,
  rebuild_all_old,
  replay_keeps_old_age,
  rebuild_takes_incomplete,
  replay_takes_dead_for_present,
  // Not flaws by themselves: the algorithm of the first design, whose dead set dies with the process.
  volatile_dead_set,
  any_deletion_order,
  new_number_for_dead_row,
  count
};

class Flaws {
 public:
  Flaws() = default;
  Flaws(std::initializer_list<Flaw> flaws) {
    for (const Flaw flaw : flaws)
      bits_ |= 1ull << static_cast<int>(flaw);
  }
  bool has(Flaw flaw) const { return ((bits_ >> static_cast<int>(flaw)) & 1) != 0; }

 private:
  std::uint64_t bits_ = 0;
};

// With one pack nothing is ever unlinked; that spares the search what matters little to sessions and marks.
enum class Packs : std::uint8_t { one, unlinked, compacted };

struct Scenario {
  World world;
  int sessions = 2;
  int young_collections = 0;  // 0 or 1: an upload outlives so many collections begun after it
  int crashes = 0, rebuilds = 0;
  Packs packs = Packs::one;
  int packs_max = kPacksMax;
  Flaws flaws;
  bool check_numbers =
      true;  // that a row names the numbers its references have; else only what users would see
};

}  // namespace rb::model
