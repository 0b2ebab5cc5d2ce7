// The protocol against a store in memory, without a socket: requests are values, made by the client's own
// codec where they are right, by hand where they are wrong.
#include "api/service.h"

#include <thread>

#include <gtest/gtest.h>

#include "api/bulk.h"
#include "api/client_codec.h"
#include "api/errors.h"
#include "base/limits.h"
#include "base/random.h"
#include "store/memory_store.h"
#include "support/block_samples.h"
#include "support/manual_clock.h"

namespace rb::api {
namespace {

using test::ManualClock;

using test::SampleBlock;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest()
      : repository_(make_memory_repository({})),
        store_(repository_, "ana"),
        service_([this](const Peer& peer) { return store_for(peer); }, clock_,
                 {.lease = std::chrono::seconds(10)}) {}

  // Borrows the test's store, so that it can fail and fence.
  class Borrowed final : public Store {
   public:
    explicit Borrowed(Store& store) : store_(store) {}
    Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
      return store_.begin(request);
    }

   private:
    Store& store_;
  };

  Result<std::unique_ptr<Store>> store_for(const Peer& peer) {
    if (peer.uid == 666) return fail(Errc::denied, "not you");
    if (busy_) return fail(Errc::busy, "no room");
    return std::make_unique<Borrowed>(store_);
  }

  Response send(Request request, std::vector<Bytes> parts = {}, std::uint32_t uid = 1000) {
    for (const Bytes& part : parts)
      append(request.body, part);
    const Peer peer{.uid = uid, .user = "ana", .address = "test"};
    Response response = service_.handle(peer, request);
    if (!response.stream) return response;
    const Status streamed = response.stream([&](ByteView piece) -> Status {
      append(response.body, piece);
      return {};
    });
    response.stream = nullptr;
    return streamed ? response : error_response(streamed.error());
  }

  BeginAnswer begin(std::optional<RunId> run = {}) {
    BeginRequest wanted;
    wanted.run = run ? *run : random_id<RunId>();
    run_ = wanted.run;
    return parse_begin(send(begin_request(wanted))).value();
  }

  Status send_data(const SessionKey& session, const std::vector<SampleBlock>& blocks) {
    return send_at(session, {}, blocks);
  }
  Status send_at(const SessionKey& session, const StreamPosition& position,
                 const std::vector<SampleBlock>& blocks) {
    std::vector<Bytes> parts;
    for (const SampleBlock& block : blocks)
      parts.push_back(block.bytes);
    return parse_blocks(send(blocks_request(session, position), parts), position, blocks.size());
  }

  // A chunk, a tree that refers to it, a snapshot of that; sent as a client would.
  SampleBlock upload(const SessionKey& session, const std::string& content, std::uint64_t first = 0) {
    const SampleBlock chunk = test::chunk_block(content);
    const SampleBlock tree = test::tree_block({chunk.id});
    const SampleBlock snapshot = test::snapshot_block(tree.id, content);
    EXPECT_TRUE(send_data(session, {chunk}));
    EXPECT_TRUE(send_at(session, {true, first}, {tree, snapshot}));
    return snapshot;
  }

  ManualClock clock_;
  std::shared_ptr<MemoryRepository> repository_;
  MemoryStore store_;
  bool busy_ = false;
  RunId run_;
  Service service_;
};

TEST_F(ServiceTest, HelloSaysWhichVersionsAreSpoken) {
  Request request;
  request.method = "GET";
  request.target = "/v1/server";
  const Response answer = send(request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(decode_hello(answer.body)->protocols, std::vector<int>{1});
}

TEST_F(ServiceTest, ABackupGoesThroughAndIsReadBack) {
  const BeginAnswer begun = begin();
  EXPECT_FALSE(begun.info.head);
  EXPECT_EQ(begun.lease, std::chrono::seconds(10));
  const SampleBlock chunk = test::chunk_block("hello");
  EXPECT_EQ(parse_ask(send(ask_request(begun.session, std::vector{chunk.id})), 1).value()[0], Presence::send);
  const SampleBlock snapshot = upload(begun.session, "hello");
  EXPECT_EQ(parse_ask(send(ask_request(begun.session, std::vector{chunk.id})), 1).value()[0], Presence::have);

  const Response committed = send(commit_request(begun.session, run_, {snapshot.id, std::nullopt}));
  const CommitResult result = parse_commit(committed).value();
  ASSERT_TRUE(result.committed);
  EXPECT_EQ(committed.headers.at("etag"), '"' + to_hex(result.head->id) + '"');

  const auto history = parse_snapshots(send(snapshots_request(begun.session, {})), {}).value();
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0], *result.head);
  EXPECT_EQ(parse_status(send(status_request(begun.session)))->snapshot_count, 1u);

  const Response read =
      send(objects_request(begun.session, std::vector{chunk.id, snapshot.id}, Neighbours::welcome));
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(cut_blocks(read.body)->size(), 2u);
  EXPECT_EQ(send(end_request(begun.session)).status, 204);
  EXPECT_EQ(send(status_request(begun.session)).status, 410);
}

