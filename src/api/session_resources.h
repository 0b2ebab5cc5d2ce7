// The resources of a backup: sessions, and what is done in them (docs/protocol.md, "Semantics"). Callers are
// settled. Thread-safe.
#pragma once

#include "api/backend.h"
#include "api/routes.h"
#include "api/session_table.h"

namespace rb::api {

class SessionResources {
 public:
  SessionResources(Backend& backend, const Clock& clock, std::chrono::seconds lease);

  // An error becomes the answer.
  Result<Response> handle(const Peer& peer, const Caller& caller, const Route& route, const Request& request);
  SessionTable& sessions() { return sessions_; }

 private:
  Result<Response> begin(const Peer& peer, const Caller& caller, const Request& request);
  Result<Response> commit(const Caller& caller, const Request& request);
  Result<Response> commit_in(OpenSession& open, const CommitMessage& message, const Request& request);
  Result<Response> earlier_commit(const Caller& caller, const CommitMessage& message, const Error& fenced);
  Result<Response> in_session(const Caller& caller, const Route& route, const Request& request);
  Result<Response> dispatch(const SessionTable::Use& use, const Route& route, const Request& request);
  Result<Response> ask(OpenSession& open, const Request& request);
  Result<Response> take_blocks(OpenSession& open, const Request& request);
  Result<Response> take_metadata(OpenSession& open, std::uint64_t first, std::span<const ByteView> blocks);
  Result<Response> give_objects(const Caller& caller, const Route& route, const Request& request);
  Result<Response> snapshots(OpenSession& open, const Route& route);

  Backend& backend_;
  const std::chrono::seconds lease_;
  SessionTable sessions_;
};

}  // namespace rb::api
