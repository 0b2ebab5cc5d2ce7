#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/interrupt.h"

namespace rb::cli {

namespace {

struct Verb {
  std::string_view name;
  int (*run)(Arguments);
};

constexpr std::array<Verb, 11> kVerbs = {{{"join", cmd_join},
                                          {"log", cmd_log},
                                          {"ls", cmd_ls},
                                          {"cat", cmd_cat},
                                          {"diff", cmd_diff},
                                          {"restore", cmd_restore},
                                          {"verify", cmd_verify},
                                          {"forget", cmd_forget},
                                          {"pin", cmd_pin},
                                          {"unpin", cmd_unpin},
                                          {"status", cmd_status}}};

// Where the command's name stands: the first word that is no option every command shares. size() when there
// is none.
std::size_t find_verb(const Arguments& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--server") {
      ++i;
      continue;
    }
    const bool shared = word == "--json" || word == "-q" || word == "-v" || word == "--quiet" ||
                        word == "--verbose" || word.starts_with("--server=");
    if (!shared) return i;
  }
  return arguments.size();
}

}  // namespace

int run_rbbackup(Arguments arguments) {
  if (arguments.size() == 1 && arguments[0] == "--version") {
    fmt::print("rbbackup {}\n", RB_VERSION);
    return kDone;
  }
  const std::size_t at = find_verb(arguments);
  if (at < arguments.size()) {
    const std::string name = arguments[at];
    const auto* verb =
        std::find_if(kVerbs.begin(), kVerbs.end(), [&](const Verb& v) { return v.name == name; });
    if (verb != kVerbs.end()) {
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at));
      return verb->run(std::move(arguments));
    }
  }
  return cmd_backup(std::move(arguments));
}

}  // namespace rb::cli
