#include "repository/rocks_catalog.h"

#include <filesystem>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "base/log.h"
#include "repository/catalog_codec.h"
#include "repository/catalog_keys.h"
#include "repository/id_order.h"
#include "repository/rocks_batch.h"
#include "repository/rocks_load.h"

namespace rb {

namespace {

// Together with two memtables this bounds what the index takes of the server's memory (256 MiB in all),
// whatever the number of objects; index and filter blocks live in the cache too.
constexpr std::size_t kBlockCacheBytes = 32 << 20;
// Four shards: of many small ones, which is what is made without this, each is too small for a filter or an
// index of a whole file, and it is read from the file again at every look-up.
constexpr int kCacheShardBits = 2;
// Filters and indexes come in pieces, so that what a look-up needs of them is read and kept, whether all of
// them fit the cache (that of 15 million objects) or not.
constexpr std::size_t kIndexPieceBytes = 4096;
constexpr std::size_t kMemtableBytes = 16 << 20;
constexpr int kMaxMemtables = 2;
constexpr int kBloomBitsPerKey = 10;
constexpr std::size_t kTableBytes = 1;       // a key begins with the kind of its row
constexpr double kMemtableBloomRatio = 0.1;  // a miss is the common case of a first backup

rocksdb::Options make_options() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes, kCacheShardBits);
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = kIndexPieceBytes;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.format_version = 5;

  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = kMemtableBytes;
  options.max_write_buffer_number = kMaxMemtables;
  options.memtable_prefix_bloom_size_ratio = kMemtableBloomRatio;
  options.memtable_whole_key_filtering = true;
  // Rows of one kind come sorted: each is looked for from where the one before went.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kTableBytes));
  options.max_open_files = 256;
  options.max_background_jobs = 2;
  options.compression = rocksdb::kNoCompression;  // ids are random
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// For readings of everything: they leave the cache to those who look things up.
rocksdb::ReadOptions scan_options() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  return options;
}

class RocksCatalog final : public Catalog {
 public:
  RocksCatalog(std::string directory, std::unique_ptr<rocksdb::DB> db)
      : directory_(std::move(directory)), db_(std::move(db)) {}

  Result<CatalogState> state() override;
  Result<std::map<std::uint32_t, std::uint64_t>> object_counts() override;
  Result<std::map<std::uint32_t, std::uint64_t>> stored_bytes() override;
  Result<std::vector<CatalogNode>> nodes() override;
  Result<std::vector<DomainRecord>> domains() override;
  Result<std::vector<CatalogCredential>> credentials() override;
  Result<std::vector<CatalogInvitation>> invitations() override;
  Result<std::vector<CatalogSnapshotMark>> snapshot_marks() override;
  Result<std::vector<std::uint64_t>> packs() override;
  Result<std::vector<CatalogPack>> pack_rows() override;
  Result<std::vector<std::optional<ObjectRow>>> find(std::uint32_t domain,
                                                     std::span<const ObjectId> ids) override;
  Result<std::vector<ObjectNumber>> children(ObjectNumber number) override;
  Result<std::shared_ptr<const DeadSet>> dead_set() override;
  Result<std::vector<ObjectNumber>> begins() override;
  Status visit_objects(std::uint32_t domain, const std::optional<ObjectId>& after, std::size_t limit,
                       const ObjectVisitor& visit) override;
  Status visit_children(ObjectNumber below, std::size_t limit, const ChildrenVisitor& visit) override;
  Status visit_commits(const CommitVisitor& visit) override;
  Result<std::vector<SnapshotInfo>> snapshots(std::uint32_t node, std::uint64_t before_sequence,
                                              std::size_t limit) override;
  Result<std::uint64_t> snapshot_count(std::uint32_t node) override;
  Result<std::optional<CatalogCommit>> commit_at(const CatalogSnapshotKey& snapshot) override;
  Result<std::optional<SnapshotInfo>> commit_of(std::uint32_t node, const RunId& run) override;
  Result<std::optional<SnapshotInfo>> snapshot(std::uint32_t node, const SnapshotId& id) override;
  Status apply(const CatalogBatch& batch) override;
  Status load(const CatalogBatch& batch) override;
  Status end_load() override;
  Status persist() override;
  Status clear(const RepositoryId& repository) override;
  bool is_damaged() const override { return was_found_damaged(directory_); }

