#include "cli/path_report.h"

#include <fmt/format.h>

#include "cli/json_values.h"
#include "cli/text.h"

namespace rb::cli {

void report_path(Terminal& terminal, PathMatter matter, const std::string& path, const std::string& what) {
  const bool failure = matter == PathMatter::failure;
  if (terminal.json()) {
    nlohmann::json line = {{"type", failure ? "failure" : "warning"}, {"message", what}};
    set_path(line, path);
    terminal.object(line);
  }
  const std::string text = path.empty() ? what : fmt::format("{}: {}", printable(path), what);
  failure ? terminal.error(text) : terminal.note(text);
}

}  // namespace rb::cli
