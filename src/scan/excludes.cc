#include "scan/excludes.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/unique_fd.h"
#include "scan/glob.h"

namespace rb {

namespace {

// Far more than anybody writes by hand; keeps a mistaken --exclude-from /dev/zero from taking the memory.
constexpr std::size_t kMaxPatternFileBytes = 16 << 20;

// Reads to the end, so that it works with pipes as well.
Result<std::string> read_text(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("opening {}", path), errno);
  std::string out;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(fmt::format("reading {}", path), errno);
    if (n == 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > kMaxPatternFileBytes) {
      return fail(Errc::invalid_argument, fmt::format("{} is too long for a list of patterns", path));
    }
  }
}

// Paths have no such components, so a pattern with one could only be a mistake that silently excludes
// nothing.
const char* wrong_component(std::string_view glob) {
  for (std::size_t at = 0; at <= glob.size();) {
    const std::size_t end = std::min(glob.find('/', at), glob.size());
    const std::string_view component = glob.substr(at, end - at);
    if (component.empty()) return "a component between two '/' is empty";
    if (component == "." || component == "..") return "'.' and '..' are no components of a path";
    at = end + 1;
  }
  return nullptr;
}

}  // namespace

Result<Excludes::Pattern> Excludes::parse(std::string_view text) {
  Pattern out;
  if (text.starts_with('!')) {
    out.negated = true;
    text.remove_prefix(1);
  }
  if (text.size() > 1 && text.ends_with('/')) {
    out.directory_only = true;
    text.remove_suffix(1);
  }
  const bool absolute = text.starts_with('/');
  out.of_path = text.find('/') != std::string_view::npos;
  if (absolute) text.remove_prefix(1);
  if (text.empty()) return fail(Errc::invalid_argument, "it names nothing");
  RB_TRY(check_glob(text));
  if (const char* wrong = wrong_component(text)) return fail(Errc::invalid_argument, wrong);
  out.glob = out.of_path && !absolute ? fmt::format("**/{}", text) : std::string(text);
  out.literal = is_literal_glob(out.glob);
  return out;
}

Status Excludes::add(std::string_view pattern) {
  Result<Pattern> parsed = parse(pattern);
  if (!parsed) return std::unexpected(parsed.error().with(fmt::format("exclude pattern \"{}\"", pattern)));
  patterns_.push_back(std::move(*parsed));
  texts_.emplace_back(pattern);
  return {};
}

Status Excludes::add_from_file(const std::string& path) {
  RB_TRY(const std::string text, read_text(path));
  std::size_t number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);  // written on another system
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;
    if (const Status added = add(line); !added) {
      return std::unexpected(added.error().with(fmt::format("{}, line {}", path, number)));
    }
  }
  return {};
}

bool Excludes::matches(std::string_view path, std::string_view name, bool is_directory) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  for (auto p = patterns_.rbegin(); p != patterns_.rend(); ++p) {
    if (p->directory_only && !is_directory) continue;
    const std::string_view text = p->of_path ? path : name;
    if (p->literal ? text == p->glob : glob_matches(p->glob, text)) return !p->negated;
  }
  return false;
}

}  // namespace rb
