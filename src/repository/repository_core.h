// The parts of an open repository, put together. Shared by its stores and sessions, so that they may outlive
// the LocalRepository; the lock is released with the last of them.
#pragma once

#include <memory>

#include "repository/block_writer.h"
#include "repository/local_repository.h"
#include "repository/node_book.h"
#include "repository/recovery.h"
#include "repository/repository_directory.h"
#include "repository/retention_state.h"
#include "repository/sightings.h"
#include "repository/snapshot_reader.h"
#include "repository/space_guard.h"

namespace rb {

class RepositoryCore {
 public:
  static Result<std::shared_ptr<RepositoryCore>> open(const std::string& directory,
                                                      RepositoryOptions options);
  ~RepositoryCore();

  // After it returned nothing of the sessions open before is accepted any more.
  void fence_sessions();
  void fence_node(std::uint32_t node);  // the same, for one node
  Quota quota_of(const std::string& node_name) const;
  void set_quotas(const Quota& standard, std::map<std::string, Quota> by_node);
  std::uint32_t owner_uid() const { return owner_uid_; }

  const RepositoryDirectory& directory() const { return directory_; }
  const RepositoryReport& report() const { return report_; }
  const Clock& clock() const { return *clock_; }
  PackStore& packs() { return *packs_; }
  Journal& journal() { return *journal_; }
  ObjectIndex& index() { return *index_; }
  NodeBook& book() { return *book_; }
  ClaimTable& claims() { return claims_; }
  SessionList& sessions() { return sessions_; }
  Sightings& sightings() { return sightings_; }
  SnapshotReader& snapshots() { return *snapshots_; }
  BlockWriter& writer() { return *writer_; }
  SpaceGuard& space() { return *space_; }
  // Empty: it can be written.
  std::string read_only_reason();
  Quarantine& quarantine() { return *quarantine_; }
  FileSystem& file_system() { return *file_system_; }
  Catalog& catalog() { return *catalog_; }
  CollectionGate& gate() { return gate_; }
  RetentionState& retention() { return retention_; }

 private:
  explicit RepositoryCore(RepositoryOptions options);
  Status open_parts(const std::string& directory);
  Status check_journal_is_there() const;
  Status open_catalog();
  Status check_no_entry_is_lost();
  Status recover();
  Status recover_without_catalog();
  Status count_what_is_there();
  void want_again(const std::vector<DomainKey>& missing);
  RecoveryContext recovery_context();
  Result<bool> catalog_fits();

  const RepositoryOptions options_;
  std::unique_ptr<FileSystem> own_file_system_;
  FileSystem* file_system_;
  SystemClock system_clock_;
  const Clock* clock_;
  mutable std::mutex quotas_mutex_;
  RetentionState retention_;
  Quota standard_quota_;
  std::map<std::string, Quota> node_quotas_;
  RepositoryDirectory directory_;
  std::uint32_t owner_uid_ = 0;
  RepositoryReport report_;
  std::unique_ptr<SpaceGuard> space_;
  std::unique_ptr<PackStore> packs_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Quarantine> quarantine_;
  std::unique_ptr<ObjectIndex> index_;
  std::unique_ptr<NodeBook> book_;
  CollectionGate gate_;
  ClaimTable claims_;
  SessionList sessions_;
  Sightings sightings_;
  std::unique_ptr<SnapshotReader> snapshots_;
  std::unique_ptr<BlockWriter> writer_;
};

}  // namespace rb
