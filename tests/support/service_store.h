// A Store that speaks the protocol to an api::Service in the same process, by function calls: requests and
// answers are the real ones, but there is no socket and no thread. What works here and not over a network is
// the network's fault.
#pragma once

#include <memory>
#include <mutex>

#include "api/client_codec.h"
#include "api/service.h"
#include "format/block.h"
#include "store/store.h"

namespace rb::test {

class ServiceSession final : public Session {
 public:
  ServiceSession(api::Service& service, api::Peer peer, RunId run, api::BeginAnswer begun)
      : service_(service), peer_(std::move(peer)), run_(run), begun_(std::move(begun)) {}
  ~ServiceSession() override { call(api::end_request(begun_.session)); }

  const SessionInfo& info() const override { return begun_.info; }
  bool must_ask() const override {
    const std::lock_guard lock(mutex_);
    return must_ask_;
  }

  Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override {
    return api::parse_ask(call(api::ask_request(begun_.session, ids)), ids.size());
  }

  // A request per block: what travels together is the network's business.
  Status put(Bytes block) override {
    RB_TRY(const BlockClass block_class, block_class_of(block));
    if (block_class == BlockClass::data) return send({}, std::move(block));
    const std::lock_guard ordered(metadata_mutex_);
    RB_TRY(send({.metadata = true, .first = next_metadata_}, std::move(block)));
    ++next_metadata_;
    return {};
  }

  Status flush() override { return {}; }  // each answer means stable storage

  Result<CommitResult> commit(const CommitRequest& request) override {
    return api::parse_commit(call(api::commit_request(begun_.session, run_, request)));
  }

  Status read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) override {
    const api::Response answer = call(api::objects_request(begun_.session, ids, neighbours));
    if (!answer.stream) return api::parse_keep_alive(answer);  // an error answer, as any other
    api::BlockAssembler assembler(sink);
    return answer.stream([&](ByteView piece) { return assembler.feed(piece); });
  }

  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override {
    return api::parse_snapshots(call(api::snapshots_request(begun_.session, query)), query);
  }
  Result<StoreStatus> status() override {
    return api::parse_status(call(api::status_request(begun_.session)));
  }

 private:
  Status send(const api::StreamPosition& position, Bytes block) {
    api::Request request = api::blocks_request(begun_.session, position);
    request.body = std::move(block);
    return api::parse_blocks(call(request), position, 1);
  }

  api::Response call(const api::Request& request) {
    api::Response answer = service_.handle(peer_, request);
    const std::lock_guard lock(mutex_);
    must_ask_ = must_ask_ || !api::says_dont_ask(answer);
    return answer;
  }

  api::Service& service_;
  const api::Peer peer_;
  const RunId run_;
  const api::BeginAnswer begun_;
  mutable std::mutex mutex_;
  bool must_ask_ = !begun_.info.dont_ask;
  std::mutex metadata_mutex_;  // metadata blocks are numbered, and sent in that order
  std::uint64_t next_metadata_ = 0;
};

class ServiceStore final : public Store {
 public:
  ServiceStore(api::Service& service, api::Peer peer) : service_(service), peer_(std::move(peer)) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    RB_TRY(api::BeginAnswer begun, api::parse_begin(service_.handle(peer_, api::begin_request(request))));
    return std::make_unique<ServiceSession>(service_, peer_, request.run, std::move(begun));
  }

 private:
  api::Service& service_;
  const api::Peer peer_;
};

}  // namespace rb::test
