#include "repository/rocks_batch.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "repository/catalog_codec.h"
#include "repository/catalog_keys.h"

namespace rb {

namespace {
std::filesystem::path damage_note(const std::string& directory) {
  return std::filesystem::path(directory) / "DAMAGED";
}
}  // namespace

std::unexpected<Error> fail_rocks(const rocksdb::DB& db, std::string_view doing,
                                  const rocksdb::Status& status) {
  if (status.IsCorruption()) {
    std::ofstream(damage_note(db.GetName())) << status.ToString() << '\n';
    return fail(Errc::corrupt, fmt::format("{}: {}; the catalog is made anew at the next start of the server",
                                           doing, status.ToString()));
  }
  return fail(status.IsNoSpace() ? Errc::no_space : Errc::io,
              fmt::format("{}: {}", doing, status.ToString()));
}

bool was_found_damaged(const std::string& directory) {
  std::error_code ignored;
  return std::filesystem::exists(damage_note(directory), ignored);
}

Result<std::optional<std::string>> get_row(rocksdb::DB& db, const std::string& key) {
  std::string value;
  const rocksdb::Status status = db.Get({}, key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return fail_rocks(db, "reading the catalog", status);
  return value;
}

Status for_each_row(rocksdb::DB& db, const std::string& prefix, const RowVisitor& visit) {
  const std::unique_ptr<rocksdb::Iterator> row(db.NewIterator({}));
  for (row->Seek(prefix); row->Valid() && row->key().starts_with(prefix); row->Next()) {
    RB_TRY(visit(row->key().ToStringView(), view(row->value())));
  }
  if (!row->status().ok()) return fail_rocks(db, "reading the catalog", row->status());
  return {};
}

namespace {

// A snapshot is found by three keys, of which the caller knows one.
Status remove_snapshot(rocksdb::DB& db, const CatalogSnapshotKey& key, rocksdb::WriteBatch& rows) {
  const std::string row_key = snapshot_key(key.node, key.sequence);
  RB_TRY(const auto row, get_row(db, row_key));
  if (!row) return {};
  RB_TRY(const SnapshotInfo snapshot, decode_snapshot_row(as_bytes(*row)));
  rows.Delete(row_key);
  rows.Delete(run_key(key.node, snapshot.run));
  rows.Delete(snapshot_id_key(key.node, snapshot.id));
  return {};
}

Status remove_dead_set(rocksdb::DB& db, rocksdb::WriteBatch& rows) {
  rows.Delete(dead_limit_key());
  return for_each_row(db, dead_page_prefix(), [&](std::string_view key, ByteView) -> Status {
    rows.Delete(rocksdb::Slice(key));
    return {};
  });
}

void put_snapshot_marks(const CatalogBatch& batch, rocksdb::WriteBatch& rows) {
  for (const CatalogSnapshotMark& mark : batch.snapshot_marks) {
    const std::string key = snapshot_mark_key(mark.snapshot);
    if (mark.says_nothing()) {
      rows.Delete(key);
    } else {
      rows.Put(key, slice(encode_snapshot_mark_row(mark)));
    }
  }
}

Status put_removals(rocksdb::DB& db, const CatalogBatch& batch, rocksdb::WriteBatch& rows) {
  for (const CatalogKey& key : batch.removed_objects)
    rows.Delete(object_key(key.domain, key.id));
  for (const ObjectNumber number : batch.removed_children)
    rows.Delete(children_key(number));
  for (const std::uint64_t pack : batch.removed_packs)
    rows.Delete(pack_key(pack));
  for (const CatalogSnapshotKey& key : batch.removed_snapshots)
    RB_TRY(remove_snapshot(db, key, rows));
  // A new dead set replaces all pages of the old one.
  if (batch.lift_dead_set || batch.dead_set) RB_TRY(remove_dead_set(db, rows));
  return {};
}

// The rows of packs that objects are put into, where they have none. Reading before writing is no race: only
// who moves rows into the catalog adds objects or packs, one at a time.
Status put_new_packs(rocksdb::DB& db, const CatalogBatch& batch, rocksdb::WriteBatch& rows) {
  std::set<std::uint64_t> packs;
  for (const CatalogObject& object : batch.objects)
    packs.insert(object.row.at.pack);
  const std::set<std::uint64_t> removed(batch.removed_packs.begin(), batch.removed_packs.end());
  for (const std::uint64_t pack : packs) {
    if (!removed.contains(pack)) {
      RB_TRY(const auto row, get_row(db, pack_key(pack)));
      if (row) continue;
    }
    rows.Put(pack_key(pack), slice(encode_pack_row({.pack = pack})));
  }
  for (const CatalogPack& pack : batch.pack_rows)
    rows.Put(pack_key(pack.pack), slice(encode_pack_row(pack)));
  return {};
}

void put_objects(const CatalogBatch& batch, rocksdb::WriteBatch& rows) {
  for (const CatalogObject& object : batch.objects) {
    rows.Put(object_key(object.domain, object.id), slice(encode_object_row(object.row)));
    if (!object.children.empty()) {
      rows.Put(children_key(object.row.number), slice(encode_children(object.children)));
    }
  }
}

void put_counts(const CatalogBatch& batch, rocksdb::WriteBatch& rows) {
  for (const auto& [domain, count] : batch.object_counts)
    rows.Put(object_count_key(domain), slice(encode_count(count)));
  for (const auto& [node, bytes] : batch.stored_bytes)
    rows.Put(stored_bytes_key(node), slice(encode_count(bytes)));
}

void put_journalled(const CatalogBatch& batch, rocksdb::WriteBatch& rows) {
  for (const CatalogNode& node : batch.nodes)
    rows.Put(node_key(node.record.node), slice(encode_node_row(node)));
  for (const DomainRecord& domain : batch.domains)
    rows.Put(domain_key(domain.domain), slice(encode_domain_row(domain)));
  for (const CatalogCredential& credential : batch.credentials)
    rows.Put(credential_key(credential.id), slice(encode_credential_row(credential)));
  for (const CatalogInvitation& invitation : batch.invitations)
    rows.Put(invitation_key(invitation.record.id), slice(encode_invitation_row(invitation)));
  for (const CatalogCommit& commit : batch.commits) {
    const Bytes sequence = encode_count(commit.snapshot.sequence);
    rows.Put(snapshot_key(commit.node, commit.snapshot.sequence), slice(encode_snapshot_row(commit)));
    rows.Put(run_key(commit.node, commit.snapshot.run), slice(sequence));
    rows.Put(snapshot_id_key(commit.node, commit.snapshot.id), slice(sequence));
  }
  put_snapshot_marks(batch, rows);
  if (batch.times) rows.Put(times_key(), slice(encode_times(*batch.times)));
}

void put_marks(const CatalogBatch& batch, rocksdb::WriteBatch& rows) {
  if (batch.packs) rows.Put(pack_mark_key(), slice(encode_pack_mark(*batch.packs)));
  if (batch.counted) rows.Put(counted_mark_key(), slice(encode_pack_mark(*batch.counted)));
  if (batch.journal) rows.Put(journal_mark_key(), slice(encode_journal_mark(*batch.journal)));
  if (batch.next_number) rows.Put(next_number_key(), slice(encode_count(*batch.next_number)));
  if (batch.begins) rows.Put(begins_key(), slice(encode_begins(*batch.begins)));
}

void put_dead_set(const DeadSet& dead, rocksdb::WriteBatch& rows) {
  rows.Put(dead_limit_key(), slice(encode_count(dead.limit)));
  for (const auto& [index, page] : dead.marked.pages())
    rows.Put(dead_page_key(index), slice(encode_dead_page(*page)));
}

}  // namespace

Result<std::unique_ptr<rocksdb::WriteBatch>> make_small_write_batch(rocksdb::DB& db,
                                                                    const CatalogBatch& batch) {
  auto rows = std::make_unique<rocksdb::WriteBatch>();
  RB_TRY(put_removals(db, batch, *rows));
  RB_TRY(put_new_packs(db, batch, *rows));
  put_counts(batch, *rows);
  put_journalled(batch, *rows);
  put_marks(batch, *rows);
  if (batch.dead_set) put_dead_set(*batch.dead_set, *rows);
  return rows;
}

// Removals come first, so the objects may come last.
Result<std::unique_ptr<rocksdb::WriteBatch>> make_write_batch(rocksdb::DB& db, const CatalogBatch& batch) {
  RB_TRY(auto rows, make_small_write_batch(db, batch));
  put_objects(batch, *rows);
  return rows;
}

}  // namespace rb
