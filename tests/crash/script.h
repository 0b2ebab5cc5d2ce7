// The history that is cut and failed: three nodes, two of them of one group, over a week and a half, with
// everything that a server does to its files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "crash/history.h"

namespace rb::test {

struct Step {
  std::string name;
  std::function<Status(Machine&, History&)> run;
};

const std::vector<Step>& script();
inline constexpr std::uint64_t kScriptSeed = 11;

}  // namespace rb::test
