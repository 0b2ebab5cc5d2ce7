// The packs: append-only files of records, each a block as the client made it behind a header of the
// server's. The layout is in docs/format.md, "Pack". Thread-safe.
//
// A pack is never truncated and never appended to after a crash or a failed sync: it is sealed as found and a
// new one is opened. Whatever was not synced may be there or not; readers skip garbage by looking for the
// next record whose keyed checksum is right, so file contents can't pose as records.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/file_system.h"
#include "format/pack_format.h"

namespace rb {

struct PackStoreOptions {
  std::uint64_t pack_bytes_max = 128ull << 20;  // a new pack is opened beyond this
  std::uint64_t collections_begun = 0;          // written into the header of packs opened from now on
};

// A pack that the garbage collector fills, beside the one that append() fills. Not thread-safe.
class CollectorPack {
 public:
  // One that was not finished holds nothing that anybody may point at.
  virtual ~CollectorPack() = default;
  virtual std::uint64_t number() const = 0;
  virtual std::uint64_t size() const = 0;
  virtual Result<PackPosition> append(const PackRecordOwner& owner, ByteView block) = 0;
  // Makes all of it durable; then it is a sealed pack like others. Nothing can be appended afterwards,
  // whether it succeeded or not.
  virtual Status finish() = 0;
};

class PackStore {
 public:
  // Reads which packs exist; all of them are sealed. `directory` must exist. `record_key` is the repository's
  // secret.
  static Result<std::unique_ptr<PackStore>> open(FileSystem& fs, std::string directory,
                                                 const HashKey& record_key, const RepositoryId& repository,
                                                 PackStoreOptions options);
  virtual ~PackStore() = default;

  // Appends one block; not durable before sync(), and before that perhaps in this process's memory alone. The
  // block is written as it is, its own checksum was checked by the caller. Waits for the disk when much has
  // gathered. What fails in writing is told by sync(); then the pack is sealed and the next append opens a
  // new one.
  virtual Result<PackPosition> append(const PackRecordOwner& owner, ByteView block) = 0;

  // Makes everything durable that was appended before the call; callers at the same time share one fdatasync.
  // On failure everything appended since the last success must be taken for lost, by every caller concerned:
  // a failure is reported to all calls that were waiting, or else to the next one, and then forgotten. So one
  // that appended, but calls sync() only after another's has failed, must be told by that other.
  virtual Status sync() = 0;
  // The same, but answers for what was appended at or after `first`, as often as it is asked: for callers who
  // don't know of each other. Safe only if the caller's own records all lie at or after `first`.
  virtual Status sync_since(const PackPosition& first) = 0;

  struct Record {
    PackRecordOwner owner;
    Bytes block;
  };
  // One record, its header and CRCs checked; where the file is damaged, from the parity beside it.
  // Errc::corrupt says which pack, offset and 4 KiB pieces are damaged beyond that.
  virtual Result<Record> read(const PackPosition& at) = 0;

  // What is left of a record that read() found damaged, as it stands in the file. Nothing of it is proven:
  // it is for whoever can prove the objects in it (chunk/block_salvage.h).
  struct Remains {
    // Nothing where the record's header is damaged.
    std::optional<PackRecordOwner> owner;
    // As long as the block; without an owner, whatever stands behind the header up to the next record: the
    // block is somewhere in it. What can't be read is zeros.
    Bytes bytes;
  };
  virtual Result<Remains> read_remains(const PackPosition& at) = 0;

  // Told of each record that read() found damaged, and whether parity gave it all the same. Called by whoever
  // reads; must not wait. Set it before the store is used by others, or while nobody reads.
  using DamageListener = std::function<void(const PackPosition&, bool corrected)>;
  virtual void on_damage(DamageListener listener) = 0;

  // The packs that get no more records, and of which every byte is durable: all but the open one, those with
  // records to sync, and those of which a sync failed since the store was opened.
  virtual std::vector<std::uint64_t> sealed_packs() const = 0;
  // Beyond every durable record of the pack; its size, where an earlier process wrote it.
  virtual Result<std::uint64_t> durable_end(std::uint64_t pack) const = 0;
  virtual std::string path(std::uint64_t pack) const = 0;
  virtual std::string parity_path(std::uint64_t pack) const = 0;
  // Its name means another file now, of the same records.
  virtual void replaced(std::uint64_t pack) = 0;

  // Beyond every record that was appended, and not beyond any that will be: the position to resume a scan
  // from.
  virtual PackPosition end() const = 0;
  virtual std::uint64_t stored_bytes() const = 0;
  virtual std::vector<std::uint64_t> packs() const = 0;

  // Calls `visit` for every record at or after `from`, in order, and syncs each pack first: after a crash of
  // the program alone a record may be in the kernel's memory only, and what is reported here will be relied
  // upon. Damaged stretches, unreadable ones among them, are skipped and counted. Appends may go on; it sees
  // what was there when it began.
  struct ScanResult {
    std::uint64_t records = 0, skipped_bytes = 0;
    // Of what was skipped, the records whose header is whole: read_remains() may have something of them.
    std::vector<PackPosition> damaged;
  };
  using Visitor = std::function<Status(const PackPosition&, const PackRecordOwner&, ByteView block)>;
  virtual Result<ScanResult> scan(const PackPosition& from, const Visitor& visit) = 0;
  // The same of one pack.
  virtual Result<ScanResult> scan_pack(std::uint64_t pack, const Visitor& visit) = 0;

  // Sessions, too, where the pack's header is damaged.
  virtual Result<PackWriter> writer(std::uint64_t pack) = 0;
  virtual Result<std::unique_ptr<CollectorPack>> begin_collector_pack() = 0;
  // Removes packs with their parity, for good: durable when it returns. Gives how many bytes of packs.
  // Requires: no catalog that a crash can leave points into them, or lacks a record of theirs. Refuses a pack
  // that is not sealed, and that of the highest number, which would come back.
  virtual Result<std::uint64_t> remove(std::span<const std::uint64_t> packs) = 0;
};

}  // namespace rb