TEST_F(ServiceTest, ASessionBelongsToWhoBeganIt) {
  const BeginAnswer begun = begin();
  EXPECT_EQ(send(status_request(begun.session), {}, 1001).status, 410);
  EXPECT_EQ(send(end_request(begun.session), {}, 1001).status, 410);
  EXPECT_EQ(send(status_request(begun.session)).status, 200);
}

TEST_F(ServiceTest, WhomTheStoreRefusesIsRefused) {
  EXPECT_EQ(send(begin_request({}), {}, 666).status, 403);
  busy_ = true;
  const Response answer = send(begin_request({}));
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.headers.contains("retry-after"));
  EXPECT_EQ(parse_begin(answer).error().code, Errc::busy);
}

TEST_F(ServiceTest, ALeaseIsRenewedByRequestsAndRunsOut) {
  const BeginAnswer begun = begin();
  for (int i = 0; i < 5; i++) {
    clock_.now += std::chrono::seconds(8);
    EXPECT_EQ(send(keep_alive_request(begun.session)).status, 200);
  }
  clock_.now += std::chrono::seconds(11);
  const Response answer = send(keep_alive_request(begun.session));
  EXPECT_EQ(answer.status, 410);
  EXPECT_EQ(decode_error(answer.status, answer.body).code, Errc::fenced);
}

TEST_F(ServiceTest, ExpiryEndsSessionsThatNobodyAsksFor) {
  (void)begin();
  clock_.now += std::chrono::seconds(11);
  service_.expire_leases();
  const BeginAnswer other = begin();
  EXPECT_TRUE(other.info.dont_ask) << "the expired session would stand in the way";
}

TEST_F(ServiceTest, AnAnswerThatIsBeingGivenKeepsItsSession) {
  const BeginAnswer begun = begin();
  const SampleBlock chunk = test::chunk_block("x");
  ASSERT_TRUE(send_data(begun.session, {chunk}));
  Response response =
      service_.handle({.uid = 1000, .user = "ana"},
                      objects_request(begun.session, std::vector{chunk.id}, Neighbours::welcome));
  clock_.now += std::chrono::seconds(60);
  service_.expire_leases();
  EXPECT_TRUE(response.stream([](ByteView) -> Status { return {}; }));
  response.stream = nullptr;
  EXPECT_EQ(send(keep_alive_request(begun.session)).status, 200);
}

TEST_F(ServiceTest, BeginningARunAgainEndsItsEarlierSession) {
  const BeginAnswer first = begin();
  const BeginAnswer second = begin(run_);
  EXPECT_NE(first.session, second.session);
  EXPECT_EQ(send(keep_alive_request(first.session)).status, 410);
  EXPECT_TRUE(second.info.dont_ask) << "the run's own earlier session is no second session";
}

TEST_F(ServiceTest, DontAskIsWithdrawnOnTheNextAnswer) {
  const BeginAnswer first = begin();
  ASSERT_TRUE(first.info.dont_ask);
  EXPECT_TRUE(says_dont_ask(send(keep_alive_request(first.session))));
  (void)begin();
  EXPECT_FALSE(says_dont_ask(send(keep_alive_request(first.session))));
}

TEST_F(ServiceTest, DataMayBeRepeated) {
  const BeginAnswer begun = begin();
  const SampleBlock chunk = test::chunk_block("x");
  EXPECT_TRUE(send_data(begun.session, {chunk}));
  EXPECT_TRUE(send_data(begun.session, {chunk, chunk}));
  EXPECT_TRUE(send_data(begun.session, {}));
}

