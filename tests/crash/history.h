// What a few nodes did with a server, and what the server has promised them. A value: a copy of it goes on
// where the original was. Whatever was asked for and not answered is in doubt, and may have happened or not.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "crash/machine.h"

namespace rb::test {

using FileContents = std::map<std::string, std::string>;  // by path

enum class Standing : std::uint8_t { kept, deleted, in_doubt };

struct PromisedSnapshot {
  std::uint64_t sequence = 0;
  std::shared_ptr<const FileContents> files;
  Standing standing = Standing::kept;
  bool pinned = false;
};

struct NodePromises {
  std::string name, group;
  Credential credential;
  bool may_come_in = false;  // joined, and not removed since
  bool in_doubt = false;     // whether it may
  std::vector<Credential> revoked;
  FileContents files;  // as they are on the node now
  std::map<SnapshotId, PromisedSnapshot> snapshots;
  std::vector<std::shared_ptr<const FileContents>> unanswered;  // of commits
};

// Counts what the server was made to do, so that a history that leaves something out is noticed.
struct Deeds {
  std::uint64_t commits = 0, pruned = 0, undeleted = 0, rows_freed = 0, packs_unlinked = 0, bytes_copied = 0,
                sectors_corrected = 0, rebuilds = 0;
};

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {}

  const std::vector<NodePromises>& nodes() const { return nodes_; }
  const Deeds& deeds() const { return deeds_; }
  std::uint64_t draw() { return random_(); }

  // Each ends at the first error, as a client or an administrator does.
  Status join(Machine& machine, const std::string& name, const std::string& group = "");
  Status join_again(Machine& machine, const std::string& name);
  Status remove(Machine& machine, const std::string& name);
  // Every node that may come in backs up, after some changes if wanted.
  Status back_up_all(Machine& machine);
  Status back_up_unchanged(Machine& machine);
  // Uploads something, and goes.
  Status abort_a_backup(Machine& machine, const std::string& name);
  Status prune(Machine& machine);
  Status pin_oldest(Machine& machine, const std::string& name, bool pinned);
  Status undelete(Machine& machine, const std::string& name);
  Status collect(Machine& machine);
  Status look_after_packs(Machine& machine);
  Status rebuild(Machine& machine);

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  NodePromises& node(const std::string& name);
  std::string content();
  void churn(NodePromises& node);
  Status back_up(Machine& machine, NodePromises& node);
  Status admit(Machine& machine, NodePromises& node);

  std::mt19937_64 random_;
  std::vector<NodePromises> nodes_;
  int last_file_ = 0;
  Deeds deeds_;
};

// The node's store, by its credential.
Result<std::unique_ptr<Store>> store_of(Machine& machine, const NodePromises& node);

}  // namespace rb::test
