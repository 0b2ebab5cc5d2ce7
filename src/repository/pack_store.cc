#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "format/pack_parity.h"
#include "repository/pack_store_impl.h"

namespace rb {

namespace {

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

}  // namespace

Status PackStoreImpl::load() {
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

Result<PackPosition> PackStoreImpl::append(const PackRecordOwner& owner, ByteView block) {
  if (!valid_block_bytes(block.size())) {
    return fail(Errc::invalid_argument, fmt::format("a block of {} bytes can't be stored", block.size()));
  }
  std::unique_lock lock(mutex_);
  make_room(lock);
  const std::size_t bytes = pack_record_bytes(block.size());
  const bool full = open_ && open_->end > kPackHeaderBytes && open_->end + bytes > options_.pack_bytes_max;
  if (!open_ || full) RB_TRY(open_next_pack());
  const PackPosition at = add_record(*open_, owner, block);
  end_.offset = open_->end;
  ++appended_;
  if (dirty_.empty() || dirty_.back() != open_) dirty_.push_back(open_);
  return at;
}

PackPosition PackStoreImpl::add_record(WritablePack& pack, const PackRecordOwner& owner, ByteView block) {
  const PackPosition at{.pack = pack.number, .offset = pack.end};
  const std::size_t bytes = pack_record_bytes(block.size());
  encode_pack_record(owner, block, at, record_key_, pack.tail->add(bytes, memory_));
  pack.end += bytes;
  stored_bytes_ += bytes;
  return at;
}

std::vector<std::uint64_t> PackStoreImpl::sealed_packs() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, pack] : packs_) {
    if (is_sealed(pack)) numbers.push_back(number);
  }
  return numbers;
}

Result<std::uint64_t> PackStoreImpl::durable_end(std::uint64_t pack) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = packs_.find(pack);
    if (found != packs_.end() && found->second) return found->second->synced_end;
  }
  RB_TRY(const auto file, fs_.open(files_.path(pack), OpenMode::read));
  return file->size();
}

std::string PackStoreImpl::parity_path(std::uint64_t pack) const {
  return directory_ + "/" + pack_parity_file_name(pack);
}

PackPosition PackStoreImpl::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

std::uint64_t PackStoreImpl::stored_bytes() const {
  const std::lock_guard lock(mutex_);
  return stored_bytes_;
}

std::vector<std::uint64_t> PackStoreImpl::packs() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, pack] : packs_)
    numbers.push_back(number);
  return numbers;
}

bool PackStoreImpl::is_sealed(const std::shared_ptr<WritablePack>& pack) const {
  return !pack || (pack != open_ && pack->is_sealed());
}

Result<std::shared_ptr<WritablePack>> PackStoreImpl::create_pack(PackWriter writer) {
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

Status PackStoreImpl::open_next_pack() {
  seal();
  RB_TRY(auto pack, create_pack(PackWriter::sessions));
  end_ = {.pack = pack->number, .offset = kPackHeaderBytes};
  open_ = std::move(pack);
  return {};
}

Status PackStoreImpl::begin_pack(WritablePack& pack) {
  const Bytes header = encode_pack_header({.repository = repository_,
                                           .number = pack.number,
                                           .collections_begun = options_.collections_begun,
                                           .writer = pack.writer});
  RB_TRY(pack.file->write_at(0, header));
  pack.file->bypass_cache();
  pack.tail.emplace(header);
  return fs_.sync_directory(directory_);
}

void PackStoreImpl::seal() {
  const bool is_dirty = open_ && !dirty_.empty() && dirty_.back() == open_;
  if (open_ && !is_dirty) open_->file.reset();
  open_.reset();
}

Result<std::unique_ptr<CollectorPack>> PackStoreImpl::begin_collector_pack() {
  const std::lock_guard lock(mutex_);
  RB_TRY(auto pack, create_pack(PackWriter::collector));
  pack->is_filling = true;
  return std::make_unique<CollectorPackImpl>(*this, std::move(pack));
}

// What gathers of a collector's pack is nobody else's: it is written without the lock.
Result<PackPosition> PackStoreImpl::append_to(WritablePack& pack, const PackRecordOwner& owner,
                                              ByteView block) {
  RB_ASSERT(pack.file && valid_block_bytes(block.size()));
  if (pack.tail->is_full()) RB_TRY(write_tail(pack));
  const std::lock_guard lock(mutex_);
  return add_record(pack, owner, block);
}

Status PackStoreImpl::write_tail(WritablePack& pack) {
  PackStretch stretch = pack.tail->take();
  const Status written = write_stretch(*pack.file, stretch);
  const std::lock_guard lock(mutex_);
  memory_.give_back(std::move(stretch.memory));
  return written;
}

Status PackStoreImpl::finish(WritablePack& pack) {
  RB_ASSERT(pack.file);
  Status synced = pack.tail->has_untaken() ? write_tail(pack) : Status();
  if (synced) synced = pack.file->sync();
  const std::lock_guard lock(mutex_);
  pack.file.reset();
  pack.tail.reset();
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

Result<std::unique_ptr<PackStore>> PackStore::open(FileSystem& fs, std::string directory,
                                                   const HashKey& record_key, const RepositoryId& repository,
                                                   PackStoreOptions options) {
  auto store = std::make_unique<PackStoreImpl>(fs, std::move(directory), record_key, repository, options);
  RB_TRY(store->load());
  return store;
}

}  // namespace rb
