// The client's side of the protocol as values: what each call of a Session looks like as a request, and what
// its answer means. Shares messages and bulk bodies with the service, so that both ends are one piece of
// code. An answer is foreign: every parse_ checks status, form and sizes; an error answer becomes its Error.
#pragma once

#include "api/history_messages.h"
#include "api/messages.h"
#include "api/node_messages.h"
#include "api/routes.h"
#include "api/service.h"

namespace rb::api {

// Made without a credential: the invitation in it is one.
Request join_request(const JoinRequest& request);
Result<JoinAnswer> parse_join(const Response& answer);

Request begin_request(const BeginRequest& wanted);
Result<BeginAnswer> parse_begin(const Response& answer);

Request ask_request(const SessionKey& session, std::span<const ObjectId> ids);
Result<std::vector<Presence>> parse_ask(const Response& answer, std::size_t count);

// The head alone: the blocks are sent from where they are.
Request blocks_request(const SessionKey& session, const StreamPosition& position);
// Checks that all `count` blocks of the request are acknowledged.
Status parse_blocks(const Response& answer, const StreamPosition& position, std::size_t count);

Request commit_request(const SessionKey& session, const RunId& run, const CommitRequest& commit);
Result<CommitResult> parse_commit(const Response& answer);

Request objects_request(const SessionKey& session, std::span<const ObjectId> ids, Neighbours neighbours);

Request snapshots_request(const SessionKey& session, const SnapshotQuery& query);
Result<std::vector<SnapshotInfo>> parse_snapshots(const Response& answer, const SnapshotQuery& query);

Request own_pin_request(const SessionKey& session, const PinOrder& order);  // answered as parse_done says

Request status_request(const SessionKey& session);
Result<StoreStatus> parse_status(const Response& answer);

// Does nothing but renew the lease.
Request keep_alive_request(const SessionKey& session);
Status parse_keep_alive(const Response& answer);
Request end_request(const SessionKey& session);

// What administrators ask for.
Request nodes_request();
Result<std::vector<NodeOverview>> parse_nodes(const Response& answer);
Request invitation_request(const InvitationOrder& order);
Result<InvitationAnswer> parse_invitation(const Response& answer);
Request removal_request(const std::string& node);
Request renaming_request(const Renaming& renaming);
Status parse_done(const Response& answer);  // of the two above, of pins and of undeletion
Request next_key_request();
Request switch_key_request();
Result<KeyPin> parse_key(const Response& answer);  // of the two above
Request prune_request(const PruneRequest& request);
Result<std::vector<PrunedNode>> parse_pruned(const Response& answer);
Request history_request(const std::string& node);
Result<std::vector<KeptSnapshot>> parse_history(const Response& answer);
Request pin_request(const SnapshotOrder& order);
Request undelete_request(const SnapshotOrder& order);
Request stats_request();
Result<StatsAnswer> parse_stats(const Response& answer);
Request hello_request();
Result<ServerHello> parse_hello(const Response& answer);
Request token_request(const std::string& name = {});
Result<AdministratorToken> parse_token(const Response& answer);
Request tokens_request();
Result<std::vector<TokenOverview>> parse_tokens(const Response& answer);
Request revocation_request(const std::string& id);
Result<TokenOverview> parse_revocation(const Response& answer);

// Whether the answer of a session's request says that asking is still needless.
bool says_dont_ask(const Response& answer);

}  // namespace rb::api
