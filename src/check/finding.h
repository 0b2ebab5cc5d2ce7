// What looking through a repository brought to light, in words for whoever has to act on it.
#pragma once

#include <string>
#include <vector>

namespace rb {

enum class FindingKind : std::uint8_t {
  corrected = 1,   // was damaged, and is whole again
  damaged = 2,     // contents are lost until a backup brings them again
  incomplete = 3,  // a snapshot, or an object, refers to something that is not there
  catalog = 4,     // the catalog says what the packs or the journal don't
  spare = 5,       // parity or another spare part is missing or damaged, and nothing else
  unreadable = 6,  // a file could not be looked at
};
std::string_view to_string(FindingKind kind);

// Whether somebody's files are affected, or may be.
inline bool is_damage(FindingKind kind) {
  return kind != FindingKind::corrected && kind != FindingKind::spare;
}

inline constexpr char kRebuildAdvice[] =
    "stop the server, delete the directory 'catalog' and start it: the catalog is made anew from packs and "
    "journal";

struct Finding {
  FindingKind kind = FindingKind::damaged;
  std::string where;  // a file and an offset, or an object, or a snapshot
  std::string what;
  std::string advice;
  std::vector<std::string> affected;  // "NODE SNAPSHOT PATH", some of them
  bool operator==(const Finding&) const = default;
};

// Listed in full: of more only the number is known.
inline constexpr std::size_t kFindingsMax = 1000;

// The first kFindingsMax, and how many there were. Not thread-safe.
struct Findings {
  std::vector<Finding> list;
  std::uint64_t count = 0;
  std::uint64_t damage_count = 0;

  void add(Finding finding);
  void add_all(Findings others);
};

}  // namespace rb
