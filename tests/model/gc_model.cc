#include "model/gc_model.h"

#include <cstdlib>

namespace rb::model {

State Model::initial() const {
  State state;
  state.age.fill(static_cast<std::uint8_t>(scenario_.young_collections + 1));
  if (scenario_.packs == Packs::one) {
    state.packs[0].exists = 1;
    state.open_pack = 0;
  }
  state.crashes_left = static_cast<std::uint8_t>(scenario_.crashes);
  state.rebuilds_left = static_cast<std::uint8_t>(scenario_.rebuilds);
  return state;
}

std::vector<Action> Model::list_actions() const {
  std::vector<Action> actions;
  const auto add = [&](Act act, int whos, int whats) {
    for (int who = 0; who < whos; ++who) {
      for (int what = 0; what < whats; ++what) {
        actions.push_back({act, static_cast<std::uint8_t>(who), static_cast<std::uint8_t>(what)});
      }
    }
  };
  const int sessions = scenario_.sessions, objects = scenario_.world.objects;
  for (const Act act : {Act::look_up, Act::look_up_refs, Act::hold_snapshot})
    add(act, sessions, objects);
  for (const Act act :
       {Act::answer, Act::accept, Act::check_commit, Act::journal_commit, Act::leave, Act::root_session})
    add(act, sessions, 1);
  for (const Act act : {Act::delete_snapshot, Act::undelete_snapshot, Act::root_snapshot,
                        Act::pass_over_snapshot, Act::sweep, Act::copy, Act::relocate})
    add(act, 1, objects);
  for (const Act act : {Act::begin_mark, Act::pass_barrier, Act::freeze, Act::abandon_mark, Act::end_sweep,
                        Act::lift_early, Act::sync_copies, Act::end_collection, Act::persist,
                        Act::persist_rows_only, Act::crash, Act::rebuild, Act::scan})
    add(act, 1, 1);
  add(Act::unlink, 1, kPacksMax);
  return actions;
}

bool Model::take(State& state, Action action) const {
  if (action.act <= Act::undelete_snapshot) return take_session_step(state, action);
  if (action.act <= Act::end_collection) return take_collector_step(state, action);
  switch (action.act) {
    case Act::persist:
      return persist(state);
    case Act::persist_rows_only: {
      if (!flawed(Flaw::dead_set_behind_rows) || state.phase != Phase::sweeping) return false;
      const Catalog before = state.durable;
      if (before.dead_limit != 0 || !persist(state)) return false;
      state.durable.dead_limit = 0;
      state.durable.dead_marked = 0;
      return true;
    }
    case Act::crash:
      if (state.crashes_left == 0) return false;
      --state.crashes_left;
      return restart(state);
    case Act::rebuild:
      if (state.rebuilds_left == 0) return false;
      --state.rebuilds_left;
      return rebuild(state);
    default:
      return false;
  }
}

bool Model::is_in_season(const State& state, Action action) {
  const Doing doing = state.sessions[action.who].doing;
  switch (action.act) {
    case Act::look_up:
    case Act::look_up_refs:
    case Act::hold_snapshot:
      return doing == Doing::nothing;
    case Act::answer:
      return doing == Doing::asking;
    case Act::accept:
      return doing == Doing::accepting;
    case Act::check_commit:
      return doing == Doing::committing;
    case Act::journal_commit:
      return doing == Doing::journalling;
    case Act::begin_mark:
      return state.phase == Phase::idle;
    case Act::crash:
      return state.crashes_left > 0;
    case Act::rebuild:
      return state.rebuilds_left > 0;
    default:
      break;
  }
  if (action.act > Act::begin_mark && action.act <= Act::abandon_mark) return state.phase == Phase::marking;
  if (action.act > Act::abandon_mark && action.act <= Act::lift_early) return state.phase == Phase::sweeping;
  if (action.act > Act::lift_early && action.act <= Act::end_collection)
    return state.phase == Phase::compacting;
  return true;
}

// RocksDB may write what it has at any moment, so any earlier state of the catalog may be the durable one.
bool Model::persist(State& state) const {
  Catalog now = state.catalog;
  if (flawed(Flaw::volatile_dead_set)) {
    now.dead_limit = 0;
    now.dead_marked = 0;
  }
  bool changed = std::memcmp(&now, &state.durable, sizeof now) != 0;
  state.durable = now;
  for (Pack& pack : state.packs) {
    changed |= pack.tail != 0;
    pack.tail = 0;
  }
  return changed;
}

bool Model::rebuild(State& state) const {
  state.durable = {};
  for (Pack& pack : state.packs)
    pack.tail = pack.content;
  return restart(state);
}

bool Model::restart(State& state) const {
  for (Pack& pack : state.packs) {
    pack.content &= ~pack.unsynced;
    pack.tail &= pack.content;
    pack.unsynced = 0;
    if (pack.content == 0 && scenario_.packs != Packs::one) pack = {};
  }
  state.catalog = state.durable;
  state.sessions = {};
  forget_mark(state);
  state.doomed = 0;
  if (scenario_.packs != Packs::one) state.open_pack = state.compaction_pack = kNoPack;
  state.phase = state.catalog.dead_limit != 0 ? Phase::sweeping : Phase::idle;
  squeeze_numbers(state);
  replay(state);
  return true;
}

// Bottom-up. What is made anew counts as young, whatever it was.
void Model::replay(State& state) const {
  for (int object = 0; object < scenario_.world.objects; ++object) {
    for (int pack = 0; pack < kPacksMax; ++pack)
      admit(state, pack, object);
  }
  if (state.durable.next == 1 && flawed(Flaw::rebuild_all_old)) state.catalog.young_from = state.catalog.next;
}

void Model::admit(State& state, int pack, int object) const {
  if ((state.packs[pack].tail & bit(object)) == 0) return;
  Catalog& catalog = state.catalog;
  const ObjectSet refs = scenario_.world.refs[object];
  const bool has_row = catalog.number[object] != 0;
  if (alive(state, object)) {
    // Perhaps it was dead, and was sent again for that reason; then it is as young as this record.
    if (!flawed(Flaw::replay_keeps_old_age)) catalog.young_from = 1;
    return;
  }
  if (has_row && flawed(Flaw::replay_takes_dead_for_present)) return;
  if (!all_alive(state, refs) && !flawed(Flaw::rebuild_takes_incomplete)) return;
  if (catalog.next > kNumbersMax) std::abort();
  const int number = catalog.next++;
  catalog.number[object] = static_cast<std::uint8_t>(number);
  catalog.pack[object] = static_cast<std::uint8_t>(pack);
  state.children[number] = numbers_of(state, refs);
}

std::string Model::describe(Action action) const {
  static constexpr std::array<std::string_view, static_cast<int>(Act::count)> names = {
      "look up",
      "answer",
      "look up the references of",
      "accept",
      "hold snapshot",
      "check commit",
      "journal commit",
      "leave",
      "delete snapshot",
      "undelete snapshot",
      "begin mark",
      "pass barrier",
      "root snapshot",
      "pass over snapshot",
      "root session",
      "scan number",
      "freeze",
      "abandon mark",
      "sweep",
      "end sweep",
      "lift the dead set early",
      "copy",
      "sync copies",
      "relocate",
      "unlink pack",
      "end collection",
      "persist",
      "persist the rows only",
      "crash",
      "rebuild"};
  return std::string(names[static_cast<int>(action.act)]) + " (session " + std::to_string(action.who) + ", " +
         std::to_string(action.what) + ")";
}

}  // namespace rb::model
