// The JSON messages of the protocol: values to text and back (docs/protocol.md, "Messages"). Decoders take
// foreign bytes: unknown fields are ignored; a missing field, a wrong type or a number out of range is
// Errc::protocol, which a server answers with 400. Pure functions.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "api/bulk.h"
#include "api/join_link.h"
#include "base/limits.h"
#include "store/store.h"

namespace rb::api {

inline constexpr int kProtocolVersion = 1;

// Names a session; 128 random bits, so that it can't be guessed.
using SessionKey = FixedId<struct SessionKeyTag, 16>;

// What GET /v1/server says.
struct ServerHello {
  std::string version;         // of the program, for people
  std::vector<int> protocols;  // versions it speaks
  RepositoryId repository;     // zero: it does not say
  bool operator==(const ServerHello&) const = default;
};

struct BeginAnswer {
  SessionKey session;
  std::chrono::seconds lease{0};  // a session without requests for so long is fenced
  SessionInfo info;
  // The server will have this key some day: to be remembered, and trusted then.
  std::optional<KeyPin> next_key;
};

// The expected head is not in here: it travels as If-Match.
struct CommitMessage {
  RunId run;
  ObjectId snapshot;
  bool operator==(const CommitMessage&) const = default;
};

std::string encode_hello(const ServerHello& hello);
Result<ServerHello> decode_hello(ByteView text);

std::string encode_begin(const BeginRequest& request);
Result<BeginRequest> decode_begin(ByteView text);
std::string encode_begin_answer(const BeginAnswer& answer);
Result<BeginAnswer> decode_begin_answer(ByteView text);

std::string encode_commit(const CommitMessage& message);
Result<CommitMessage> decode_commit(ByteView text);
// Of a commit that was made, and of one that lost; the latter is an error answer with the head beside it.
std::string encode_commit_result(const CommitResult& result);
Result<CommitResult> decode_commit_result(ByteView text);

std::string encode_snapshots(const std::vector<SnapshotInfo>& snapshots);
Result<std::vector<SnapshotInfo>> decode_snapshots(ByteView text);

std::string encode_status(const StoreStatus& status);
Result<StoreStatus> decode_status(ByteView text);

// Answers to a request of blocks: how many of its blocks are stored, for metadata the number of the next
// block.
std::string encode_count(const char* name, std::uint64_t count);
Result<std::uint64_t> decode_count(const char* name, ByteView text);

}  // namespace rb::api