 private:
  Status for_each(const std::string& prefix, const RowVisitor& visit);
  Result<std::map<std::uint32_t, std::uint64_t>> numbers(const std::string& prefix);
  // The value, or nothing.
  Result<std::optional<std::string>> get(const std::string& key);
  Result<std::optional<SnapshotInfo>> snapshot_behind(std::uint32_t node, const std::string& key);
  Status write(rocksdb::WriteBatch& batch);

  const std::string directory_;
  std::unique_ptr<rocksdb::DB>
      db_;  // its methods are thread-safe; replaced only by clear(), before sessions exist
  std::optional<RocksLoad> load_;
};

Result<std::optional<std::string>> RocksCatalog::get(const std::string& key) {
  return get_row(*db_, key);
}

Status RocksCatalog::for_each(const std::string& prefix, const RowVisitor& visit) {
  return for_each_row(*db_, prefix, visit);
}

Result<CatalogState> RocksCatalog::state() {
  CatalogState state;
  RB_TRY(const auto identity, get(identity_key()));
  if (!identity) return state;
  RB_TRY(state.repository, decode_identity(as_bytes(*identity)));
  RB_TRY(const auto packs, get(pack_mark_key()));
  if (packs) {
    RB_TRY(state.packs, decode_pack_mark(as_bytes(*packs)));
  }
  RB_TRY(const auto counted, get(counted_mark_key()));
  if (counted) {
    RB_TRY(state.counted, decode_pack_mark(as_bytes(*counted)));
  }
  RB_TRY(const auto journal, get(journal_mark_key()));
  if (journal) {
    RB_TRY(state.journal, decode_journal_mark(as_bytes(*journal)));
  }
  RB_TRY(const auto number, get(next_number_key()));
  if (number) {
    RB_TRY(state.next_number, decode_count(as_bytes(*number)));
  }
  RB_TRY(const auto times, get(times_key()));
  if (times) {
    RB_TRY(state.times, decode_times(as_bytes(*times)));
  }
  return state;
}

Result<std::map<std::uint32_t, std::uint64_t>> RocksCatalog::numbers(const std::string& prefix) {
  std::map<std::uint32_t, std::uint64_t> found;
  const RowVisitor take = [&](std::string_view key, ByteView value) -> Status {
    RB_TRY(found[number32_of_key(key)], decode_count(value));
    return {};
  };
  RB_TRY(for_each(prefix, take));
  return found;
}

Result<std::map<std::uint32_t, std::uint64_t>> RocksCatalog::object_counts() {
  return numbers(object_count_prefix());
}

Result<std::map<std::uint32_t, std::uint64_t>> RocksCatalog::stored_bytes() {
  return numbers(stored_bytes_prefix());
}

Result<std::vector<CatalogNode>> RocksCatalog::nodes() {
  std::vector<CatalogNode> nodes;
  const RowVisitor take = [&](std::string_view key, ByteView value) -> Status {
    RB_TRY(CatalogNode node, decode_node_row(number32_of_key(key), value));
    nodes.push_back(std::move(node));
    return {};
  };
  RB_TRY(for_each(node_prefix(), take));
  return nodes;
}

Result<std::vector<DomainRecord>> RocksCatalog::domains() {
  std::vector<DomainRecord> domains;
  const RowVisitor take = [&](std::string_view key, ByteView value) -> Status {
    RB_TRY(DomainRecord domain, decode_domain_row(number32_of_key(key), value));
    domains.push_back(std::move(domain));
    return {};
  };
  RB_TRY(for_each(domain_prefix(), take));
  return domains;
}

