// A repository in a directory of this machine: packs, journal and catalog together, and the sessions that
// work on them. Holds the directory's lock as long as it lives. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "repository/quota.h"
#include "repository/retention_settings.h"
#include "repository/space_guard.h"
#include "store/history_keeper.h"
#include "store/node_registry.h"

namespace rb {

class Catalog;         // repository/catalog.h
class RepositoryCore;  // repository/repository_core.h

struct RepositoryOptions {
  FileSystem* file_system = nullptr;  // null: the real one
  const Clock* clock = nullptr;       // null: the real one
  std::size_t max_sessions = 1000;
  std::size_t max_sessions_per_node = 64;
  Quota default_quota;
  std::map<std::string, Quota> node_quotas;  // by the node's name, instead of the default
  RetentionSettings retention;
  SpaceLimits space;
  std::uint64_t pack_bytes_max = 128ull << 20;
  std::size_t index_table_rows = 32768;  // objects kept in memory before they move to the catalog
  // Null: RocksDB in DIR/catalog. Tests with a fake file system give one in memory.
  std::function<Result<std::unique_ptr<Catalog>>()> make_catalog;
  bool take_lock = true;  // off only with a fake file system
};

// Who calls: settled by the transport, never by what the client says.
struct LocalUser {
  std::uint32_t uid = 0;
  std::string name;
};

struct RepositoryReport {  // what opening found, for the operator
  bool created = false;
  bool catalog_rebuilt = false;
  std::uint64_t records_applied = 0, skipped_bytes = 0;
  std::uint64_t incomplete_objects = 0;  // refer to something that is lost; can be read, and sent anew
  double seconds = 0;
  // What is there now; counted only where the catalog was made anew.
  std::uint64_t nodes = 0, snapshots = 0, objects = 0, pack_bytes = 0;
  std::uint64_t damaged_snapshots = 0;  // of these; something beneath them is lost, or all of it
};

struct RepositoryState {  // of everything, now
  std::uint64_t object_count = 0;
  std::uint64_t stored_bytes = 0;  // of all packs
  std::string read_only_reason;    // empty: it can be written
};

class LocalRepository {
 public:
  // Creates the repository when `directory` is missing or empty; refuses one that holds something else, one
  // that another process serves (Errc::denied, naming it), and formats it does not know. At start the tails
  // of packs and journal are applied to the catalog; a missing, damaged or foreign catalog is rebuilt from
  // them.
  static Result<std::unique_ptr<LocalRepository>> open(const std::string& directory,
                                                       RepositoryOptions options);
  virtual ~LocalRepository() = default;

  // Nodes, credentials and invitations. Lives as long as the repository.
  virtual NodeRegistry& registry() = 0;
  // What becomes of their histories. Lives as long as the repository.
  virtual HistoryKeeper& history() = 0;

  // Who this user is here. Root and the user who owns the repository are the host's node, and administrators;
  // every other user gets a node of their own, bound to uid and name, enrolled at first use. Errc::denied for
  // the overflow uid, and for a user whose node was removed.
  virtual Result<Caller> caller_of(const LocalUser& user) = 0;
  // The store as this caller's node sees it. Whether the caller may still use it is decided at each begin: a
  // node that was removed, or whose credential was revoked, gets Errc::denied there.
  virtual Result<std::unique_ptr<Store>> store_for(const Caller& caller) = 0;
  virtual Result<std::unique_ptr<Store>> store_for(const LocalUser& user) = 0;  // of caller_of(user)

  // Instead of those of the options; sessions that have begun keep theirs.
  virtual void set_quotas(const Quota& standard, std::map<std::string, Quota> by_node) = 0;
  virtual void set_retention(RetentionSettings settings) = 0;

  virtual const RepositoryReport& report() const = 0;
  virtual RepositoryState state() const = 0;
  virtual std::size_t open_sessions() const = 0;
  // Ends every session at whatever point it is: from the return on, nothing of theirs is accepted, and each
  // is told Errc::fenced. Harmless at any moment.
  virtual void fence_sessions() = 0;
  virtual RepositoryId id() const = 0;
  // The parts, for what is built on all of them: collecting, checking. Lives as long as the repository.
  virtual RepositoryCore& core() = 0;
};

}  // namespace rb
