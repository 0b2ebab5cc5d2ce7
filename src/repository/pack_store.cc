#include "repository/pack_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/log.h"
#include "format/pack_parity.h"
#include "repository/pack_files.h"
#include "repository/pack_scanner.h"
#include "repository/record_reader.h"

namespace rb {

namespace {

// Buffers kept for later appends: as many as there are threads that append at once, within reason.
constexpr std::size_t kSpareBuffersMax = 8;

// A pack that this process opened. Guarded by PackStoreImpl::mutex_.
struct WritablePack {
  std::uint64_t number = 0;
  std::shared_ptr<File> file;
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

// Locking: mutex_ orders appends (each written while it is held: a pack has one writer) and guards all that
// is not const. It is never held during an fdatasync of records, so appends go on while others wait for the
// disk.
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

  Status load() {
    // Names that a killed process made may be in the kernel's memory only; a number is safe from being used
    // twice only once its name is durable.
    RB_TRY(fs_.sync_directory(directory_));
    RB_TRY(const std::vector<std::string> names, fs_.list(directory_));
    for (const std::string& name : names) {
      const std::optional<std::uint64_t> number = pack_number_of(name);
      if (!number) continue;
      RB_TRY(const auto file, fs_.open(files_.path(*number), OpenMode::read));
      RB_TRY(const std::uint64_t size, file->size());
      packs_[*number] = nullptr;
      stored_bytes_ += size;
      if (*number > last_number_) end_ = {.pack = *number, .offset = size};
      last_number_ = std::max(last_number_, *number);
    }
    return {};
  }

  Result<PackPosition> append(const PackRecordOwner& owner, ByteView block) override {
    if (!valid_block_bytes(block.size())) {
      return fail(Errc::invalid_argument, fmt::format("a block of {} bytes can't be stored", block.size()));
    }
    Bytes buffer = take_buffer();
    const std::span<std::uint8_t> record = prepare_pack_record(owner, block, buffer);
    Result<PackPosition> at = write_record(record);
    give_buffer(std::move(buffer));
    return at;
  }

  Status sync() override {
    std::unique_lock lock(mutex_);
    const std::size_t earlier = lost_.size();
    settle(lock);
    const bool new_loss = lost_.size() > earlier, untold_loss = losses_told_ < lost_.size();
    losses_told_ = lost_.size();
    if (new_loss || untold_loss) return std::unexpected(lost_.back().error);
    return {};
  }

  Status sync_since(const PackPosition& first) override {
    std::unique_lock lock(mutex_);
    const PackPosition end = end_;
    settle(lock);
    for (const LostRange& lost : lost_) {
      if (lost.begin < end && lost.end > first) return std::unexpected(lost.error);
    }
    return {};
  }

  Result<Record> read(const PackPosition& at) override {
    Result<Record> record = read_as_it_is(at);
    if (record || (record.error().code != Errc::corrupt && record.error().code != Errc::io)) return record;
    Result<Record> corrected = read_corrected_record(fs_, files_.path(at.pack), repository_, at, record_key_);
    log(LogLevel::error, "{}: {}", record.error().message,
        corrected ? "read with the help of the pack's parity" : corrected.error().message);
    const DamageListener listener = damage_listener();
    if (listener) listener(at, corrected.has_value());
    return corrected ? std::move(corrected) : std::move(record);
  }

  void on_damage(DamageListener listener) override {
    const std::lock_guard lock(listener_mutex_);
    listener_ = std::move(listener);
  }

