#include "backup/source_plan.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/run_monitor.h"

namespace rb {

namespace {

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return fail_errno(path, errno);
  return std::string(real.get());
}

struct Split {
  std::string parent, name;
};

// "a/b/" -> "a", "b". A last component that names no entry of its own ("/", ".", "..") gives an empty name.
Split split_last(std::string path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  const std::size_t slash = path.rfind('/');
  Split split;
  split.parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  split.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (split.name.empty() || split.name == "." || split.name == "..") return {.parent = path, .name = ""};
  return split;
}

// The real path as far as it exists, and the rest as it was written: for a path that is gone with its
// parents.
std::string place_of_gone(const std::string& path) {
  const Split split = split_last(path);
  if (split.name.empty()) return path;
  const auto parent = real_path(split.parent);
  if (parent) return join_name(*parent, split.name);
  if (split.parent == "/" || split.parent == ".") return path;
  return join_name(place_of_gone(split.parent), split.name);
}

EntryType type_of(mode_t mode) {
  return S_ISDIR(mode) ? EntryType::directory : S_ISLNK(mode) ? EntryType::symlink : EntryType::file;
}

// Where the path is stored, and what stands there.
Result<PlannedSource> resolve(const std::string& given, std::vector<std::string>& notices) {
  const Split split = split_last(given);
  RB_TRY(std::string path, real_path(split.parent));
  if (!split.name.empty()) path = join_name(path, split.name);
  struct stat st;
  if (::lstat(path.c_str(), &st) != 0) return fail_errno(given, errno);
  if (S_ISLNK(st.st_mode)) {
    struct stat target;
    if (::stat(path.c_str(), &target) == 0 && S_ISDIR(target.st_mode)) {
      RB_TRY(std::string followed, real_path(path));
      notices.push_back(fmt::format("{} is a symbolic link: backing up {}", given, followed));
      path = std::move(followed);
      st = target;
    }
  }
  PlannedSource source;
  RB_TRY(source.components, split_path(path));
  source.path = std::move(path);
  source.type = type_of(st.st_mode);
  source.device = st.st_dev;
  return source;
}

// -rd on a path that is gone: with --force it leaves the copy.
Result<PlannedSource> plan_gone(const std::string& given) {
  PlannedSource source;
  std::string place = given;
  if (!place.starts_with('/')) {
    RB_TRY(const std::string here, real_path("."));
    place = join_name(here, place);
  }
  source.path = place_of_gone(place);
  RB_TRY(source.components, split_path(source.path));
  source.path = join_path(source.components);
  source.gone = true;
  return source;
}

bool is_within(const PathComponents& inner, const PathComponents& outer) {
  return inner.size() >= outer.size() && std::equal(outer.begin(), outer.end(), inner.begin());
}

// Whether a run of `outer` takes `inner` along.
bool covers(const PlannedSource& outer, const PlannedSource& inner, const BackupOptions& options) {
  if (!is_within(inner.components, outer.components)) return false;
  if (inner.components.size() == outer.components.size()) return true;
  if (outer.gone) return true;
  if (outer.type != EntryType::directory || inner.gone) return false;
  // -x would leave it out, but it was asked for by name.
  if (options.one_file_system && inner.device != outer.device) return false;
  if (options.recursive) return true;
  return inner.type != EntryType::directory && inner.components.size() == outer.components.size() + 1;
}

void collapse(std::vector<PlannedSource>& sources, const BackupOptions& options) {
  std::sort(sources.begin(), sources.end(),
            [](const PlannedSource& a, const PlannedSource& b) { return a.components < b.components; });
  std::vector<PlannedSource> kept;
  for (PlannedSource& source : sources) {
    const bool covered = std::any_of(
        kept.begin(), kept.end(), [&](const PlannedSource& other) { return covers(other, source, options); });
    if (!covered) kept.push_back(std::move(source));
  }
  sources = std::move(kept);
}

}  // namespace

Result<SourcePlan> plan_sources(const BackupOptions& options) {
  SourcePlan plan;
  const bool deleting = options.recursive && options.remove_absent;
  for (const std::string& given : options.paths) {
    if (given.empty()) {
      plan.missing.push_back({given, Error(Errc::not_found, "an empty path")});
      continue;
    }
    auto source = resolve(given, plan.notices);
    if (source) {
      plan.sources.push_back(std::move(*source));
      continue;
    }
    Error error = source.error();
    if (error.code == Errc::not_found && deleting) {
      if (options.force) {
        RB_TRY(PlannedSource gone, plan_gone(given));
        plan.sources.push_back(std::move(gone));
        continue;
      }
      error.message += " (to remove it from the copy, repeat with --force)";
    }
    plan.missing.push_back({given, std::move(error)});
  }
  if (plan.sources.empty()) return std::unexpected(plan.missing.front().error);
  collapse(plan.sources, options);
  return plan;
}

}  // namespace rb