TEST_F(ServiceTest, RepeatedMetadataIsAnsweredAsTheFirstTime) {
  const BeginAnswer begun = begin();
  const SampleBlock one = test::tree_block({}, "one");
  const SampleBlock two = test::tree_block({one.id}, "two");
  const SampleBlock three = test::tree_block({two.id}, "three");
  EXPECT_TRUE(send_at(begun.session, {true, 0}, {one, two}));
  EXPECT_TRUE(send_at(begun.session, {true, 0}, {one, two}));
  EXPECT_TRUE(send_at(begun.session, {true, 1}, {two, three})) << "what overlaps is taken once";
  EXPECT_EQ(store_.stats().blocks, 3u);
}

TEST_F(ServiceTest, AGapInTheMetadataIsRefused) {
  const BeginAnswer begun = begin();
  const Response answer = send(blocks_request(begun.session, {true, 1}), {test::tree_block({}).bytes});
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(decode_error(answer.status, answer.body).code, Errc::protocol);
  EXPECT_TRUE(send_at(begun.session, {true, 0}, {test::tree_block({})}));
}

TEST_F(ServiceTest, AReferenceThatDoesNotResolveIs409AndTheStreamResumesThere) {
  const BeginAnswer begun = begin();
  const SampleBlock chunk = test::chunk_block("late");
  const SampleBlock good = test::tree_block({}, "good");
  const SampleBlock early = test::tree_block({chunk.id}, "early");
  const Response answer = send(blocks_request(begun.session, {true, 0}), {good.bytes, early.bytes});
  EXPECT_EQ(answer.status, 409);
  const Error error = decode_error(answer.status, answer.body);
  EXPECT_EQ(error.code, Errc::missing_refs);
  EXPECT_NE(error.message.find(to_hex(chunk.id)), std::string::npos) << error.message;
  ASSERT_TRUE(send_data(begun.session, {chunk}));
  EXPECT_TRUE(send_at(begun.session, {true, 1}, {early}));
}

TEST_F(ServiceTest, ACommitThatLostSaysWhoWon) {
  const BeginAnswer mine = begin();
  const RunId my_run = run_;
  const BeginAnswer theirs = begin();
  const SampleBlock their_snapshot = upload(theirs.session, "theirs");
  const auto won =
      parse_commit(send(commit_request(theirs.session, run_, {their_snapshot.id, std::nullopt}))).value();
  ASSERT_TRUE(won.committed);

  const SampleBlock my_snapshot = upload(mine.session, "mine");
  const Response answer = send(commit_request(mine.session, my_run, {my_snapshot.id, std::nullopt}));
  EXPECT_EQ(answer.status, 412);
  const CommitResult lost = parse_commit(answer).value();
  EXPECT_FALSE(lost.committed);
  EXPECT_EQ(lost.head, won.head);
  EXPECT_TRUE(
      parse_commit(send(commit_request(mine.session, my_run, {my_snapshot.id, lost.head->id})))->committed);
}

TEST_F(ServiceTest, ARepeatedCommitGivesTheFirstResultWhateverBecameOfTheSession) {
  const BeginAnswer begun = begin();
  const SampleBlock snapshot = upload(begun.session, "x");
  const Request commit = commit_request(begun.session, run_, {snapshot.id, std::nullopt});
  const CommitResult first = parse_commit(send(commit)).value();
  ASSERT_TRUE(first.committed);
  EXPECT_EQ(parse_commit(send(commit))->head, first.head);
  service_.fence_all();
  EXPECT_EQ(parse_commit(send(commit))->head, first.head) << "with a session that is gone";
  const BeginAnswer again = begin(run_);
  EXPECT_EQ(again.info.already_committed, first.head);
  EXPECT_EQ(parse_commit(send(commit_request(again.session, run_, {snapshot.id, first.head->id})))->head,
            first.head);
}

TEST_F(ServiceTest, ACommitOfAFencedRunThatNeverCommittedIs410) {
  const BeginAnswer begun = begin();
  const SampleBlock snapshot = upload(begun.session, "x");
  service_.fence_all();
  EXPECT_EQ(send(commit_request(begun.session, run_, {snapshot.id, std::nullopt})).status, 410);
}

TEST_F(ServiceTest, AFenceOfTheStoreIs410) {
  const BeginAnswer begun = begin();
  store_.fence_all();
  EXPECT_EQ(send(ask_request(begun.session, std::vector{ObjectId{}})).status, 410);
  EXPECT_EQ(send(status_request(begun.session)).status, 410);
}