  std::vector<std::uint64_t> sealed_packs() const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, pack] : packs_) {
      if (is_sealed(pack)) numbers.push_back(number);
    }
    return numbers;
  }

  Result<std::uint64_t> durable_end(std::uint64_t pack) const override {
    {
      const std::lock_guard lock(mutex_);
      const auto found = packs_.find(pack);
      if (found != packs_.end() && found->second) return found->second->synced_end;
    }
    RB_TRY(const auto file, fs_.open(files_.path(pack), OpenMode::read));
    return file->size();
  }

  std::string path(std::uint64_t pack) const override { return files_.path(pack); }
  std::string parity_path(std::uint64_t pack) const override {
    return directory_ + "/" + pack_parity_file_name(pack);
  }
  void replaced(std::uint64_t pack) override { files_.forget(pack); }

  PackPosition end() const override {
    const std::lock_guard lock(mutex_);
    return end_;
  }

  std::uint64_t stored_bytes() const override {
    const std::lock_guard lock(mutex_);
    return stored_bytes_;
  }

  std::vector<std::uint64_t> packs() const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, pack] : packs_)
      numbers.push_back(number);
    return numbers;
  }

  Result<ScanResult> scan(const PackPosition& from, const Visitor& visit) override {
    ScanResult total;
    for (const auto& [number, durable_end] : settled_packs(from.pack)) {
      PackScanRange range{.from = {.pack = number}, .end = durable_end};
      if (number == from.pack) range.from = from;
      RB_TRY(const ScanResult one, scan_range(range, visit));
      total.records += one.records;
      total.skipped_bytes += one.skipped_bytes;
    }
    return total;
  }

  Result<ScanResult> scan_pack(std::uint64_t number, const Visitor& visit) override {
    std::uint64_t end = kUnknownEnd;
    {
      std::unique_lock lock(mutex_);
      const auto found = packs_.find(number);
      if (found == packs_.end()) return fail(Errc::not_found, pack_file_name(number) + " is not there");
      if (found->second) end = found->second->synced_end;
    }
    return scan_range({.from = {.pack = number}, .end = end}, visit);
  }

  Result<PackWriter> writer(std::uint64_t number) override {
    {
      const std::lock_guard lock(mutex_);
      const auto found = packs_.find(number);
      if (found == packs_.end()) return fail(Errc::not_found, pack_file_name(number) + " is not there");
      if (found->second) return found->second->writer;
    }
    RB_TRY(const auto file, files_.open(number));
    std::array<std::uint8_t, kPackHeaderBytes> bytes;
    const auto read = file->read_at(0, bytes);
    if (!read || *read != bytes.size()) return PackWriter::sessions;
    const auto header = decode_pack_header(bytes);
    return header ? header->writer : PackWriter::sessions;
  }

  Result<std::unique_ptr<CollectorPack>> begin_collector_pack() override;
  Result<PackPosition> append_to(WritablePack& pack, const PackRecordOwner& owner, ByteView block);
  Status finish(WritablePack& pack);
  Result<std::uint64_t> remove(std::span<const std::uint64_t> packs) override;

 private:
  Result<ScanResult> scan_range(PackScanRange range, const Visitor& visit) {
    RB_TRY(const auto file, fs_.open(files_.path(range.from.pack), OpenMode::read));
    if (range.end == kUnknownEnd) {
      RB_TRY(file->sync());
      file->drop_cache();
      RB_TRY(range.end, file->size());
    }
    return rb::scan_pack(*file, range, record_key_, repository_, visit);
  }

  // Requires mutex_.
  bool is_sealed(const std::shared_ptr<WritablePack>& pack) const {
    return !pack || (pack != open_ && pack->is_sealed());
  }
  Status check_removable(std::span<const std::uint64_t> packs) const;

  Result<Record> read_as_it_is(const PackPosition& at) {
    RB_TRY(const auto file, files_.open(at.pack));
    return read_pack_record(*file, at, record_key_);
  }

  DamageListener damage_listener() {
    const std::lock_guard lock(listener_mutex_);
    return listener_;
  }

  static constexpr std::uint64_t kUnknownEnd = UINT64_MAX;  // of a pack that an earlier process wrote

  Bytes take_buffer() {
    const std::lock_guard lock(buffers_mutex_);
    if (buffers_.empty()) return {};
    Bytes buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
  }

  void give_buffer(Bytes buffer) {
    const std::lock_guard lock(buffers_mutex_);
    if (buffers_.size() < kSpareBuffersMax) buffers_.push_back(std::move(buffer));
  }

  Result<PackPosition> write_record(std::span<std::uint8_t> record) {
    const std::lock_guard lock(mutex_);
    const bool full =
        open_ && open_->end > kPackHeaderBytes && open_->end + record.size() > options_.pack_bytes_max;
    if (!open_ || full) RB_TRY(open_next_pack());
    const PackPosition at{.pack = open_->number, .offset = open_->end};
    place_pack_record(record, at, record_key_);
    if (const Status written = open_->file->write_at(at.offset, record); !written) {
      seal();  // what stands there now is unknown, and the next record must not depend on it
      return std::unexpected(written.error());
    }
    open_->end += record.size();
    end_.offset = open_->end;
    stored_bytes_ += record.size();
    ++appended_;
    if (dirty_.empty() || dirty_.back() != open_) dirty_.push_back(open_);
    return at;
  }

  // Requires mutex_. The name is durable before any position in the pack is given out, so that a number that
  // somebody remembers can't come back with other records after a power cut.
  Result<std::shared_ptr<WritablePack>> create_pack(PackWriter writer) {
    auto pack = std::make_shared<WritablePack>();
    pack->writer = writer;
    Result<std::unique_ptr<File>> file = fail(Errc::io, "");
    do {
      pack->number = ++last_number_;
      file = fs_.open(files_.path(pack->number), OpenMode::create_new);
    } while (!file && file.error().sys_errno == EEXIST);
    if (!file) return std::unexpected(std::move(file).error());
    pack->file = std::move(*file);
    if (const Status begun = begin_pack(*pack); !begun) {
      // It holds no record and never will. Left behind it would do no harm, but a full disk would collect
      // many.
      (void)fs_.remove(files_.path(pack->number));
      return std::unexpected(begun.error());
    }
    packs_[pack->number] = pack;
    stored_bytes_ += kPackHeaderBytes;
    return pack;
  }

  // Requires mutex_.
  Status open_next_pack() {
    seal();
    RB_TRY(auto pack, create_pack(PackWriter::sessions));
    end_ = {.pack = pack->number, .offset = kPackHeaderBytes};
    open_ = std::move(pack);
    return {};
  }

  // The header becomes durable with the first record.
  Status begin_pack(WritablePack& pack) {
    const PackHeader header{.repository = repository_,
                            .number = pack.number,
                            .collections_begun = options_.collections_begun,
                            .writer = pack.writer};
    RB_TRY(pack.file->write_at(0, encode_pack_header(header)));
    return fs_.sync_directory(directory_);
  }

  // Requires mutex_. The open pack takes no more records; its file is closed as soon as it is synced.
  void seal() {
    const bool is_dirty = open_ && !dirty_.empty() && dirty_.back() == open_;
    if (open_ && !is_dirty) open_->file.reset();
    open_.reset();
  }

  // Waits until everything appended before the call is either durable or known to be lost. One caller at a
  // time works for all that wait; who comes while it works goes into the next round.
  void settle(std::unique_lock<std::mutex>& lock) {
    const std::uint64_t target = appended_;
    while (settled_ < target) {
      if (syncing_) {
        round_ended_.wait(lock);
      } else {
        run_sync_round(lock);
      }
    }
  }

  void run_sync_round(std::unique_lock<std::mutex>& lock) {
    struct Job {
      std::shared_ptr<WritablePack> pack;
      std::uint64_t end;
      Status status{};
    };
    std::vector<Job> jobs;
    for (const auto& pack : dirty_)
      jobs.push_back({.pack = pack, .end = pack->end});
    const std::uint64_t covered = appended_;
    syncing_ = true;
    lock.unlock();
    for (Job& job : jobs)
      job.status = job.pack->file->sync();
    lock.lock();
    syncing_ = false;
    for (const Job& job : jobs) {
      if (job.status) {
        job.pack->synced_end = job.end;
        if (job.pack != open_ && job.pack->end == job.end) job.pack->file.reset();
      } else {
        lose(job.pack, job.status.error());
      }
    }
    std::erase_if(dirty_, [](const auto& pack) { return pack->lost || pack->synced_end == pack->end; });
    settled_ = covered;
    round_ended_.notify_all();
  }

  // Requires mutex_. A failed fdatasync has perhaps thrown away what it could not write, and the next one
  // would succeed without it: nothing that is in this pack now and was not synced before can be trusted.
  void lose(const std::shared_ptr<WritablePack>& pack, const Error& error) {
    pack->lost = true;
    log(LogLevel::error, "{}: {}; {} bytes of records are lost, their senders are told",
        pack_file_name(pack->number), error.message, pack->end - pack->synced_end);
    lost_.push_back({.begin = {.pack = pack->number, .offset = pack->synced_end},
                     .end = {.pack = pack->number, .offset = pack->end},
                     .error = error});
    if (open_ == pack) open_.reset();
    pack->file.reset();
  }

  // The packs from `first` on, and up to where each may be read: not beyond what is durable.
  std::map<std::uint64_t, std::uint64_t> settled_packs(std::uint64_t first) {
    std::unique_lock lock(mutex_);
    settle(lock);
    std::map<std::uint64_t, std::uint64_t> ends;
    for (auto it = packs_.lower_bound(first); it != packs_.end(); ++it) {
      ends[it->first] = it->second ? it->second->synced_end : kUnknownEnd;
    }
    return ends;
  }

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

  std::mutex listener_mutex_;
  DamageListener listener_;

  std::mutex buffers_mutex_;
  std::vector<Bytes> buffers_;
};

