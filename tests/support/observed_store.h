// Stands between a run and its store: counts what goes through, and calls the test at the moments where
// things may happen between two clients. Hooks run on the caller's thread, so a hook that blocks holds up the
// run there.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "format/block.h"
#include "store/store.h"

namespace rb::test {

struct StoreHooks {
  std::function<void(Session&)> after_begin;
  std::function<void(std::span<const ObjectId>, const std::vector<Presence>&)> after_ask;
  std::function<void(const BlockDirectory&)> before_put;
  std::function<void(Session&, const CommitRequest&)> before_commit;
};

// How often each chunk was put, by whoever shares the ledger. Thread-safe.
class ChunkLedger {
 public:
  void note(const BlockDirectory& block) {
    const std::lock_guard lock(mutex_);
    for (const BlockObject& object : block.objects)
      if (object.kind == ObjectKind::chunk) ++puts_[object.id];
  }
  std::size_t chunks() const {
    const std::lock_guard lock(mutex_);
    return puts_.size();
  }
  // Chunks put again.
  std::size_t repeated() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& [id, times] : puts_)
      count += times - 1;
    return count;
  }

 private:
  mutable std::mutex mutex_;
  std::map<ObjectId, std::size_t> puts_;
};

class ObservedStore final : public Store {
 public:
  ObservedStore(std::unique_ptr<Store> store, StoreHooks hooks, ChunkLedger* ledger = nullptr)
      : store_(std::move(store)), hooks_(std::move(hooks)), ledger_(ledger) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    RB_TRY(std::unique_ptr<Session> session, store_->begin(request));
    if (hooks_.after_begin) hooks_.after_begin(*session);
    return std::make_unique<Observed>(std::move(session), hooks_, ledger_);
  }

 private:
  class Observed final : public Session {
   public:
    Observed(std::unique_ptr<Session> session, const StoreHooks& hooks, ChunkLedger* ledger)
        : session_(std::move(session)), hooks_(hooks), ledger_(ledger) {}
    const SessionInfo& info() const override { return session_->info(); }
    bool must_ask() const override { return session_->must_ask(); }
    Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override {
      auto answers = session_->ask(ids);
      if (answers && hooks_.after_ask) hooks_.after_ask(ids, *answers);
      return answers;
    }
    Status put(Bytes block) override {
      RB_TRY(const BlockDirectory directory, decode_block_directory(block));
      if (hooks_.before_put) hooks_.before_put(directory);
      if (ledger_) ledger_->note(directory);
      return session_->put(std::move(block));
    }
    Status flush() override { return session_->flush(); }
    Result<CommitResult> commit(const CommitRequest& request) override {
      if (hooks_.before_commit) hooks_.before_commit(*session_, request);
      return session_->commit(request);
    }
    Status read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) override {
      return session_->read(ids, neighbours, sink);
    }
    Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override {
      return session_->snapshots(query);
    }
    Result<StoreStatus> status() override { return session_->status(); }

   private:
    std::unique_ptr<Session> session_;
    const StoreHooks& hooks_;
    ChunkLedger* ledger_;
  };

  std::unique_ptr<Store> store_;
  const StoreHooks hooks_;
  ChunkLedger* ledger_;
};

}  // namespace rb::test
