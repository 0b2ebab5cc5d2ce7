// Which paths a run leaves out: --exclude, --exclude-from, --exclude-caches.
//
// A pattern without '/' matches a name at any depth; one with '/' matches the path from its root: absolute
// patterns from "/", others at any depth below a directory boundary. `*` and `?` do not match '/', `**` does,
// `[...]` is a set,
// `\` quotes; all of them over bytes (scan/glob.h). A trailing '/' matches directories only. A leading '!'
// takes an earlier match back; the last match wins. Lines of a file: blank ones and those that begin with '#'
// are skipped; "\#" and "\!" begin a name with those bytes. What lies beneath an excluded directory is not
// looked at, so no pattern can take it back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rb {

class Excludes {
 public:
  // Errc::invalid_argument for a pattern that can't mean anything, naming it. Nothing is added then.
  Status add(std::string_view pattern);
  // The same, naming the line as well; the lines before it were added.
  Status add_from_file(const std::string& path);
  // `path` is absolute. Cheap when there are no patterns.
  bool matches(std::string_view path, std::string_view name, bool is_directory) const;
  bool empty() const { return patterns_.empty(); }
  // The patterns as given, in order.
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  struct Pattern {
    std::string glob;  // over the name, or over the path without its first '/'
    bool negated = false, directory_only = false, of_path = false, literal = false;
  };
  static Result<Pattern> parse(std::string_view text);
  std::vector<Pattern> patterns_;
  std::vector<std::string> texts_;
};

// Whether a directory holds a CACHEDIR.TAG with the signature of https://bford.info/cachedir/.
bool is_tagged_cache(int directory_fd);
// Whether a directory is a repository of ours (format/repository_format.h).
bool is_repository(int directory_fd);
// /proc, /sys, cgroup, debugfs, tracefs ...: decided by statfs's f_type, never by name. tmpfs is not: it
// holds what people put there. devtmpfs (/dev) calls itself tmpfs and can't be told from it; its nodes cost
// nearly nothing.
bool is_pseudo_file_system(int directory_fd);

}  // namespace rb
