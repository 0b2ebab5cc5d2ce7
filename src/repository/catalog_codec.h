// Values of the catalog's rows. Not a format that we promise to read again: a catalog with another
// kCatalogVersion is rebuilt. The keys are in catalog_keys.h; either changes the version.
#pragma once

#include "repository/catalog.h"

namespace rb {

inline constexpr std::uint32_t kCatalogVersion = 5;

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
