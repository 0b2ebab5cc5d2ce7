#include "repository/catalog_keys.h"

#include "base/byte_codec.h"

namespace rb {

namespace {

// The first byte of a key.
enum class Table : char {
  meta = 'm',
  object_count = 'n',
  domain = 'd',
  node = 'u',
  pack = 'p',
  object = 'o',
  children = 'c',
  snapshot = 's',
  run = 'r',
  snapshot_id = 'i',
  stored_bytes = 'b',
  credential = 'k',
  invitation = 'v',
  dead_page = 'x',
  snapshot_mark = 'h',
};

template <typename T>
void append_big_endian(std::string& key, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>((number >> shift) & 0xff));
  }
}

std::string key_of(Table table) {
  return std::string(1, static_cast<char>(table));
}

template <typename T>
std::string key_of(Table table, T number) {
  std::string key = key_of(table);
  append_big_endian(key, number);
  return key;
}

std::string key_of(Table table, const CredentialId& id) {
  return key_of(table) + std::string(as_text(id.view()));
}

std::string key_of(Table table, std::uint32_t number, ByteView id) {
  std::string key;
  key.reserve(1 + sizeof number + id.size());
  key += key_of(table, number);
  key += as_text(id);
  return key;
}

template <typename T>
T number_at_end(std::string_view key) {
  RB_ASSERT(key.size() >= sizeof(T));
  T number = 0;
  for (const char c : key.substr(key.size() - sizeof(T)))
    number = (number << 8) | static_cast<std::uint8_t>(c);
  return number;
}

}  // namespace

std::string identity_key() {
  return key_of(Table::meta) + "identity";
}
std::string pack_mark_key() {
  return key_of(Table::meta) + "packs";
}
std::string counted_mark_key() {
  return key_of(Table::meta) + "counted";
}
std::string journal_mark_key() {
  return key_of(Table::meta) + "journal";
}
std::string next_number_key() {
  return key_of(Table::meta) + "number";
}
std::string times_key() {
  return key_of(Table::meta) + "times";
}
std::string begins_key() {
  return key_of(Table::meta) + "begins";
}
std::string dead_limit_key() {
  return key_of(Table::meta) + "dead";
}
std::string dead_page_key(std::uint64_t index) {
  return key_of(Table::dead_page, index);
}
std::string object_count_key(std::uint32_t domain) {
  return key_of(Table::object_count, domain);
}
std::string stored_bytes_key(std::uint32_t node) {
  return key_of(Table::stored_bytes, node);
}
std::string domain_key(std::uint32_t domain) {
  return key_of(Table::domain, domain);
}
std::string node_key(std::uint32_t node) {
  return key_of(Table::node, node);
}
std::string credential_key(const CredentialId& id) {
  return key_of(Table::credential, id);
}
std::string invitation_key(const CredentialId& id) {
  return key_of(Table::invitation, id);
}
std::string pack_key(std::uint64_t pack) {
  return key_of(Table::pack, pack);
}
std::string object_key(std::uint32_t domain, const ObjectId& id) {
  return key_of(Table::object, domain, id.view());
}
std::string children_key(ObjectNumber number) {
  return key_of(Table::children, number);
}
std::string snapshot_mark_key(const CatalogSnapshotKey& snapshot) {
  std::string key = key_of(Table::snapshot_mark, snapshot.node);
  append_big_endian(key, snapshot.sequence);
  return key;
}
std::string snapshot_mark_prefix() {
  return key_of(Table::snapshot_mark);
}
std::string run_key(std::uint32_t node, const RunId& run) {
  return key_of(Table::run, node, run.view());
}
std::string snapshot_id_key(std::uint32_t node, const SnapshotId& id) {
  return key_of(Table::snapshot_id, node, id.view());
}
std::string snapshot_key(std::uint32_t node, std::uint64_t sequence) {
  std::string key = snapshot_prefix(node);
  append_big_endian(key, sequence);
  return key;
}

std::string object_count_prefix() {
  return key_of(Table::object_count);
}
std::string stored_bytes_prefix() {
  return key_of(Table::stored_bytes);
}
std::string credential_prefix() {
  return key_of(Table::credential);
}
std::string invitation_prefix() {
  return key_of(Table::invitation);
}
std::string domain_prefix() {
  return key_of(Table::domain);
}
std::string node_prefix() {
  return key_of(Table::node);
}
std::string pack_prefix() {
  return key_of(Table::pack);
}
std::string snapshot_prefix(std::uint32_t node) {
  return key_of(Table::snapshot, node);
}

std::string all_snapshots_prefix() {
  return key_of(Table::snapshot);
}
std::string object_prefix(std::uint32_t domain) {
  return key_of(Table::object, domain);
}
std::string all_objects_prefix() {
  return key_of(Table::object);
}
std::string children_prefix() {
  return key_of(Table::children);
}
std::string dead_page_prefix() {
  return key_of(Table::dead_page);
}

std::string beyond_all_keys() {
  return "\xff";
}

std::uint32_t number32_of_key(std::string_view key) {
  return number_at_end<std::uint32_t>(key);
}
std::uint64_t number64_of_key(std::string_view key) {
  return number_at_end<std::uint64_t>(key);
}

std::optional<ObjectId> object_id_of_key(std::string_view key) {
  constexpr std::size_t kPrefixBytes = 1 + sizeof(std::uint32_t);
  if (key.size() != kPrefixBytes + ObjectId::kSize) return std::nullopt;
  return ObjectId::from(as_bytes(key.substr(kPrefixBytes)));
}
CatalogSnapshotKey snapshot_of_key(std::string_view key) {
  constexpr std::size_t kNodeEnd = 1 + sizeof(std::uint32_t);
  RB_ASSERT(key.size() >= kNodeEnd);
  return {number32_of_key(key.substr(0, kNodeEnd)), number64_of_key(key)};
}

}  // namespace rb
