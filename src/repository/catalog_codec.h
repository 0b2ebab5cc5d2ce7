// Keys and values of the catalog's rows, for a store that keeps sorted byte strings. Not a format that we
// promise to read again: a catalog with another kCatalogVersion is rebuilt. Numbers in keys are big-endian,
// so that they sort.
#pragma once

#include <string>

#include "repository/catalog.h"

namespace rb {

inline constexpr std::uint32_t kCatalogVersion = 3;

std::string identity_key();      // version and repository
std::string pack_mark_key();     // CatalogState::packs
std::string counted_mark_key();  // CatalogState::counted
std::string journal_mark_key();
std::string next_number_key();
std::string begins_key();
std::string dead_limit_key();  // there while there is a dead set
std::string dead_page_key(std::uint64_t index);
std::string object_count_key(std::uint32_t domain);
std::string stored_bytes_key(std::uint32_t node);
std::string domain_key(std::uint32_t domain);
std::string node_key(std::uint32_t node);
std::string credential_key(const CredentialId& id);
std::string invitation_key(const CredentialId& id);
std::string pack_key(std::uint64_t pack);
std::string object_key(std::uint32_t domain, const ObjectId& id);
std::string children_key(ObjectNumber number);
std::string snapshot_key(std::uint32_t node, std::uint64_t sequence);
std::string run_key(std::uint32_t node, const RunId& run);
std::string times_key();
std::string snapshot_mark_key(const CatalogSnapshotKey& snapshot);
std::string snapshot_id_key(std::uint32_t node, const SnapshotId& id);

// What all keys of one kind begin with.
std::string object_count_prefix();
std::string stored_bytes_prefix();
std::string domain_prefix();
std::string node_prefix();
std::string credential_prefix();
std::string invitation_prefix();
std::string pack_prefix();
std::string snapshot_prefix(std::uint32_t node);
std::string all_snapshots_prefix();
std::string snapshot_mark_prefix();
std::string object_prefix(std::uint32_t domain);
std::string children_prefix();
std::string dead_page_prefix();

// The number that a key ends with.
std::uint32_t number32_of_key(std::string_view key);
std::uint64_t number64_of_key(std::string_view key);
// Of an object's key; nothing for a key of another length.
std::optional<ObjectId> object_id_of_key(std::string_view key);
// Of the key of a snapshot, or of its mark.
CatalogSnapshotKey snapshot_of_key(std::string_view key);

// Each decode gives Errc::corrupt for anything that encode would not have written.
Bytes encode_identity(const RepositoryId& repository);
Result<RepositoryId> decode_identity(ByteView value);  // Errc::unsupported: another version
Bytes encode_pack_mark(const PackPosition& mark);
Result<PackPosition> decode_pack_mark(ByteView value);
Bytes encode_journal_mark(const JournalMark& mark);
Result<JournalMark> decode_journal_mark(ByteView value);
Bytes encode_count(std::uint64_t count);
Result<std::uint64_t> decode_count(ByteView value);
Bytes encode_object_row(const ObjectRow& row);
Result<ObjectRow> decode_object_row(ByteView value);
// Sorts, and drops what stands twice: varint deltas.
Bytes encode_children(std::vector<ObjectNumber> children);
Result<std::vector<ObjectNumber>> decode_children(ByteView value);
Bytes encode_snapshot_row(const CatalogCommit& commit);
Result<SnapshotInfo> decode_snapshot_row(ByteView value);
Result<CatalogCommit> decode_commit_row(std::uint32_t node, ByteView value);  // of the same row, all of it
Bytes encode_snapshot_mark_row(const CatalogSnapshotMark& mark);
Result<CatalogSnapshotMark> decode_snapshot_mark_row(const CatalogSnapshotKey& snapshot, ByteView value);
Bytes encode_times(const CatalogTimes& times);
Result<CatalogTimes> decode_times(ByteView value);
Bytes encode_pack_row(const CatalogPack& pack);
Result<CatalogPack> decode_pack_row(std::uint64_t number, ByteView value);
Bytes encode_begins(const std::vector<ObjectNumber>& begins);
Result<std::vector<ObjectNumber>> decode_begins(ByteView value);
Bytes encode_dead_page(const NumberBitmap::Page& page);
Result<NumberBitmap::Page> decode_dead_page(ByteView value);
Bytes encode_node_row(const CatalogNode& node);
Result<CatalogNode> decode_node_row(std::uint32_t number, ByteView value);
Bytes encode_domain_row(const DomainRecord& domain);
Result<DomainRecord> decode_domain_row(std::uint32_t number, ByteView value);
Bytes encode_credential_row(const CatalogCredential& credential);
Result<CatalogCredential> decode_credential_row(ByteView value);
Bytes encode_invitation_row(const CatalogInvitation& invitation);
Result<CatalogInvitation> decode_invitation_row(ByteView value);

}  // namespace rb
