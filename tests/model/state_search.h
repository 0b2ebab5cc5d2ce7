// Tries every order of steps from the initial state, breadth first, and so finds a shortest way to a state in
// which something is wrong.
//
// A state is remembered by 64 bits of hash: of ten million states two are taken for one with a chance of one
// in four hundred thousand. The way to a state is remembered as the steps that led there.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model/gc_model.h"

namespace rb::model {

struct SearchResult {
  std::uint64_t states = 0, steps = 0;
  int depth = 0;
  std::array<std::uint64_t, static_cast<int>(Act::count)> taken{};  // how often each step was
  bool complete = false;                                            // nothing was left when it ended
  std::string violation;                                            // empty: none
  std::vector<Action> way;                                          // to the violation

  std::string describe(const Model& model) const;
};

// Ends at the first violation, or after `states_max` states.
SearchResult search(const Model& model, std::uint64_t states_max);

}  // namespace rb::model
