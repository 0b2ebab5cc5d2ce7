#include "store/memory_store.h"

#include <algorithm>

#include "base/limits.h"
#include "format/block.h"
#include "store/memory_repository.h"

namespace rb {

std::shared_ptr<MemoryRepository> make_memory_repository(const ChunkParams& params) {
  return std::make_shared<MemoryRepository>(params);
}

// Shared with the sessions, which may outlive the store. Everything but `repository` is guarded by its mutex.
struct MemoryStore::Impl {
  std::shared_ptr<MemoryRepository> repository;
  std::string node;
  MemoryStoreStats stats;
  std::vector<std::weak_ptr<MemoryLease>> leases;
  std::optional<std::uint64_t> calls_before_failure;
  Error failure;

  MemoryNode& state() { return repository->nodes[node]; }
  Status count_call() {
    if (!calls_before_failure) return {};
    if ((*calls_before_failure)-- > 0) return {};
    calls_before_failure.reset();
    return std::unexpected(failure);
  }
};

namespace {

// Each method is one step under the repository's mutex: a fence, or a failure that a test asked for, is met
// before it.
template <typename Impl>
class MemorySession final : public Session {
 public:
  MemorySession(std::shared_ptr<Impl> impl, std::shared_ptr<MemoryLease> lease, SessionInfo info)
      : impl_(std::move(impl)), lease_(std::move(lease)), info_(std::move(info)) {}
  ~MemorySession() override {
    const std::lock_guard lock(mutex());
    impl_->state().leave(lease_->number);
  }

  const SessionInfo& info() const override { return info_; }

  bool must_ask() const override {
    const std::lock_guard lock(mutex());
    return !info_.dont_ask || lease_->ask_again;
  }

  Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override {
    const std::lock_guard lock(mutex());
    RB_TRY(check_call());
    if (ids.size() > kMaxAskIds) return fail(Errc::invalid_argument, "too many ids in one question");
    impl_->stats.asks += 1;
    impl_->stats.asked_ids += ids.size();
    return impl_->state().ask(lease_->number, ids);
  }

  Status put(Bytes block) override {
    const std::lock_guard lock(mutex());
    RB_TRY(check_call());
    RB_TRY(check_writing());
    RB_TRY(const BlockDirectory directory, decode_block_directory(block));
    const std::size_t size = block.size();
    RB_TRY(impl_->state().accept(std::move(block)));
    impl_->stats.blocks += 1;
    impl_->stats.block_bytes += size;
    if (directory.block_class == BlockClass::data) impl_->stats.data_block_bytes += size;
    return {};
  }

  Status flush() override {
    const std::lock_guard lock(mutex());
    return check_call();
  }

  Result<CommitResult> commit(const CommitRequest& request) override {
    const std::lock_guard lock(mutex());
    RB_TRY(impl_->count_call());
    // Before the fence is looked at: what was committed is committed.
    if (auto first = impl_->state().commit_of(lease_->run)) return CommitResult{true, std::move(first)};
    RB_TRY(check_fence());
    RB_TRY(check_writing());
    impl_->stats.commits += 1;
    return impl_->state().commit(lease_->run, request);
  }

  Status read(std::span<const ObjectId> ids, Neighbours, const BlockSink& sink) override {
    std::vector<std::shared_ptr<const Bytes>> blocks;
    {
      const std::lock_guard lock(mutex());
      RB_TRY(check_call());
      if (ids.size() > kMaxReadIds) return fail(Errc::invalid_argument, "too many ids to read at once");
      impl_->stats.reads += 1;
      RB_TRY(blocks, impl_->state().blocks_of(ids));
      for (const auto& block : blocks)
        impl_->stats.read_bytes += block->size();
    }
    for (const auto& block : blocks)
      RB_TRY(sink(*block));
    return {};
  }

  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override {
    const std::lock_guard lock(mutex());
    RB_TRY(check_call());
    return impl_->state().history_before(query.before_sequence, std::min<std::size_t>(query.limit, 1000));
  }

  Result<StoreStatus> status() override {
    const std::lock_guard lock(mutex());
    RB_TRY(check_call());
    StoreStatus status;
    status.node = impl_->node;
    status.server_version = RB_VERSION;
    status.snapshot_count = impl_->state().snapshot_count();
    status.object_count = impl_->state().object_count();
    for (const auto& [name, node] : impl_->repository->nodes)
      status.stored_bytes += node.stored_bytes();
    return status;
  }

 private:
  std::mutex& mutex() const { return impl_->repository->mutex; }
  Status check_call() {
    RB_TRY(impl_->count_call());
    return check_fence();
  }
  Status check_fence() const {
    if (lease_->fenced) return fail(Errc::fenced, "the session has ended");
    return {};
  }
  Status check_writing() const {
    if (lease_->purpose == SessionPurpose::write) return {};
    return fail(Errc::invalid_argument, "the session was begun for reading only");
  }

  std::shared_ptr<Impl> impl_;
  std::shared_ptr<MemoryLease> lease_;
  const SessionInfo info_;
};

}  // namespace

MemoryStore::MemoryStore(std::shared_ptr<MemoryRepository> repository, std::string node)
    : impl_(std::make_shared<Impl>()) {
  impl_->repository = std::move(repository);
  impl_->node = std::move(node);
}

MemoryStore::~MemoryStore() = default;

Result<std::unique_ptr<Session>> MemoryStore::begin(const BeginRequest& request) {
  MemoryRepository& repository = *impl_->repository;
  const std::lock_guard lock(repository.mutex);
  impl_->stats.begins += 1;
  auto lease = std::make_shared<MemoryLease>();
  lease->number = ++repository.last_session;
  lease->run = request.run;
  lease->purpose = request.purpose;
  MemoryNode& node = impl_->state();
  node.enter(lease);

  SessionInfo info;
  info.node = impl_->node;
  info.repository = repository.id;
  info.chunk_params = repository.params;
  info.head = node.head();
  info.already_committed = node.commit_of(request.run);
  info.cache_holds = request.cached_tree && node.holds(*request.cached_tree);
  info.base_held = request.base && node.has_snapshot(*request.base);
  info.dont_ask = node.object_count() == 0 && node.is_alone(lease->number);
  std::erase_if(impl_->leases, [](const auto& old) { return old.expired(); });
  impl_->leases.push_back(lease);
  return std::make_unique<MemorySession<Impl>>(impl_, std::move(lease), std::move(info));
}

MemoryStoreStats MemoryStore::stats() const {
  const std::lock_guard lock(impl_->repository->mutex);
  return impl_->stats;
}

void MemoryStore::fence_all() {
  const std::lock_guard lock(impl_->repository->mutex);
  for (const auto& weak : impl_->leases) {
    if (const auto lease = weak.lock()) lease->fenced = true;
  }
}

void MemoryStore::fail_after(std::uint64_t calls, Error error) {
  const std::lock_guard lock(impl_->repository->mutex);
  impl_->calls_before_failure = calls;
  impl_->failure = std::move(error);
}

}  // namespace rb