Result<std::vector<CatalogCredential>> RocksCatalog::credentials() {
  std::vector<CatalogCredential> credentials;
  const RowVisitor take = [&](std::string_view, ByteView value) -> Status {
    RB_TRY(const CatalogCredential credential, decode_credential_row(value));
    credentials.push_back(credential);
    return {};
  };
  RB_TRY(for_each(credential_prefix(), take));
  return credentials;
}

Result<std::vector<CatalogInvitation>> RocksCatalog::invitations() {
  std::vector<CatalogInvitation> invitations;
  const RowVisitor take = [&](std::string_view, ByteView value) -> Status {
    RB_TRY(CatalogInvitation invitation, decode_invitation_row(value));
    invitations.push_back(std::move(invitation));
    return {};
  };
  RB_TRY(for_each(invitation_prefix(), take));
  return invitations;
}

Result<std::vector<CatalogSnapshotMark>> RocksCatalog::snapshot_marks() {
  std::vector<CatalogSnapshotMark> marks;
  const RowVisitor take = [&](std::string_view key, ByteView value) -> Status {
    RB_TRY(const CatalogSnapshotMark mark, decode_snapshot_mark_row(snapshot_of_key(key), value));
    marks.push_back(mark);
    return {};
  };
  RB_TRY(for_each(snapshot_mark_prefix(), take));
  return marks;
}

Result<std::vector<std::uint64_t>> RocksCatalog::packs() {
  std::vector<std::uint64_t> packs;
  const RowVisitor take = [&](std::string_view key, ByteView) -> Status {
    packs.push_back(number64_of_key(key));
    return {};
  };
  RB_TRY(for_each(pack_prefix(), take));
  return packs;
}

Result<std::vector<CatalogPack>> RocksCatalog::pack_rows() {
  std::vector<CatalogPack> packs;
  const RowVisitor take = [&](std::string_view key, ByteView value) -> Status {
    RB_TRY(CatalogPack pack, decode_pack_row(number64_of_key(key), value));
    packs.push_back(std::move(pack));
    return {};
  };
  RB_TRY(for_each(pack_prefix(), take));
  return packs;
}

Result<std::shared_ptr<const DeadSet>> RocksCatalog::dead_set() {
  RB_TRY(const auto limit, get(dead_limit_key()));
  if (!limit) return nullptr;
  auto dead = std::make_shared<DeadSet>();
  RB_TRY(dead->limit, decode_count(as_bytes(*limit)));
  const RowVisitor take = [&](std::string_view key, ByteView value) -> Status {
    RB_TRY(const NumberBitmap::Page page, decode_dead_page(value));
    dead->marked.add_page(number64_of_key(key), page);
    return {};
  };
  RB_TRY(for_each(dead_page_prefix(), take));
  return dead;
}

Result<std::vector<ObjectNumber>> RocksCatalog::begins() {
  RB_TRY(const auto value, get(begins_key()));
  if (!value) return std::vector<ObjectNumber>{};
  return decode_begins(as_bytes(*value));
}

Status RocksCatalog::visit_objects(std::uint32_t domain, const std::optional<ObjectId>& after,
                                   std::size_t limit, const ObjectVisitor& visit) {
  const std::string prefix = object_prefix(domain);
  const std::string last_seen = after ? object_key(domain, *after) : prefix;
  const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator(scan_options()));
  row->Seek(last_seen);
  if (after && row->Valid() && row->key() == last_seen) row->Next();
  for (std::size_t seen = 0; seen < limit && row->Valid() && row->key().starts_with(prefix); ++seen) {
    const auto id = object_id_of_key(row->key().ToStringView());
    if (!id) return fail(Errc::corrupt, "the catalog has an object with a strange key");
    RB_TRY(const ObjectRow object, decode_object_row(view(row->value())));
    RB_TRY(visit(*id, object));
    row->Next();
  }
  if (!row->status().ok()) return fail_rocks(*db_, "reading the catalog", row->status());
  return {};
}

