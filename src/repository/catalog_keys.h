// Keys of the catalog's rows, for a store that keeps sorted byte strings. Numbers in them are big-endian, so
// that they sort.
#pragma once

#include <string>

#include "repository/catalog.h"

namespace rb {

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
std::string all_objects_prefix();
std::string children_prefix();
std::string dead_page_prefix();
// Sorts after every key.
std::string beyond_all_keys();

// The number that a key ends with.
std::uint32_t number32_of_key(std::string_view key);
std::uint64_t number64_of_key(std::string_view key);
// Of an object's key; nothing for a key of another length.
std::optional<ObjectId> object_id_of_key(std::string_view key);
// Of the key of a snapshot, or of its mark.
CatalogSnapshotKey snapshot_of_key(std::string_view key);

}  // namespace rb