// Has a pack of the store for itself, but for what other threads read of it.
class CollectorPackImpl final : public CollectorPack {
 public:
  CollectorPackImpl(PackStoreImpl& store, std::shared_ptr<WritablePack> pack)
      : store_(store), pack_(std::move(pack)) {}

  std::uint64_t number() const override { return pack_->number; }
  std::uint64_t size() const override { return pack_->end; }
  Result<PackPosition> append(const PackRecordOwner& owner, ByteView block) override {
    return store_.append_to(*pack_, owner, block);
  }
  Status finish() override { return store_.finish(*pack_); }

 private:
  PackStoreImpl& store_;
  const std::shared_ptr<WritablePack> pack_;
};

Result<std::unique_ptr<CollectorPack>> PackStoreImpl::begin_collector_pack() {
  const std::lock_guard lock(mutex_);
  RB_TRY(auto pack, create_pack(PackWriter::collector));
  pack->is_filling = true;
  return std::make_unique<CollectorPackImpl>(*this, std::move(pack));
}

Result<PackPosition> PackStoreImpl::append_to(WritablePack& pack, const PackRecordOwner& owner,
                                              ByteView block) {
  RB_ASSERT(pack.file && valid_block_bytes(block.size()));
  Bytes buffer = take_buffer();
  const std::span<std::uint8_t> record = prepare_pack_record(owner, block, buffer);
  const PackPosition at{.pack = pack.number, .offset = pack.end};
  place_pack_record(record, at, record_key_);
  const Status written = pack.file->write_at(at.offset, record);
  const std::size_t record_bytes = record.size();
  give_buffer(std::move(buffer));
  RB_TRY(written);
  const std::lock_guard lock(mutex_);
  pack.end += record_bytes;
  stored_bytes_ += record_bytes;
  return at;
}

