// What must hold in every state.
#include "model/gc_model.h"

namespace rb::model {

namespace {

constexpr ObjectSet one(int object) {
  return static_cast<ObjectSet>(1u << object);
}

}  // namespace

ObjectSet Model::with_all_beneath(ObjectSet objects) const {
  for (int object = scenario_.world.objects - 1; object >= 0; --object) {
    if ((objects & one(object)) != 0) objects |= scenario_.world.refs[object];
  }
  return objects;
}

std::optional<std::string> Model::find_violation(const State& state) const {
  NumberMask held_by_rows = 0;
  for (int object = 0; object < scenario_.world.objects; ++object) {
    const std::string name = "object " + std::to_string(object);
    const ObjectSet refs = scenario_.world.refs[object];
    for (const Catalog* catalog : {&state.catalog, &state.durable}) {
      if (catalog->number[object] == 0) continue;
      const Pack& pack = state.packs[catalog->pack[object]];
      if ((pack.content & one(object)) == 0) return "the pack of " + name + " is gone";
    }
    const int number = state.catalog.number[object];
    const bool is_alive = number != 0 && !dead(state.catalog, number);
    if (is_alive) {
      held_by_rows |= bit(number);
      if (!all_alive(state, refs)) return name + " is there, but not all it refers to";
      if (scenario_.check_numbers && state.children[number] != numbers_of(state, refs))
        return name + " names other numbers than its references have";
    } else {
      if ((state.kept & one(object)) != 0) return "a kept snapshot is lost: " + name;
      if (state.age[object] <= scenario_.young_collections) return "an upload is lost too early: " + name;
    }
  }
  for (int i = 0; i < scenario_.sessions; ++i) {
    const Session& session = state.sessions[i];
    if ((session.pins & ~held_by_rows) != 0)
      return "session " + std::to_string(i) + " was told of something that is gone";
  }
  return std::nullopt;
}

bool Model::collector_can_move(const State& state) const {
  if (state.phase == Phase::idle) return true;
  for (const Action action : all_actions()) {
    const bool is_collectors = action.act >= Act::begin_mark && action.act <= Act::end_collection;
    if (!is_collectors || action.act == Act::abandon_mark || !is_in_season(state, action)) continue;
    State next = state;
    if (take_collector_step(next, action)) return true;
  }
  return commit_under_way(state);  // which ends by itself
}

bool Model::is_quiet(const State& state) {
  for (const Session& session : state.sessions) {
    if (session.pins != 0 || session.doing != Doing::nothing) return false;
  }
  return state.phase == Phase::idle;
}

std::optional<std::string> Model::find_leak(State state) const {
  const auto take_all = [&](Act act, int whats) {
    for (int what = 0; what < whats; ++what)
      take_collector_step(state, {act, static_cast<std::uint8_t>(what), static_cast<std::uint8_t>(what)});
  };
  const int objects = scenario_.world.objects;
  for (int round = 0; round < scenario_.young_collections + 2; ++round) {
    begin_mark(state);
    state.barrier_done = 1;
    take_all(Act::pass_over_snapshot, objects);
    take_all(Act::root_snapshot, objects);
    take_all(Act::root_session, scenario_.sessions);
    while (state.grey != 0)
      take_all(Act::scan, 1);
    if (!freeze(state)) return "a mark does not come to its freeze";
    for (int again = 0; again < objects; ++again)
      take_all(Act::sweep, objects);
    if (!end_sweep(state)) return "a sweep does not end";
    persist(state);
    take_all(Act::unlink, kPacksMax);
    end_collection(state);
  }
  const ObjectSet wanted = with_all_beneath(state.kept);
  for (int object = 0; object < objects; ++object) {
    const bool is_wanted = (wanted & one(object)) != 0;
    if (alive(state, object) == is_wanted) continue;
    const std::string_view fault = is_wanted ? " is freed, though a kept snapshot needs it" : " is not freed";
    return "object " + std::to_string(object) + std::string(fault);
  }
  for (int pack = 0; pack < kPacksMax; ++pack) {
    const bool exists = scenario_.packs != Packs::one && state.packs[pack].exists != 0;
    if (exists && rows_in(state.catalog, pack) == 0) return "an empty pack stays";
  }
  return std::nullopt;
}

}  // namespace rb::model
