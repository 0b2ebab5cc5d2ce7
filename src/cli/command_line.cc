#include "cli/command_line.h"

#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/exit_status.h"
#include "cli/text.h"

namespace rb::cli {

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--server", options.server);
  app.add_flag("--json", options.json);
  app.add_flag("-q,--quiet", options.quiet);
  app.add_flag("-v,--verbose", options.verbose);
}

std::optional<int> parse(CLI::App& app, Arguments arguments, std::string_view help) {
  app.set_help_flag();
  bool wants_help = false;
  app.add_flag("-h,--help", wants_help);
  // Help is given whatever else is missing.
  for (const std::string& word : arguments) {
    if (word == "--") break;
    if (word == "-h" || word == "--help") {
      fmt::print("{}", help);
      return kDone;
    }
  }
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes a stack
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "rbbackup: {}\nTry 'rbbackup -h' or 'rbbackup COMMAND -h'.\n", error.what());
    return kUsage;
  }
  return std::nullopt;
}

namespace {

// realpath of `path`, or "" when it does not exist.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : "";
}

}  // namespace

std::string copy_path(const std::string& given) {
  std::error_code ignored;
  std::filesystem::path path = std::filesystem::absolute(given, ignored).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // a trailing slash
  // The longest parent that exists is resolved; what is gone on this machine keeps its written name.
  std::filesystem::path rest = path.filename();
  for (std::filesystem::path parent = path.parent_path();; parent = parent.parent_path()) {
    if (const std::string real = resolved(parent); !real.empty())
      return (std::filesystem::path(real) / rest).string();
    if (parent == parent.root_path()) return path.string();
    rest = parent.filename() / rest;
  }
}

int report(Terminal& terminal, const Error& error) {
  terminal.error(error.message);
  return exit_status_of(error);
}

}  // namespace rb::cli
