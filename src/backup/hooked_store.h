// For tests: a Store that calls back just before each block is put, so that something happens in the middle
// of a run.
#pragma once

#include <functional>

#include "store/store.h"

namespace rb::test {

class HookedStore final : public Store {
 public:
  HookedStore(Store& store, std::function<void()> before_put)
      : store_(store), before_put_(std::move(before_put)) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    RB_TRY(std::unique_ptr<Session> session, store_.begin(request));
    return std::make_unique<HookedSession>(std::move(session), before_put_);
  }

 private:
  class HookedSession final : public Session {
   public:
    HookedSession(std::unique_ptr<Session> session, const std::function<void()>& before_put)
        : session_(std::move(session)), before_put_(before_put) {}
    const SessionInfo& info() const override { return session_->info(); }
    bool must_ask() const override { return session_->must_ask(); }
    Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override { return session_->ask(ids); }
    Status put(Bytes block) override {
      before_put_();
      return session_->put(std::move(block));
    }
    Status flush() override { return session_->flush(); }
    Result<CommitResult> commit(const CommitRequest& request) override { return session_->commit(request); }
    Status read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) override {
      return session_->read(ids, neighbours, sink);
    }
    Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override {
      return session_->snapshots(query);
    }
    Result<StoreStatus> status() override { return session_->status(); }

   private:
    std::unique_ptr<Session> session_;
    const std::function<void()>& before_put_;
  };

  Store& store_;
  std::function<void()> before_put_;
};

}  // namespace rb::test
