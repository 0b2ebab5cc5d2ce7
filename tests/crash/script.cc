#include "crash/script.h"

namespace rb::test {

namespace {

constexpr std::chrono::hours kDay{24};

Status enrol(Machine& machine, History& history) {
  RB_TRY(machine.start());
  RB_TRY(history.join(machine, "ana"));
  RB_TRY(history.join(machine, "ben", "family"));
  return history.join(machine, "cleo", "family");
}

Status a_day(Machine& machine, History& history) {
  machine.let_pass(kDay);
  return history.back_up_all(machine);
}

Status a_night(Machine& machine, History& history) {
  RB_TRY(history.prune(machine));
  return history.collect(machine);
}

Status a_day_and_night(Machine& machine, History& history) {
  RB_TRY(a_day(machine, history));
  return a_night(machine, history);
}

Status an_aborted_backup(Machine& machine, History& history) {
  return history.abort_a_backup(machine, "ana");
}

Status killed_and_started(Machine& machine, History& history) {
  machine.kill(CatalogLeft::cut_short, history.draw());
  return machine.start();
}

Status restarted(Machine& machine, History&) {
  machine.stop();
  return machine.start();
}

Status parity(Machine& machine, History& history) {
  return history.look_after_packs(machine);
}

Status a_bit_flips_and_is_corrected(Machine& machine, History& history) {
  if (!machine.flip_a_bit(history.draw())) return fail(Errc::not_found, "no pack has parity");
  return history.look_after_packs(machine);
}

Status undeleted(Machine& machine, History& history) {
  return history.undelete(machine, "ben");
}

Status pinned(Machine& machine, History& history) {
  return history.pin_oldest(machine, "ana", true);
}

Status unpinned(Machine& machine, History& history) {
  return history.pin_oldest(machine, "ana", false);
}

Status removed(Machine& machine, History& history) {
  return history.remove(machine, "cleo");
}

Status joined_again(Machine& machine, History& history) {
  return history.join_again(machine, "cleo");
}

Status rebuilt(Machine& machine, History& history) {
  return history.rebuild(machine);
}

}  // namespace

const std::vector<Step>& script() {
  static const std::vector<Step> kSteps = {
      {"three nodes join", enrol},
      {"first day", a_day},
      {"an aborted backup", an_aborted_backup},
      {"second day", a_day},
      {"killed", killed_and_started},
      {"pinned", pinned},
      {"third day and night", a_day_and_night},
      {"parity", parity},
      {"fourth day and night", a_day_and_night},
      {"undeleted", undeleted},
      {"restarted", restarted},
      {"fifth day and night", a_day_and_night},
      {"parity again", parity},
      {"a bit flips", a_bit_flips_and_is_corrected},
      {"a node is removed", removed},
      {"sixth day and night", a_day_and_night},
      {"the node joins again", joined_again},
      {"unpinned", unpinned},
      {"seventh day and night", a_day_and_night},
      {"the catalog is rebuilt", rebuilt},
      {"eighth day and night", a_day_and_night},
      {"parity once more", parity},
      {"ninth day and night", a_day_and_night},
      {"tenth day and night", a_day_and_night},
  };
  return kSteps;
}

}  // namespace rb::test
