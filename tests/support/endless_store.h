// A store whose reads take as long as their reader lets them.
#pragma once

#include <atomic>
#include <latch>

#include "store/store.h"
#include "support/block_samples.h"

namespace rb::test {

// Serves reads with a very long answer, made of one block again and again.
class EndlessStore final : public Store {
 public:
  explicit EndlessStore(int blocks) : blocks_(blocks) {}
  Result<std::unique_ptr<Session>> begin(const BeginRequest&) override {
    return std::make_unique<EndlessSession>(*this);
  }
  std::atomic<int> given{0};
  std::latch ended{1};

 private:
  class EndlessSession final : public Session {
   public:
    explicit EndlessSession(EndlessStore& store) : store_(store) {}
    const SessionInfo& info() const override { return info_; }
    bool must_ask() const override { return true; }
    Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override {
      return std::vector<Presence>(ids.size());
    }
    Status put(Bytes) override { return {}; }
    Status flush() override { return {}; }
    Result<CommitResult> commit(const CommitRequest&) override { return CommitResult(); }
    Status read(std::span<const ObjectId>, Neighbours, const BlockSink& sink) override {
      const Bytes block = chunk_block(std::string(100000, 'x')).bytes;
      Status status;
      for (int i = 0; i < store_.blocks_ && status; i++) {
        status = sink(block);
        if (status) store_.given++;
      }
      store_.ended.count_down();
      return status;
    }
    Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery&) override {
      return std::vector<SnapshotInfo>();
    }
    Result<StoreStatus> status() override { return StoreStatus(); }

   private:
    EndlessStore& store_;
    SessionInfo info_;
  };
  const int blocks_;
};

}  // namespace rb::test
