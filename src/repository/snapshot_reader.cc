#include "repository/snapshot_reader.h"

#include <unordered_set>

#include "chunk/block_codec.h"

namespace rb {

namespace {

// Whether a source of the snapshot that goes into subdirectories has counted this path already.
bool lies_within_another(const std::string& path, const std::unordered_set<std::string_view>& recursive) {
  if (path == "/") return false;
  if (recursive.contains("/")) return true;
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    if (recursive.contains(std::string_view(path).substr(0, end))) return true;
  }
  return false;
}

// A pack is gone only when its objects are elsewhere: once more is nearly always enough.
constexpr int kReadAttempts = 3;

}  // namespace

std::uint64_t logical_bytes_of(const Snapshot& snapshot) {
  std::unordered_set<std::string_view> recursive;
  for (const Source& source : snapshot.sources) {
    if (source.recursive) recursive.insert(source.path);
  }
  std::uint64_t sum = 0;
  for (const Source& source : snapshot.sources) {
    if (lies_within_another(source.path, recursive)) continue;
    if (source.bytes > UINT64_MAX - sum) return UINT64_MAX;
    sum += source.bytes;
  }
  return sum;
}

Result<Snapshot> SnapshotReader::read(std::uint32_t domain, const ObjectId& id) {
  Result<PackStore::Record> record = fail(Errc::not_found, "");
  std::optional<FoundObject> found;
  for (int attempt = 0; attempt < kReadAttempts && !record; ++attempt) {
    RB_TRY(const ObjectIndex::Answer answer, index_.find(domain, std::span(&id, 1)));
    found = answer.found[0];
    if (!found) return fail(Errc::not_found, "there is no object " + to_hex(id));
    record = packs_.read(found->row.at);
    if (!record && record.error().code != Errc::not_found) break;
  }
  if (!record) return std::unexpected(std::move(record).error());
  BlockReader block;
  RB_TRY(block.open(record->block));
  if (found->row.index >= block.size()) return fail(Errc::corrupt, "a block has fewer objects than it had");
  RB_TRY(block.verify(found->row.index));
  const BlockReader::Item item = block.item(found->row.index);
  if (item.object->id != id) return fail(Errc::corrupt, "a block holds another object than it did");
  if (item.object->kind != ObjectKind::snapshot) {
    return fail(Errc::invalid_argument, "object " + to_hex(id) + " is no snapshot");
  }
  return decode_snapshot(item.object->refs, item.payload);
}

Result<std::uint64_t> SnapshotReader::logical_bytes(std::uint32_t node, std::uint32_t domain,
                                                    const ObjectId& head) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto size = sizes_.find(node); size != sizes_.end() && size->second.head == head) {
      return size->second.bytes;
    }
  }
  RB_TRY(const Snapshot snapshot, read(domain, head));
  const std::uint64_t bytes = logical_bytes_of(snapshot);
  const std::lock_guard lock(mutex_);
  sizes_[node] = {head, bytes};
  return bytes;
}

}  // namespace rb
