// The steps that sessions, the collector and the machine can take, and what must hold after each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/gc_state.h"

namespace rb::model {

enum class Act : std::uint8_t {
  look_up,         // session, object: for an answer
  answer,          // session: "have", in the serialised step; or nothing, and it asks again
  look_up_refs,    // session, object: for acceptance
  accept,          // session
  hold_snapshot,   // session, object: a commit begins
  check_commit,    // session: fence and dead set are looked at
  journal_commit,  // session
  leave,           // session: it ends, aborts or is fenced
  delete_snapshot,
  undelete_snapshot,
  begin_mark,
  pass_barrier,
  root_snapshot,
  pass_over_snapshot,  // deleted, and judged to be past its grace
  root_session,
  scan,  // one grey number
  freeze,
  abandon_mark,
  sweep,  // object
  end_sweep,
  lift_early,  // only with its flaw
  copy,        // object
  sync_copies,
  relocate,  // object
  unlink,    // pack
  end_collection,
  persist,            // what the catalog says now outlives a crash
  persist_rows_only,  // only with its flaw
  crash,
  rebuild,
  count
};

struct Action {
  Act act = Act::count;
  std::uint8_t who = 0;   // session
  std::uint8_t what = 0;  // object, number or pack
};

class Model {
 public:
  explicit Model(const Scenario& scenario) : scenario_(scenario) {}

  const Scenario& scenario() const { return scenario_; }
  State initial() const;
  // False, and a state that means nothing, when the action can't be taken now.
  bool take(State& state, Action action) const;
  const std::vector<Action>& all_actions() const { return actions_; }
  // False for many that can't be taken; spares copying the state.
  static bool is_in_season(const State& state, Action action);
  // The same state with numbers that mean nothing squeezed out and sessions in order: numbers are compared,
  // and never used otherwise.
  void make_canonical(State& state) const;
  // What is wrong with it, or nothing.
  std::optional<std::string> find_violation(const State& state) const;
  // Whether the collector can go on without any session's doing something.
  bool collector_can_move(const State& state) const;
  // Requires: no session and no collection is under way. What two more collections leave behind although
  // nothing refers to it.
  std::optional<std::string> find_leak(State state) const;
  static bool is_quiet(const State& state);
  std::string describe(Action action) const;

  bool alive(const State& state, int object) const;

 private:
  bool flawed(Flaw flaw) const { return scenario_.flaws.has(flaw); }
  bool dead(const Catalog& catalog, int number) const;
  bool all_alive(const State& state, ObjectSet objects) const;
  NumberMask numbers_of(const State& state, ObjectSet objects) const;
  ObjectSet with_all_beneath(ObjectSet objects) const;
  void shade(State& state, NumberMask numbers) const;
  void hold(State& state, Session& session, NumberMask numbers) const;
  void change_dead_set(State& state) const;

  bool take_session_step(State& state, Action action) const;
  bool look_up(State& state, Session& session, int object) const;
  bool answer(State& state, Session& session) const;
  bool look_up_refs(State& state, Session& session, int object) const;
  bool accept(State& state, Session& session) const;
  bool hold_snapshot(State& state, Session& session, int object) const;
  bool check_commit(State& state, Session& session) const;
  bool journal_commit(State& state, Session& session) const;
  bool leave(Session& session) const;
  bool delete_snapshot(State& state, int object) const;
  bool undelete_snapshot(State& state, int object) const;
  static bool commit_under_way(const State& state);

  bool take_collector_step(State& state, Action action) const;
  bool begin_mark(State& state) const;
  bool root_snapshot(State& state, int object, bool within_grace) const;
  bool root_session(State& state, int session) const;
  bool scan(State& state) const;
  bool freeze(State& state) const;
  bool sweep(State& state, int object) const;
  bool end_sweep(State& state) const;
  bool copy(State& state, int object) const;
  bool relocate(State& state, int object) const;
  bool unlink(State& state, int pack) const;
  bool end_collection(State& state) const;
  static void forget_mark(State& state);
  int free_pack(const State& state) const;
  static ObjectSet rows_in(const Catalog& catalog, int pack);

  bool persist(State& state) const;
  bool restart(State& state) const;
  bool rebuild(State& state) const;
  void replay(State& state) const;
  void admit(State& state, int pack, int object) const;

  std::vector<Action> list_actions() const;
  void forget_what_is_beneath_pins(State& state) const;
  void forget_what_nobody_sees(State& state) const;
  void squeeze_numbers(State& state) const;
  void sort_sessions(State& state) const;
  void sort_packs(State& state) const;
  void forget_content(State& state, int number) const;

  const Scenario scenario_;
  const std::vector<Action> actions_ = list_actions();
};

}  // namespace rb::model
