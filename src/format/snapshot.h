// A snapshot: one root tree, and what the run that made it has to say. The root page holds exactly one entry
// with an empty name: the directory "/". Received time and sequence are the server's and stand in its
// journal, not here.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "format/object.h"

namespace rb {

// A path that was backed up, and how its last complete run went. Sorted by path, no path twice.
struct Source {
  std::string path;            // absolute, raw bytes
  Timestamp completed;         // client time at the end of the last complete run of this path
  bool recursive = false;      // -r
  bool deleting = false;       // -d
  std::uint64_t warnings = 0;  // files that could not be read, changed while being read ... in that run
  std::uint64_t files = 0;     // what that run saw of the path, directories not counted
  std::uint64_t bytes = 0;     // of the regular ones among them, holes included
  std::uint64_t device = 0;    // a stable identity of the file system PATH was on (scan/mounts.h); 0 unknown
  std::vector<std::string> excludes;
  bool operator==(const Source&) const = default;
};

// What the run that made this snapshot saw and did.
struct SnapshotCounts {
  std::uint64_t created = 0, changed = 0, unchanged = 0, removed = 0, failed = 0;
  std::uint64_t bytes_read = 0, bytes_new = 0, bytes_sent = 0;
  bool operator==(const SnapshotCounts&) const = default;
};

struct Snapshot {
  ObjectId root;  // a tree page with the one entry "/"
  Timestamp client_time;
  std::string host;  // a label for people
  std::string client_version;
  std::vector<Source> sources;
  SnapshotCounts counts;
  std::vector<std::string> warnings;  // at most kMaxSnapshotWarnings, the first ones; for people
  bool merged = false;                // the commit merged with another run's
  bool operator==(const Snapshot&) const = default;
};

inline constexpr std::size_t kMaxSnapshotWarnings = 100;
inline constexpr std::size_t kMaxWarningBytes = 4096;  // of each
inline constexpr std::size_t kMaxSources = 4096;
inline constexpr std::size_t kMaxExcludes = 65536;  // of all sources together
inline constexpr std::size_t kMaxLabelBytes = 255;  // host and client_version

// Whether it can be stored: lengths, order and form of the sources. Says what is wrong.
Status check_snapshot(const Snapshot& snapshot);

// Requires: check_snapshot(snapshot). Warnings beyond the maximum number are left out, longer ones are cut
// short.
Object encode_snapshot(const Snapshot& snapshot);
Result<Snapshot> decode_snapshot(std::span<const ObjectId> refs, ByteView payload);

}  // namespace rb