TEST_F(ServiceTest, ACommitNeedsAPreconditionItsSessionAndItsRun) {
  const BeginAnswer begun = begin();
  const SampleBlock snapshot = upload(begun.session, "x");
  const Request good = commit_request(begun.session, run_, {snapshot.id, std::nullopt});
  const auto check = [&](const char* what, const std::function<void(Request&)>& change) {
    Request bad = good;
    change(bad);
    EXPECT_EQ(send(bad).status, 400) << what;
  };
  check("no precondition", [](Request& r) { r.headers.erase("if-none-match"); });
  check("a weak tag", [](Request& r) { r.headers["if-match"] = "W/\"00\""; });
  check("both", [](Request& r) { r.headers["if-match"] = '"' + std::string(32, '0') + '"'; });
  check("a list", [](Request& r) { r.headers["if-none-match"] = "*, *"; });
  check("no session", [](Request& r) { r.headers.erase("rb-session"); });
  check("another run", [&](Request& r) {
    r.body.clear();
    append(r.body, as_bytes(encode_commit({random_id<RunId>(), snapshot.id})));
  });
  check("no JSON", [](Request& r) { r.body = {1, 2, 3}; });
  EXPECT_EQ(send(good).status, 200);
}

TEST_F(ServiceTest, BadBodiesAreRefused) {
  const BeginAnswer begun = begin();
  Request ask = ask_request(begun.session, {});
  ask.body = Bytes(33);
  EXPECT_EQ(send(ask).status, 400);
  Request read = objects_request(begun.session, {}, Neighbours::welcome);
  read.body = Bytes(31);
  EXPECT_EQ(send(read).status, 400);
  EXPECT_EQ(send(blocks_request(begun.session, {}), {Bytes(100, 'x')}).status, 422);
  Bytes damaged = test::chunk_block("payload").bytes;
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_EQ(send(blocks_request(begun.session, {}), {damaged}).status, 422);
  Bytes cut = test::chunk_block("payload").bytes;
  cut.pop_back();
  EXPECT_EQ(send(blocks_request(begun.session, {}), {cut}).status, 400);
  Request no_stream = blocks_request(begun.session, {});
  no_stream.headers.erase("rb-stream");
  EXPECT_EQ(send(no_stream).status, 400);
  Request page = snapshots_request(begun.session, {});
  page.target += "x";
  EXPECT_EQ(send(page).status, 400);
}

TEST_F(ServiceTest, ReadingWhatIsNotThereIs404) {
  const BeginAnswer begun = begin();
  EXPECT_EQ(send(objects_request(begun.session, std::vector{ObjectId{}}, Neighbours::welcome)).status, 404);
}

TEST_F(ServiceTest, AReadSessionMayNotWrite) {
  BeginRequest wanted;
  wanted.purpose = SessionPurpose::read;
  const BeginAnswer begun = parse_begin(send(begin_request(wanted))).value();
  EXPECT_EQ(send(blocks_request(begun.session, {}), {test::chunk_block("x").bytes}).status, 400);
}

TEST_F(ServiceTest, TooLargeBodiesAreRefusedBeforeTheyAreRead) {
  Request head;
  head.method = "POST";
  head.target = "/v1/nodes/self/sessions";
  EXPECT_EQ(service_.admit({}, head).value().max_body_bytes, std::size_t{64} << 10);
  head.body = Bytes((64 << 10) + 1, ' ');
  EXPECT_EQ(send(head).status, 413);
  head.target = "/v1/unknown";
  EXPECT_EQ(service_.admit({}, head).error().status, 404);
}

TEST_F(ServiceTest, ErrorsOfTheStoreKeepTheirCode) {
  for (const Errc code : {Errc::no_space, Errc::io, Errc::corrupt, Errc::unavailable, Errc::unsupported}) {
    const BeginAnswer begun = begin();
    store_.fail_after(0, Error(code, "as told"));
    const auto answer = parse_ask(send(ask_request(begun.session, std::vector{ObjectId{}})), 1);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, code);
  }
}

TEST_F(ServiceTest, RequestsOfOneSessionRunSideBySide) {
  const BeginAnswer begun = begin();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; i++) {
        EXPECT_TRUE(send_data(begun.session, {test::chunk_block(std::to_string(t * 1000 + i))}));
        EXPECT_EQ(send(keep_alive_request(begun.session)).status, 200);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(store_.stats().blocks, 200u);
}

}  // namespace
}  // namespace rb::api