Status RocksCatalog::visit_children(ObjectNumber below, std::size_t limit, const ChildrenVisitor& visit) {
  if (below == 0) return {};
  const std::string prefix = children_prefix();
  const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator(scan_options()));
  row->SeekForPrev(children_key(below - 1));
  for (std::size_t seen = 0; seen < limit && row->Valid() && row->key().starts_with(prefix); ++seen) {
    RB_TRY(auto children, decode_children(view(row->value())));
    RB_TRY(visit(number64_of_key(row->key().ToStringView()), std::move(children)));
    row->Prev();
  }
  if (!row->status().ok()) return fail_rocks(*db_, "reading the catalog", row->status());
  return {};
}

Status RocksCatalog::visit_commits(const CommitVisitor& visit) {
  return for_each(all_snapshots_prefix(), [&](std::string_view key, ByteView value) -> Status {
    RB_TRY(const CatalogCommit commit, decode_commit_row(snapshot_of_key(key).node, value));
    return visit(commit);
  });
}

Result<std::vector<std::optional<ObjectRow>>> RocksCatalog::find(std::uint32_t domain,
                                                                 std::span<const ObjectId> ids) {
  std::vector<std::optional<ObjectRow>> rows(ids.size());
  if (ids.empty()) return rows;
  // One string of all keys, in their order: RocksDB would sort them through its comparator.
  const std::vector<std::uint32_t> order = order_of(ids);
  const std::size_t key_bytes = object_key(domain, ids.front()).size();
  std::string keys;
  keys.reserve(ids.size() * key_bytes);
  for (const std::uint32_t i : order)
    keys += object_key(domain, ids[i]);
  std::vector<rocksdb::Slice> slices;
  slices.reserve(ids.size());
  for (std::size_t k = 0; k < ids.size(); ++k)
    slices.emplace_back(keys.data() + k * key_bytes, key_bytes);
  std::vector<rocksdb::PinnableSlice> values(ids.size());
  std::vector<rocksdb::Status> statuses(ids.size());
  constexpr bool kAreSorted = true;
  db_->MultiGet({}, db_->DefaultColumnFamily(), ids.size(), slices.data(), values.data(), statuses.data(),
                kAreSorted);
  for (std::size_t k = 0; k < ids.size(); ++k) {
    if (statuses[k].IsNotFound()) continue;
    if (!statuses[k].ok()) return fail_rocks(*db_, "looking up objects", statuses[k]);
    RB_TRY(rows[order[k]], decode_object_row(view(values[k])));
  }
  return rows;
}

Result<std::vector<ObjectNumber>> RocksCatalog::children(ObjectNumber number) {
  RB_TRY(const auto value, get(children_key(number)));
  if (!value) return std::vector<ObjectNumber>{};
  return decode_children(as_bytes(*value));
}

Result<std::vector<SnapshotInfo>> RocksCatalog::snapshots(std::uint32_t node, std::uint64_t before_sequence,
                                                          std::size_t limit) {
  std::vector<SnapshotInfo> found;
  const std::string prefix = snapshot_prefix(node);
  if (before_sequence == 0) return found;
  const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}));
  row->SeekForPrev(snapshot_key(node, before_sequence - 1));
  for (; found.size() < limit && row->Valid() && row->key().starts_with(prefix); row->Prev()) {
    RB_TRY(const SnapshotInfo info, decode_snapshot_row(view(row->value())));
    found.push_back(info);
  }
  if (!row->status().ok()) return fail_rocks(*db_, "reading the history", row->status());
  return found;
}

Result<std::uint64_t> RocksCatalog::snapshot_count(std::uint32_t node) {
  std::uint64_t count = 0;
  const RowVisitor take = [&](std::string_view, ByteView) -> Status {
    ++count;
    return {};
  };
  RB_TRY(for_each(snapshot_prefix(node), take));
  return count;
}

