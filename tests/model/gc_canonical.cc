// States that differ only in names are one state: numbers are only compared, sessions and packs are alike.
// What nothing depends on any more is forgotten.
#include <algorithm>
#include <bit>

#include "model/gc_model.h"

namespace rb::model {

void Model::make_canonical(State& state) const {
  forget_what_nobody_sees(state);
  forget_what_is_beneath_pins(state);
  squeeze_numbers(state);
  sort_sessions(state);
  sort_packs(state);
}

// Values that no step and no property depends on any more.
void Model::forget_what_nobody_sees(State& state) const {
  if (state.crashes_left + state.rebuilds_left == 0) persist(state);
  for (int pack = 0; pack < kPacksMax && state.rebuilds_left == 0; ++pack)
    forget_content(state, pack);
  if (scenario_.young_collections == 0) state.catalog.young_from = state.durable.young_from = 1;
  for (Catalog* catalog : {&state.catalog, &state.durable}) {
    NumberMask rows = 0;
    for (const std::uint8_t number : catalog->number)
      rows |= bit(number);
    if (catalog->dead_limit == 0) continue;
    const NumberMask dead_rows = rows & below(catalog->dead_limit) & ~catalog->dead_marked & ~bit(0);
    catalog->dead_limit = static_cast<std::uint8_t>(dead_rows == 0 ? 1 : std::bit_width(dead_rows));
    catalog->dead_marked &= rows & below(catalog->dead_limit);
  }
  for (Session& session : state.sessions) {
    if (session.doing == Doing::accepting && alive(state, session.object)) session = {.pins = session.pins};
  }
}

// Without a rebuild to come, what no row names is only space. A pack without anything else is as good as
// unlinked.
void Model::forget_content(State& state, int number) const {
  Pack& pack = state.packs[number];
  if (scenario_.packs == Packs::one) {
    pack.content = static_cast<ObjectSet>(below(scenario_.world.objects));
    return;
  }
  if (number == state.compaction_pack) return;
  pack.content &= rows_in(state.catalog, number) | rows_in(state.durable, number) | pack.tail;
  if (pack.content != 0) return;
  if (number == state.open_pack) state.open_pack = kNoPack;
  pack = {};
}

// A pin stands for all beneath it. Fewer pins protect less, so what is safe with these is safe with all.
void Model::forget_what_is_beneath_pins(State& state) const {
  for (Session& session : state.sessions) {
    NumberMask beneath = 0;
    for (int number = kNumbersMax; number > 0; --number) {
      if (((session.pins | beneath) & bit(number)) != 0) beneath |= state.children[number];
    }
    session.pins &= ~beneath;
  }
}

void Model::squeeze_numbers(State& state) const {
  NumberMask used = state.grey;
  for (int object = 0; object < kObjectsMax; ++object)
    used |= bit(state.catalog.number[object]) | bit(state.durable.number[object]);
  for (const Session& session : state.sessions)
    used |= session.pins | session.found;
  used &= ~bit(0);
  NumberMask named = used;
  for (int number = 1; number <= kNumbersMax; ++number) {
    if ((used & bit(number)) != 0) {
      named |= state.children[number];
    } else {
      state.children[number] = 0;
    }
  }
  // The new name of a number: how many in use are below it, and one.
  const auto rename = [&](int number) { return std::popcount<NumberMask>(named & below(number)) + 1; };
  const auto rename_all = [&](NumberMask numbers) {
    NumberMask renamed = 0;
    for (int number = 1; number <= kNumbersMax; ++number) {
      if ((numbers & named & bit(number)) != 0) renamed |= bit(rename(number));
    }
    return renamed;
  };
  const bool dense = (named & (named + 2u)) == 0 && rename(state.catalog.next) == state.catalog.next;
  if (!dense) {
    for (Catalog* catalog : {&state.catalog, &state.durable}) {
      for (std::uint8_t& number : catalog->number)
        number = number == 0 ? 0 : static_cast<std::uint8_t>(rename(number));
      catalog->next = static_cast<std::uint8_t>(rename(catalog->next));
      catalog->young_from = static_cast<std::uint8_t>(rename(catalog->young_from));
      if (catalog->dead_limit != 0)
        catalog->dead_limit = static_cast<std::uint8_t>(rename(catalog->dead_limit));
      catalog->dead_marked = rename_all(catalog->dead_marked);
    }
    std::array<NumberMask, kNumbersMax + 1> children{};
    for (int number = 1; number <= kNumbersMax; ++number) {
      if ((named & bit(number)) != 0) children[rename(number)] = rename_all(state.children[number]);
    }
    state.children = children;
    for (Session& session : state.sessions) {
      session.pins = rename_all(session.pins);
      session.found = rename_all(session.found);
    }
    if (state.limit != 0 && state.limit <= kNumbersMax)
      state.limit = static_cast<std::uint8_t>(rename(state.limit));
    state.marked = rename_all(state.marked);
    state.grey = rename_all(state.grey);
  }
}

void Model::sort_sessions(State& state) const {
  const auto swap_if_out_of_order = [&](int a, int b) {
    const bool todo_a = (state.sessions_todo & bit(a)) != 0, todo_b = (state.sessions_todo & bit(b)) != 0;
    const int order = std::memcmp(&state.sessions[a], &state.sessions[b], sizeof(Session));
    if (order < 0 || (order == 0 && todo_a <= todo_b)) return;
    std::swap(state.sessions[a], state.sessions[b]);
    if (todo_a != todo_b) state.sessions_todo ^= bit(a) | bit(b);
  };
  if (scenario_.sessions > 2) {
    swap_if_out_of_order(1, 2);
    swap_if_out_of_order(0, 1);
    swap_if_out_of_order(1, 2);
  } else if (scenario_.sessions > 1) {
    swap_if_out_of_order(0, 1);
  }
}

// Which file is which matters only by what is in it.
void Model::sort_packs(State& state) const {
  if (scenario_.packs == Packs::one) return;
  struct Place {
    std::uint64_t key = 0;
    int was = 0;
  };
  std::array<Place, kPacksMax> order;
  for (int pack = 0; pack < kPacksMax; ++pack) {
    const Pack& p = state.packs[pack];
    const std::uint64_t use =
        p.exists + 2u * (pack == state.open_pack) + 4u * (pack == state.compaction_pack);
    order[pack].was = pack;
    for (const std::uint64_t part :
         {use, std::uint64_t{p.content}, std::uint64_t{p.tail}, std::uint64_t{p.unsynced},
          std::uint64_t{rows_in(state.catalog, pack)}, std::uint64_t{rows_in(state.durable, pack)}})
      order[pack].key = order[pack].key << 8 | part;
  }
  std::stable_sort(order.begin(), order.end(), [](const Place& a, const Place& b) { return a.key > b.key; });
  std::array<std::uint8_t, kPacksMax> now{};
  const std::array<Pack, kPacksMax> packs = state.packs;
  for (int place = 0; place < kPacksMax; ++place) {
    now[order[place].was] = static_cast<std::uint8_t>(place);
    state.packs[place] = packs[order[place].was];
  }
  for (Catalog* catalog : {&state.catalog, &state.durable}) {
    for (int object = 0; object < kObjectsMax; ++object) {
      if (catalog->number[object] != 0) catalog->pack[object] = now[catalog->pack[object]];
    }
  }
  for (std::uint8_t* pack : {&state.open_pack, &state.compaction_pack}) {
    if (*pack != kNoPack) *pack = now[*pack];
  }
}

}  // namespace rb::model