Status PackStoreImpl::finish(WritablePack& pack) {
  RB_ASSERT(pack.file);
  const Status synced = pack.file->sync();
  const std::lock_guard lock(mutex_);
  pack.file.reset();
  pack.lost = !synced;  // a second sync would prove nothing
  pack.is_filling = false;
  if (synced) pack.synced_end = pack.end;
  return synced;
}

// Requires mutex_.
Status PackStoreImpl::check_removable(std::span<const std::uint64_t> packs) const {
  for (const std::uint64_t number : packs) {
    const auto found = packs_.find(number);
    const bool is_removable =
        found != packs_.end() && is_sealed(found->second) && number < packs_.rbegin()->first;
    if (!is_removable) return fail(Errc::invalid_argument, pack_file_name(number) + " is not to be removed");
  }
  return {};
}

// Parity first: a crash in between leaves a pack without it, which is removed next time; a parity file
// without its pack would stay for ever.
Result<std::uint64_t> PackStoreImpl::remove(std::span<const std::uint64_t> packs) {
  {
    const std::lock_guard lock(mutex_);
    RB_TRY(check_removable(packs));
  }
  for (const std::uint64_t number : packs) {
    const Status removed = fs_.remove(parity_path(number));
    if (!removed && removed.error().code != Errc::not_found) return std::unexpected(removed.error());
  }
  RB_TRY(fs_.sync_directory(directory_));
  std::uint64_t freed = 0;
  for (const std::uint64_t number : packs) {
    std::uint64_t size = 0;
    if (const auto file = fs_.open(files_.path(number), OpenMode::read)) size = (*file)->size().value_or(0);
    RB_TRY(fs_.remove(files_.path(number)));
    files_.forget(number);
    freed += size;
    const std::lock_guard lock(mutex_);
    packs_.erase(number);
    stored_bytes_ -= std::min(size, stored_bytes_);
  }
  RB_TRY(fs_.sync_directory(directory_));
  return freed;
}

}  // namespace

Result<std::unique_ptr<PackStore>> PackStore::open(FileSystem& fs, std::string directory,
                                                   const HashKey& record_key, const RepositoryId& repository,
                                                   PackStoreOptions options) {
  auto store = std::make_unique<PackStoreImpl>(fs, std::move(directory), record_key, repository, options);
  RB_TRY(store->load());
  return store;
}

}  // namespace rb
