// A few nodes with a history in a repository that was just made, what each of their snapshots holds, and
// whether it is still what can be read. For tests that damage the repository afterwards.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "check/pack_keeper.h"
#include "check/structure_check.h"
#include "repository/repository_core.h"
#include "support/stored_tree.h"

namespace rb::test {

inline constexpr unsigned kSoakParityPercent = 5;

// Path to content.
using FileContents = std::map<std::string, std::string>;

// What came of reading everything.
struct Reading {
  std::size_t whole = 0;       // snapshots that are to the byte what was backed up
  std::size_t unreadable = 0;  // are listed, and something of them can't be read
  std::size_t absent = 0;      // were acknowledged, and are not listed
  std::size_t returned = 0;    // were pruned, and are listed
  std::string wrong;           // not empty: something was given that was never backed up
  std::string first_error;
};

class SmallHistory {
 public:
  explicit SmallHistory(std::uint64_t seed) : random_(seed) {}

  void join(LocalRepository& repository, const std::string& name, const std::string& group = "");
  // Every node backs up once, after some changes.
  void live_through_a_day(LocalRepository& repository);
  // The same trees once more: of what was lost, what is in them comes again.
  void back_up_all(LocalRepository& repository);
  // From now on the history is what is listed now.
  void forget_pruned(LocalRepository& repository);

  std::size_t snapshots() const;
  Reading read(LocalRepository& repository) const;
  // Of each node the newest snapshot only.
  Reading read_heads(LocalRepository& repository) const;

 private:
  struct Snapshot {
    SnapshotInfo info;
    std::shared_ptr<const FileContents> files;
  };
  struct Node {
    std::string name;
    Credential credential;
    FileContents files;
    std::vector<Snapshot> history;  // oldest first
    std::set<SnapshotId> pruned;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::string content();
  void churn(Node& node);
  static std::unique_ptr<Store> store_of(LocalRepository& repository, const Node& node);
  static void back_up(LocalRepository& repository, Node& node);
  static void read_node(LocalRepository& repository, const Node& node, bool only_head, Reading& reading);
  Reading read(LocalRepository& repository, bool only_head) const;

  std::mt19937_64 random_;
  std::vector<Node> nodes_;
  int last_file_ = 0;
};

// Everything there is to check: structure and contents.
struct FullCheck {
  Status done;
  std::uint64_t damage = 0;
  std::uint64_t packs_corrected = 0, sectors_corrected = 0, parities_made = 0;
  std::string text;  // of all findings
};
FullCheck check_everything(LocalRepository& repository, PackKeeper& keeper, const std::string& log_path);

}  // namespace rb::test
