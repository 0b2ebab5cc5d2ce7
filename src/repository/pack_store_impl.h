// The packs of a directory, opened by this process or an earlier one. Three files: pack_store.cc appends,
// collects and removes; pack_store_read.cc reads and scans; pack_store_sync.cc makes durable, for all who
// wait at once.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include "repository/pack_files.h"
#include "repository/pack_store.h"
#include "repository/pack_tail.h"

namespace rb {

struct PackScanRange;  // repository/pack_scanner.h

// A pack that this process opened. Guarded by PackStoreImpl::mutex_.
struct WritablePack {
  std::uint64_t number = 0;
  std::shared_ptr<File> file;
  std::optional<PackTail> tail;                 // with what is not in the file yet
  std::uint64_t end = kPackHeaderBytes;         // of the last whole record
  std::uint64_t synced_end = kPackHeaderBytes;  // of the last durable one
  bool lost = false;  // a sync failed: what lies beyond synced_end never becomes durable
  PackWriter writer = PackWriter::sessions;
  bool is_filling = false;  // by the collector

  bool is_sealed() const { return !lost && !is_filling && synced_end == end; }
};

struct LostRange {
  PackPosition begin, end;
  Error error;
};

// Locking: mutex_ orders appends and guards all that is not const. It is never held while records are written
// or synced, so appends go on while others wait for the disk. Whoever makes durable writes first, one at a
// time; an append does so only when too much has gathered.
class PackStoreImpl final : public PackStore {
 public:
  PackStoreImpl(FileSystem& fs, std::string directory, const HashKey& record_key,
                const RepositoryId& repository, PackStoreOptions options)
      : fs_(fs),
        directory_(directory),
        record_key_(record_key),
        repository_(repository),
        options_(options),
        files_(fs, std::move(directory)) {}

  Status load();
  Result<PackPosition> append(const PackRecordOwner& owner, ByteView block) override;
  Status sync() override;
  Status sync_since(const PackPosition& first) override;
  Result<Record> read(const PackPosition& at) override;
  Result<Remains> read_remains(const PackPosition& at) override;
  void on_damage(DamageListener listener) override;
  std::vector<std::uint64_t> sealed_packs() const override;
  Result<std::uint64_t> durable_end(std::uint64_t pack) const override;
  std::string path(std::uint64_t pack) const override { return files_.path(pack); }
  std::string parity_path(std::uint64_t pack) const override;
  void replaced(std::uint64_t pack) override { files_.forget(pack); }
  PackPosition end() const override;
  std::uint64_t stored_bytes() const override;
  std::vector<std::uint64_t> packs() const override;
  Result<ScanResult> scan(const PackPosition& from, const Visitor& visit) override;
  Result<ScanResult> scan_pack(std::uint64_t number, const Visitor& visit) override;
  Result<PackWriter> writer(std::uint64_t number) override;
  Result<std::unique_ptr<CollectorPack>> begin_collector_pack() override;
  Result<PackPosition> append_to(WritablePack& pack, const PackRecordOwner& owner, ByteView block);
  Status finish(WritablePack& pack);
  Result<std::uint64_t> remove(std::span<const std::uint64_t> packs) override;

 private:
  static constexpr std::uint64_t kUnknownEnd = UINT64_MAX;  // of a pack that an earlier process wrote

  // Here and below: requires mutex_, unless it locks by itself.
  bool is_sealed(const std::shared_ptr<WritablePack>& pack) const;
  Status check_removable(std::span<const std::uint64_t> packs) const;
  // The name is durable before any position in the pack is given out, so that a number that somebody
  // remembers can't come back with other records after a power cut.
  Result<std::shared_ptr<WritablePack>> create_pack(PackWriter writer);
  Status open_next_pack();
  // The header is written at once, so that a full disk is noticed before a record is taken; it becomes
  // durable with the first.
  Status begin_pack(WritablePack& pack);
  // Puts a record together at the pack's end.
  PackPosition add_record(WritablePack& pack, const PackRecordOwner& owner, ByteView block);
  // The open pack takes no more records; its file is closed as soon as it is synced.
  void seal();
  // A failed fdatasync has perhaps thrown away what it could not write, and the next one would succeed
  // without it; after a failed write nobody knows what stands there: nothing that is in this pack now and was
  // not synced before can be trusted.
  void lose(const std::shared_ptr<WritablePack>& pack, const Error& error);

  // Waits until everything appended before the call is either durable or known to be lost. One caller at a
  // time works for all that wait; who comes while it works goes into the next round.
  void settle(std::unique_lock<std::mutex>& lock);
  void run_sync_round(std::unique_lock<std::mutex>& lock);
  // Waits, or works, while too much has gathered in memory.
  void make_room(std::unique_lock<std::mutex>& lock);

  // Lock by themselves.
  // Of a pack that nobody else fills.
  Status write_tail(WritablePack& pack);
  // Returns when the file holds what was appended there, or never will.
  void await_written(const PackPosition& at);
  Result<ScanResult> scan_range(PackScanRange range, const Visitor& visit);
  Result<Record> read_as_it_is(const PackPosition& at);
  DamageListener damage_listener();
  // The packs from `first` on, and up to where each may be read: not beyond what is durable.
  std::map<std::uint64_t, std::uint64_t> settled_packs(std::uint64_t first);

  FileSystem& fs_;
  const std::string directory_;
  const HashKey record_key_;
  const RepositoryId repository_;
  const PackStoreOptions options_;
  PackFiles files_;

  mutable std::mutex mutex_;
  std::condition_variable round_ended_;
  std::map<std::uint64_t, std::shared_ptr<WritablePack>> packs_;  // null: an earlier process wrote it
  std::shared_ptr<WritablePack> open_;                            // null: the next append opens one
  std::vector<std::shared_ptr<WritablePack>> dirty_;              // with records to sync, oldest first
  std::vector<LostRange> lost_;
  std::size_t losses_told_ = 0;  // how many of them a sync() has reported
  std::uint64_t last_number_ = 0;
  PackPosition end_;
  std::uint64_t stored_bytes_ = 0;
  std::uint64_t appended_ = 0, settled_ = 0;  // counts of records
  bool syncing_ = false;
  StretchMemory memory_;

  std::mutex listener_mutex_;
  DamageListener listener_;
};

}  // namespace rb
