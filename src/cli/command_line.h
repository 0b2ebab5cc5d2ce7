// What the commands share: common options, parsing with one way to say that it failed, and paths as given.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace rb::cli {

struct CommonOptions {
  std::string server;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  Verbosity verbosity() const {
    return quiet ? Verbosity::quiet : verbose ? Verbosity::verbose : Verbosity::normal;
  }
};

// --server, --json, -q, -v.
void add_common_options(CLI::App& app, CommonOptions& options);

// Parses; gives an exit status when the command ends here: 0 after -h (which prints `help` on standard
// output), 2 after a mistake (named on standard error).
std::optional<int> parse(CLI::App& app, Arguments arguments, std::string_view help);

// The absolute path that a path as given has in the copy: its existing parents resolved, the rest as written.
std::string copy_path(const std::string& given);

// Says the error, gives its exit status.
int report(Terminal& terminal, const Error& error);

}  // namespace rb::cli