Result<std::optional<SnapshotInfo>> RocksCatalog::snapshot_behind(std::uint32_t node,
                                                                  const std::string& key) {
  RB_TRY(const auto sequence, get(key));
  if (!sequence) return std::nullopt;
  RB_TRY(const std::uint64_t number, decode_count(as_bytes(*sequence)));
  RB_TRY(const auto row, get(snapshot_key(node, number)));
  if (!row) return fail(Errc::corrupt, "the catalog lacks a snapshot that it names");
  return decode_snapshot_row(as_bytes(*row));
}

Result<std::optional<CatalogCommit>> RocksCatalog::commit_at(const CatalogSnapshotKey& snapshot) {
  RB_TRY(const auto row, get(snapshot_key(snapshot.node, snapshot.sequence)));
  if (!row) return std::nullopt;
  RB_TRY(const CatalogCommit commit, decode_commit_row(snapshot.node, as_bytes(*row)));
  return commit;
}

Result<std::optional<SnapshotInfo>> RocksCatalog::commit_of(std::uint32_t node, const RunId& run) {
  return snapshot_behind(node, run_key(node, run));
}

Result<std::optional<SnapshotInfo>> RocksCatalog::snapshot(std::uint32_t node, const SnapshotId& id) {
  return snapshot_behind(node, snapshot_id_key(node, id));
}

// One column family and no log of its own: memtables are flushed in order and a batch is never split between
// two, so what is on disk after a crash is always the effect of the first n batches.
Status RocksCatalog::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  rocksdb::Status status = db_->Write(options, &batch);
  if (!status.ok() && db_->Resume().ok())
    status = db_->Write(options, &batch);  // a full disk may have room again
  if (!status.ok()) return fail_rocks(*db_, "writing to the catalog", status);
  return {};
}

Status RocksCatalog::apply(const CatalogBatch& batch) {
  RB_TRY(const auto rows, make_write_batch(*db_, batch));
  return write(*rows);
}

Status RocksCatalog::load(const CatalogBatch& batch) {
  if (!load_) load_.emplace(*db_, make_options());
  return load_->add(batch);
}

Status RocksCatalog::end_load() {
  if (!load_) return {};
  RB_TRY(load_->finish());
  load_.reset();
  return {};
}

Status RocksCatalog::persist() {
  const rocksdb::Status status = db_->Flush({});
  if (!status.ok()) return fail_rocks(*db_, "writing the catalog to disk", status);
  return {};
}

Result<std::unique_ptr<rocksdb::DB>> open_database(const std::string& directory) {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(make_options(), directory, &db);
  if (!status.ok()) {
    return fail(status.IsNoSpace() ? Errc::no_space : Errc::io,
                fmt::format("opening the catalog in {}: {}", directory, status.ToString()));
  }
  return std::unique_ptr<rocksdb::DB>(db);
}

Result<std::unique_ptr<rocksdb::DB>> make_database(const std::string& directory) {
  std::error_code ignored;  // what can't be removed will not open either
  std::filesystem::remove_all(directory, ignored);
  return open_database(directory);
}

Status RocksCatalog::clear(const RepositoryId& repository) {
  load_.reset();
  db_.reset();
  RB_TRY(db_, make_database(directory_));
  rocksdb::WriteBatch identity;
  identity.Put(identity_key(), slice(encode_identity(repository)));
  return write(identity);
}

}  // namespace

Result<std::unique_ptr<Catalog>> open_rocks_catalog(const std::string& directory) {
  Result<std::unique_ptr<rocksdb::DB>> db =
      fail(Errc::corrupt, "the catalog in " + directory + " was found to be damaged");
  if (!was_found_damaged(directory)) db = open_database(directory);
  if (!db) {
    log(LogLevel::warning, "{}; it is made anew", db.error().message);
    db = make_database(directory);
    if (!db) return std::unexpected(db.error());
  }
  return std::make_unique<RocksCatalog>(directory, std::move(*db));
}

}  // namespace rb
