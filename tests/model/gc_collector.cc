// The collector's steps: mark, freeze, sweep, compact, unlink.
#include <bit>

#include "model/gc_model.h"

namespace rb::model {

int Model::free_pack(const State& state) const {
  for (int pack = 0; pack < scenario_.packs_max; ++pack) {
    if (state.packs[pack].exists == 0) return pack;
  }
  return kNoPack;
}

ObjectSet Model::rows_in(const Catalog& catalog, int pack) {
  ObjectSet rows = 0;
  for (int object = 0; object < kObjectsMax; ++object) {
    if (catalog.number[object] != 0 && catalog.pack[object] == pack) rows |= bit(object);
  }
  return rows;
}

void Model::forget_mark(State& state) {
  state.marked = state.grey = 0;
  state.limit = state.barrier_done = state.sessions_todo = 0;
  state.snapshots_todo = 0;
}

// Every look-up made before means nothing any more, and is made again.
void Model::change_dead_set(State& state) const {
  for (Session& session : state.sessions) {
    const bool is_stale = (session.doing == Doing::asking && !flawed(Flaw::stale_have)) ||
                          (session.doing == Doing::accepting && !flawed(Flaw::stale_acceptance));
    if (is_stale) session = {.pins = session.pins};
  }
}

bool Model::begin_mark(State& state) const {
  if (state.phase != Phase::idle) return false;
  state.phase = Phase::marking;
  // Born marked is what has a number of at least `limit`. Without that rule any number may be white.
  state.limit = flawed(Flaw::no_birth_mark) ? kNumbersMax + 1 : state.catalog.next;
  if (scenario_.young_collections > 0 && !flawed(Flaw::no_young_rule)) {
    state.marked = below(state.catalog.next) & ~below(state.catalog.young_from);
    if (!flawed(Flaw::young_not_walked)) state.grey = state.marked;
  }
  state.catalog.young_from = state.catalog.next;
  // A sealed pack can be unlinked; only here, so that the search ends.
  if (scenario_.packs != Packs::one) state.open_pack = kNoPack;
  for (std::uint8_t& age : state.age) {
    if (age <= scenario_.young_collections) ++age;
  }
  state.snapshots_todo = scenario_.world.snapshots;
  if (!flawed(Flaw::no_session_roots)) state.sessions_todo = (1 << scenario_.sessions) - 1;
  state.barrier_done = flawed(Flaw::no_commit_barrier) ? 1 : 0;
  return true;
}

bool Model::root_snapshot(State& state, int object, bool within_grace) const {
  const ObjectSet one = bit(object);
  if ((state.snapshots_todo & one) == 0 || state.barrier_done == 0) return false;
  if (!within_grace && (state.deleted & one) == 0) return false;
  state.snapshots_todo &= ~one;
  if (within_grace && ((state.kept | state.deleted) & one) != 0) shade(state, numbers_of(state, one));
  return true;
}

bool Model::root_session(State& state, int session) const {
  if ((state.sessions_todo & bit(session)) == 0) return false;
  state.sessions_todo &= ~bit(session);
  shade(state, state.sessions[session].pins);
  return true;
}

// The highest first. Until the freeze nobody looks at what is marked but to mark more, and what is marked
// then is the same in whatever order it was; so one order will do.
bool Model::scan(State& state) const {
  if (state.grey == 0) return false;
  const int number = std::bit_width(state.grey) - 1;
  state.grey &= ~bit(number);
  shade(state, state.children[number]);
  return true;
}

bool Model::freeze(State& state) const {
  const bool roots_done = state.barrier_done != 0 && state.sessions_todo == 0 && state.snapshots_todo == 0;
  if (state.phase != Phase::marking || !roots_done) return false;
  if (state.grey != 0 && !flawed(Flaw::freeze_with_grey)) return false;
  state.catalog.dead_limit = flawed(Flaw::no_birth_mark) ? state.catalog.next : state.limit;
  state.catalog.dead_marked = state.marked;
  forget_mark(state);
  change_dead_set(state);
  state.phase = Phase::sweeping;
  if (flawed(Flaw::sweep_by_id)) {
    for (int object = 0; object < scenario_.world.objects; ++object) {
      if (dead(state.catalog, state.catalog.number[object])) state.doomed |= bit(object);
    }
  }
  return true;
}

bool Model::sweep(State& state, int object) const {
  Catalog& catalog = state.catalog;
  const int number = catalog.number[object];
  if (state.phase != Phase::sweeping) return false;
  const bool doomed = (state.doomed & bit(object)) != 0;
  state.doomed &= ~bit(object);
  if (number == 0 || !(doomed || dead(catalog, number))) return false;
  if (flawed(Flaw::volatile_dead_set) && !flawed(Flaw::any_deletion_order)) {
    for (int parent = 0; parent < scenario_.world.objects; ++parent) {
      const int other = catalog.number[parent];
      if (other != 0 && dead(catalog, other) && (state.children[other] & bit(number)) != 0) return false;
    }
  }
  catalog.number[object] = catalog.pack[object] = 0;
  state.deleted &= ~bit(object);
  return true;
}

bool Model::end_sweep(State& state) const {
  if (state.phase != Phase::sweeping) return false;
  for (int object = 0; object < scenario_.world.objects; ++object) {
    if (dead(state.catalog, state.catalog.number[object]) && state.catalog.number[object] != 0) return false;
  }
  state.catalog.dead_limit = 0;
  state.catalog.dead_marked = 0;
  state.doomed = 0;
  change_dead_set(state);
  state.phase = Phase::compacting;
  return true;
}

bool Model::copy(State& state, int object) const {
  const int from = state.catalog.pack[object];
  if (scenario_.packs != Packs::compacted || state.phase != Phase::compacting || !alive(state, object))
    return false;
  if (from == state.open_pack || from == state.compaction_pack) return false;
  if (state.compaction_pack == kNoPack) {
    const int pack = free_pack(state);
    if (pack == kNoPack) return false;
    state.packs[pack].exists = 1;
    state.compaction_pack = static_cast<std::uint8_t>(pack);
  }
  Pack& to = state.packs[state.compaction_pack];
  if ((to.content & bit(object)) != 0) return false;
  to.content |= bit(object);
  to.unsynced |= bit(object);
  return true;
}

bool Model::relocate(State& state, int object) const {
  const int to = state.compaction_pack, from = state.catalog.pack[object];
  if (state.phase != Phase::compacting || to == kNoPack || !alive(state, object)) return false;
  if (from == to || from == state.open_pack) return false;
  ObjectSet ready = state.packs[to].content;
  if (!flawed(Flaw::relocate_before_sync)) ready &= ~state.packs[to].unsynced;
  if ((ready & bit(object)) == 0) return false;
  state.catalog.pack[object] = static_cast<std::uint8_t>(to);
  return true;
}

bool Model::unlink(State& state, int number) const {
  Pack& pack = state.packs[number];
  if (scenario_.packs == Packs::one || state.phase != Phase::compacting || pack.exists == 0) return false;
  if (number == state.open_pack || number == state.compaction_pack) return false;
  if (rows_in(state.catalog, number) != 0) return false;
  if (rows_in(state.durable, number) != 0 && !flawed(Flaw::unlink_before_persist)) return false;
  if (pack.tail != 0 && !flawed(Flaw::unlink_before_watermark)) return false;
  pack = {};
  return true;
}

bool Model::end_collection(State& state) const {
  const int pack = state.compaction_pack;
  if (state.phase != Phase::compacting || (pack != kNoPack && state.packs[pack].unsynced != 0)) return false;
  state.compaction_pack = kNoPack;
  state.phase = Phase::idle;
  return true;
}

bool Model::take_collector_step(State& state, Action action) const {
  switch (action.act) {
    case Act::begin_mark:
      return begin_mark(state);
    case Act::pass_barrier:
      if (state.phase != Phase::marking || state.barrier_done != 0 || commit_under_way(state)) return false;
      state.barrier_done = 1;
      return true;
    case Act::root_snapshot:
      return root_snapshot(state, action.what, true);
    case Act::pass_over_snapshot:
      return root_snapshot(state, action.what, false);
    case Act::root_session:
      return root_session(state, action.who);
    case Act::scan:
      return scan(state);
    case Act::freeze:
      return freeze(state);
    case Act::abandon_mark:
      if (state.phase != Phase::marking) return false;
      forget_mark(state);
      state.phase = Phase::idle;
      return true;
    case Act::sweep:
      return sweep(state, action.what);
    case Act::end_sweep:
      return end_sweep(state);
    case Act::lift_early:
      if (state.phase != Phase::sweeping || !flawed(Flaw::dead_lifted_early)) return false;
      state.catalog.dead_limit = 0;
      state.catalog.dead_marked = 0;
      state.phase = Phase::idle;
      return true;
    case Act::copy:
      return copy(state, action.what);
    case Act::sync_copies:
      if (state.compaction_pack == kNoPack || state.packs[state.compaction_pack].unsynced == 0) return false;
      state.packs[state.compaction_pack].unsynced = 0;
      return true;
    case Act::relocate:
      return relocate(state, action.what);
    case Act::unlink:
      return unlink(state, action.what);
    case Act::end_collection:
      return end_collection(state);
    default:
      return false;
  }
}

}  // namespace rb::model
