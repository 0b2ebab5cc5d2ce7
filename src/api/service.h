// The protocol without I/O: takes one decoded HTTP request, settles who asks, calls a Store or the registry
// of nodes, gives an answer. Knows no socket, no thread. Keeps the sessions that requests name, and fences
// those whose lease has run out. Thread-safe; calls may block on disk, but for admit().
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "store/store.h"

namespace rb::api {

class Backend;  // api/backend.h

// Who is at the other end, as the transport knows it.
struct Peer {
  bool local = true;      // on a Unix socket, where the kernel says who calls
  std::uint32_t uid = 0;  // means something only when local, as does `user`
  std::string user;
  std::string address;  // for the log and for limits: "192.0.2.7", or "unix, pid 12"
};

// What a request whose head has come may go on with.
struct Admission {
  std::size_t max_body_bytes = 0;
  std::uint64_t share = 0;  // requests of one node have one share, for fairness and limits; 0: of nobody yet
};

struct Request {
  std::string method;
  std::string target;                          // as received, undecoded
  std::map<std::string, std::string> headers;  // names in lower case
  Bytes body;
};

// An answer whose body may be long: `stream`, when set, gives the body in pieces. An error before the first
// piece becomes the answer; a later one breaks the answer off (docs/protocol.md, "Read"). The sink may block;
// its error ends the stream.
struct Response {
  int status = 200;
  std::map<std::string, std::string> headers;
  Bytes body;
  using PieceSink = std::function<Status(ByteView)>;
  std::function<Status(const PieceSink&)> stream;
};

using StoreFactory = std::function<Result<std::unique_ptr<Store>>(const Peer&)>;

struct ServiceOptions {
  std::chrono::seconds lease{300};  // a session without requests for so long is fenced
};

class Service {
 public:
  // Both must outlive it.
  Service(Backend& backend, const Clock& clock, ServiceOptions options);
  // For the users of this machine only, without administration: peers of the network are refused.
  Service(StoreFactory store_for, const Clock& clock, ServiceOptions options);
  ~Service();
  // Before the body is read: what it may be, or the answer that refuses it. Never waits.
  std::expected<Admission, Response> admit(const Peer& peer, const Request& head) const;
  Response handle(const Peer& peer, const Request& request);
  // Fences sessions whose lease has run out; called now and then. A request checks its own session's lease
  // anyway.
  void expire_leases();
  void fence_all();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rb::api
