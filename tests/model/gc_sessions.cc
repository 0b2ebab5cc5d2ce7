// What clients' sessions and the administrator do. A look-up reads the catalog outside of the serialised
// step; what follows from it is a step of its own, and may come much later.
#include "model/gc_model.h"

namespace rb::model {

bool Model::dead(const Catalog& catalog, int number) const {
  return number < catalog.dead_limit && (catalog.dead_marked & bit(number)) == 0;
}

bool Model::alive(const State& state, int object) const {
  const int number = state.catalog.number[object];
  return number != 0 && (flawed(Flaw::dead_not_consulted) || !dead(state.catalog, number));
}

bool Model::all_alive(const State& state, ObjectSet objects) const {
  for (int object = 0; object < scenario_.world.objects; ++object) {
    if ((objects & bit(object)) != 0 && !alive(state, object)) return false;
  }
  return true;
}

NumberMask Model::numbers_of(const State& state, ObjectSet objects) const {
  NumberMask numbers = 0;
  for (int object = 0; object < scenario_.world.objects; ++object) {
    if ((objects & bit(object)) != 0) numbers |= bit(state.catalog.number[object]);
  }
  return numbers & ~bit(0);
}

void Model::shade(State& state, NumberMask numbers) const {
  if (state.phase != Phase::marking) return;
  const NumberMask white = numbers & below(state.limit) & ~state.marked;
  state.marked |= white;
  state.grey |= white;
}

void Model::hold(State& state, Session& session, NumberMask numbers) const {
  session.pins |= numbers;
  if (!flawed(Flaw::no_shade_on_have)) shade(state, numbers);
}

bool Model::commit_under_way(const State& state) {
  for (const Session& session : state.sessions) {
    if (session.doing == Doing::journalling) return true;
  }
  return false;
}

namespace {

void finish(Session& session) {
  const NumberMask pins = session.pins;
  session = {};
  session.pins = pins;
}

void start(Session& session, Doing doing, int object, NumberMask found) {
  session.doing = doing;
  session.object = static_cast<std::uint8_t>(object);
  session.found = found;
}

}  // namespace

bool Model::look_up(State& state, Session& session, int object) const {
  if (session.doing != Doing::nothing || !alive(state, object)) return false;
  start(session, Doing::asking, object, bit(state.catalog.number[object]));
  return true;
}

bool Model::answer(State& state, Session& session) const {
  if (session.doing != Doing::asking) return false;
  hold(state, session, session.found);
  finish(session);
  return true;
}

bool Model::look_up_refs(State& state, Session& session, int object) const {
  const ObjectSet refs = scenario_.world.refs[object];
  if (session.doing != Doing::nothing || alive(state, object) || !all_alive(state, refs)) return false;
  start(session, Doing::accepting, object, numbers_of(state, refs));
  return true;
}

// The record is synced in this step too: what is not acknowledged matters to nobody.
bool Model::accept(State& state, Session& session) const {
  if (session.doing != Doing::accepting) return false;
  const int object = session.object;
  if (alive(state, object)) {
    finish(session);
    return true;
  }
  Catalog& catalog = state.catalog;
  const bool keeps_number = flawed(Flaw::volatile_dead_set) && !flawed(Flaw::new_number_for_dead_row);
  int number = catalog.number[object];
  if (keeps_number && number != 0) {
    catalog.dead_marked |= bit(number);
  } else {
    if (catalog.next > kNumbersMax) return false;
    number = catalog.next++;
  }
  if (state.open_pack == kNoPack) {
    const int pack = free_pack(state);
    if (pack == kNoPack) return false;
    state.packs[pack].exists = 1;
    state.open_pack = static_cast<std::uint8_t>(pack);
  }
  catalog.number[object] = static_cast<std::uint8_t>(number);
  catalog.pack[object] = state.open_pack;
  state.children[number] = session.found;
  state.packs[state.open_pack].content |= bit(object);
  state.packs[state.open_pack].tail |= bit(object);
  state.age[object] = 0;
  session.pins |= bit(number);
  if (!flawed(Flaw::no_shade_of_references)) shade(state, session.found);
  finish(session);
  return true;
}

bool Model::hold_snapshot(State& state, Session& session, int object) const {
  const bool is_snapshot = (scenario_.world.snapshots & bit(object)) != 0;
  if (session.doing != Doing::nothing || !is_snapshot || !alive(state, object)) return false;
  start(session, Doing::committing, object, bit(state.catalog.number[object]));
  hold(state, session, session.found);
  return true;
}

// One at a time, until it is in the journal.
bool Model::check_commit(State& state, Session& session) const {
  if (session.doing != Doing::committing || commit_under_way(state)) return false;
  const int number = state.catalog.number[session.object];
  const bool still_there = session.found == bit(number) && !dead(state.catalog, number);
  const bool refused = (session.fenced && !flawed(Flaw::no_fence_at_commit)) ||
                       (!still_there && !flawed(Flaw::no_dead_check_at_commit));
  if (refused) {
    finish(session);
    return true;
  }
  if (!flawed(Flaw::no_shade_on_commit)) shade(state, session.found);
  session.doing = Doing::journalling;
  return true;
}

bool Model::journal_commit(State& state, Session& session) const {
  if (session.doing != Doing::journalling) return false;
  state.kept |= bit(session.object);
  state.deleted &= ~bit(session.object);
  finish(session);
  return true;
}

// A request under way finds the fence in its serialised step, and does nothing. That is the same as if it
// ended here, but for a commit that has passed its check.
bool Model::leave(Session& session) const {
  if (session.fenced || (session.doing == Doing::nothing && session.pins == 0)) return false;
  const bool goes_on = session.doing == Doing::journalling ||
                       (session.doing == Doing::committing && flawed(Flaw::no_fence_at_commit));
  if (!goes_on) session = {};
  session.fenced = goes_on;
  session.pins = 0;
  return true;
}

bool Model::delete_snapshot(State& state, int object) const {
  if ((state.kept & bit(object)) == 0 || commit_under_way(state)) return false;
  state.kept &= ~bit(object);
  state.deleted |= bit(object);
  return true;
}

bool Model::undelete_snapshot(State& state, int object) const {
  if ((state.deleted & bit(object)) == 0 || commit_under_way(state)) return false;
  if (!alive(state, object) && !flawed(Flaw::undelete_unseen)) return false;
  if (!flawed(Flaw::no_shade_on_undelete)) shade(state, bit(state.catalog.number[object]));
  state.deleted &= ~bit(object);
  state.kept |= bit(object);
  return true;
}

bool Model::take_session_step(State& state, Action action) const {
  Session& session = state.sessions[action.who];
  switch (action.act) {
    case Act::look_up:
      return look_up(state, session, action.what);
    case Act::answer:
      return answer(state, session);
    case Act::look_up_refs:
      return look_up_refs(state, session, action.what);
    case Act::accept:
      return accept(state, session);
    case Act::hold_snapshot:
      return hold_snapshot(state, session, action.what);
    case Act::check_commit:
      return check_commit(state, session);
    case Act::journal_commit:
      return journal_commit(state, session);
    case Act::leave:
      return leave(session);
    case Act::delete_snapshot:
      return delete_snapshot(state, action.what);
    case Act::undelete_snapshot:
      return undelete_snapshot(state, action.what);
    default:
      return false;
  }
}

}  // namespace rb::model
