// Which paths a run leaves out: --exclude, --exclude-from, --exclude-caches.
//
// A pattern without '/' matches a name at any depth; one with '/' matches the path from its root: absolute patterns
// from "/", others at any depth below a directory boundary. `*` and `?` do not match '/', `**` does, `[...]` is a set,
// `\` quotes. A trailing '/' matches directories only. A leading '!' takes an earlier match back; the last match wins.
// Lines of a file: blank ones and those that begin with '#' are skipped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rb {

class Excludes {
 public:
  Status add(std::string_view pattern);
  Status add_from_file(const std::string& path);
  // `path` is absolute. Cheap when there are no patterns.
  bool matches(std::string_view path, std::string_view name, bool is_directory) const;
  bool empty() const { return patterns_.empty(); }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  struct Pattern {
    std::string glob;
    bool negated = false, directory_only = false, anchored = false, has_slash = false;
  };
  std::vector<Pattern> patterns_;
  std::vector<std::string> texts_;
};

// Whether a directory holds a CACHEDIR.TAG with the signature of https://bford.info/cachedir/.
bool is_tagged_cache(int directory_fd);
// Whether a directory is a repository of ours (format/repository_format.h).
bool is_repository(int directory_fd);
// /proc, /sys, cgroup, debugfs, tracefs ...: decided by statfs's f_type, never by name.
bool is_pseudo_file_system(int directory_fd);

}  // namespace rb
