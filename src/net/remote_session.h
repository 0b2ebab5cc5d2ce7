// A session at the other end of a connection. Every answer is foreign and checked; api/client_codec.h says
// how requests and answers look, ServerLink when they are repeated.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "api/client_codec.h"
#include "net/block_sender.h"
#include "net/server_link.h"
#include "store/store.h"

namespace rb::net {

class RemoteSession final : public Session {
 public:
  RemoteSession(std::shared_ptr<ServerLink> link, const RunId& run, api::BeginAnswer answer);
  // Tells the server, if it can be told soon. What was put and not flushed is dropped.
  ~RemoteSession() override;

  const SessionInfo& info() const override { return begun_.info; }
  bool must_ask() const override { return must_ask_; }
  Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override;
  Status put(Bytes block) override;
  Status flush() override;
  Result<CommitResult> commit(const CommitRequest& request) override;
  Status read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) override;
  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override;
  Result<StoreStatus> status() override;
  Status pin(const SnapshotId& snapshot, bool pinned) override;

 private:
  Exchange exchange_of(const api::Request& request) const;
  Result<api::Response> call(const api::Request& request);
  // Asks for nothing; the answer says whether the session goes on.
  Status renew();
  Status send_blocks(const api::StreamPosition& position, std::span<const Bytes> blocks);
  Status check_fence() const;
  void note_answer(const api::Response& answer);
  void note_error(const Error& error);
  template <typename T>
  Result<T> noted(Result<T> result);
  void keep_alive();

  const std::shared_ptr<ServerLink> link_;
  const RunId run_;
  const api::BeginAnswer begun_;
  Cancellation cancellation_;
  std::atomic<bool> must_ask_;
  std::atomic<bool> fenced_{false};
  std::atomic<std::int64_t> last_answer_;  // steady clock, nanoseconds
  std::unique_ptr<BlockSender> sender_;
  std::thread keeper_;
};

}  // namespace rb::net
