// The client's end: against the real server with a store in memory, through a proxy that cuts, against
// servers that lie.
#include "net/remote_store.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/messages.h"
#include "base/limits.h"
#include "base/random.h"
#include "support/block_samples.h"
#include "support/cutting_proxy.h"
#include "support/net_fixture.h"
#include "support/raw_socket.h"

namespace rb::net {
namespace {

using std::chrono::milliseconds;
using test::SampleBlock;
using test::ScriptedServer;
using test::ServedStore;
using test::TempDirectory;

std::unique_ptr<Store> store_at(const std::string& path, milliseconds patience = milliseconds(10000)) {
  return make_remote_store({.socket_path = path, .patience = patience});
}

BeginRequest new_run() {
  BeginRequest wanted;
  wanted.run = random_id<RunId>();
  return wanted;
}

struct Sample {
  std::vector<SampleBlock> chunks;
  SampleBlock tree, snapshot;
};

Sample make_sample(int chunk_count, std::size_t chunk_bytes) {
  Sample sample;
  std::vector<ObjectId> ids;
  for (int i = 0; i < chunk_count; i++) {
    sample.chunks.push_back(test::chunk_block(std::to_string(i) + std::string(chunk_bytes, 'x')));
    ids.push_back(sample.chunks.back().id);
  }
  sample.tree = test::tree_block(ids);
  sample.snapshot = test::snapshot_block(sample.tree.id);
  return sample;
}

Status put_all(Session& session, const Sample& sample) {
  for (const SampleBlock& chunk : sample.chunks)
    RB_TRY(session.put(chunk.bytes));
  RB_TRY(session.put(sample.tree.bytes));
  return session.put(sample.snapshot.bytes);
}

Result<std::vector<Bytes>> read_all(Session& session, const Sample& sample) {
  std::vector<ObjectId> ids = {sample.snapshot.id, sample.tree.id};
  for (const SampleBlock& chunk : sample.chunks)
    ids.push_back(chunk.id);
  std::vector<Bytes> blocks;
  RB_TRY(session.read(ids, Neighbours::welcome, [&](ByteView block) -> Status {
    blocks.emplace_back(block.begin(), block.end());
    return {};
  }));
  return blocks;
}

TEST(RemoteStoreTest, ARunGoesThrough) {
  ServedStore served;
  const auto store = store_at(served.path());
  const auto session = store->begin(new_run()).value();
  EXPECT_EQ(session->info().node, "ana");
  EXPECT_FALSE(session->must_ask());
  const Sample sample = make_sample(50, 100000);
  ASSERT_TRUE(put_all(*session, sample));
  const CommitResult result = session->commit({sample.snapshot.id, std::nullopt}).value();
  EXPECT_TRUE(result.committed);
  EXPECT_EQ(session->ask(std::vector{sample.tree.id, ObjectId{}}).value(),
            (std::vector{Presence::have, Presence::send}));
  EXPECT_EQ(read_all(*session, sample).value().size(), 52u);
  const auto history = session->snapshots({});
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(history->at(0), *result.head);
  EXPECT_EQ(session->status().value().snapshot_count, 1u);
}

TEST(RemoteStoreTest, WhereNobodyListensAFirstCallFailsAtOnce) {
  const TempDirectory directory;
  const auto begun = store_at(directory / "none", std::chrono::hours(1))->begin(new_run());
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Errc::unavailable);
  EXPECT_NE(begun.error().message.find("no server answers at " + directory / "none"), std::string::npos);
}

TEST(RemoteStoreTest, ARestartOfTheServerIsWaitedForAndFencesTheSession) {
  ServedStore served;
  std::mutex mutex;
  std::vector<std::string> notices;
  RemoteOptions options{.socket_path = served.path()};
  options.on_notice = [&](const std::string& text) {
    const std::lock_guard lock(mutex);
    notices.push_back(text);
    if (notices.size() == 1) served.start();  // it stays away until it is missed
  };
  const auto store = make_remote_store(options);
  const BeginRequest run = new_run();
  auto session = store->begin(run).value();
  served.stop();
  served.service.fence_all();
  const auto answer = session->ask(std::vector{ObjectId{}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::fenced);
  EXPECT_EQ(session->flush().error().code, Errc::fenced) << "from then on";
  EXPECT_EQ(session->put(test::chunk_block("x").bytes).error().code, Errc::fenced);
  EXPECT_TRUE(store->begin(run));
  const std::lock_guard lock(mutex);
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_NE(notices[0].find("does not answer"), std::string::npos);
  EXPECT_NE(notices[1].find("answers again"), std::string::npos);
}

TEST(RemoteStoreTest, ARestartThatKeepsTheSessionIsNotNoticedByTheRun) {
  ServedStore served;
  const auto store = store_at(served.path());
  auto session = store->begin(new_run()).value();
  const Sample sample = make_sample(200, 20000);
  for (std::size_t i = 0; i < sample.chunks.size(); i++) {
    ASSERT_TRUE(session->put(sample.chunks[i].bytes));
    if (i % 50 != 25) continue;
    served.stop(milliseconds(0));
    served.start();
  }
  ASSERT_TRUE(session->put(sample.tree.bytes));
  ASSERT_TRUE(session->put(sample.snapshot.bytes));
  EXPECT_TRUE(session->commit({sample.snapshot.id, std::nullopt})->committed);
  EXPECT_EQ(read_all(*session, sample)->size(), 202u);
}

TEST(RemoteStoreTest, PatienceEnds) {
  ServedStore served;
  const auto store = store_at(served.path(), milliseconds(100));
  auto session = store->begin(new_run()).value();
  served.stop();
  EXPECT_EQ(session->status().error().code, Errc::unavailable);
  ASSERT_TRUE(session->put(test::chunk_block("x").bytes));
  EXPECT_EQ(session->flush().error().code, Errc::unavailable);
}

TEST(RemoteStoreTest, ACommitWhoseAnswerWasLostGivesTheFirstResult) {
  ServedStore served;
  const auto store = store_at(served.path());
  const BeginRequest run = new_run();
  auto session = store->begin(run).value();
  const Sample sample = make_sample(1, 10);
  ASSERT_TRUE(put_all(*session, sample));
  const CommitResult first = session->commit({sample.snapshot.id, std::nullopt}).value();
  served.service.fence_all();
  EXPECT_EQ(session->commit({sample.snapshot.id, std::nullopt})->head, first.head);
  const auto again = store->begin(run).value();
  EXPECT_EQ(again->info().already_committed, first.head);
}

class StandingClock final : public Clock {
 public:
  Timestamp wall() const override { return {1'700'000'000, 0}; }
  std::chrono::nanoseconds monotonic() const override { return std::chrono::hours(1); }
};

// The server's clock stands still, so that a slow machine ends no lease; the client's does not.
TEST(RemoteStoreTest, AnIdleSessionIsKeptAlive) {
  MemoryStore memory(make_memory_repository({}), "ana");
  StandingClock clock;
  api::Service service(
      [&](const api::Peer&) -> Result<std::unique_ptr<Store>> {
        return std::make_unique<test::BorrowedStore>(memory);
      },
      clock, {.lease = std::chrono::seconds(1)});
  const test::TempDirectory directory;
  const auto server = Server::start(service, {.socket_path = directory / "sock"});
  ASSERT_TRUE(server);
  const auto store = store_at(directory / "sock");
  const auto session = store->begin(new_run()).value();
  const auto answers = [&] { return (*server)->stats().requests[2]; };
  const std::uint64_t before = answers();
  for (int i = 0; i < 10000 && answers() < before + 3; i++)
    std::this_thread::sleep_for(milliseconds(2));
  EXPECT_GE(answers(), before + 3);
  EXPECT_TRUE(session->status());
}

TEST(RemoteStoreTest, ErrorsOfTheStoreArriveAndStay) {
  ServedStore served;
  const auto store = store_at(served.path());
  const auto session = store->begin(new_run()).value();
  served.memory.fail_after(0, Error(Errc::no_space, "the disk is full"));
  ASSERT_TRUE(session->put(test::chunk_block("x").bytes));
  EXPECT_EQ(session->flush().error().code, Errc::no_space);
  EXPECT_EQ(session->put(test::chunk_block("y").bytes).error().code, Errc::no_space);
}

TEST(RemoteStoreTest, AMissingReferenceIsReported) {
  ServedStore served;
  const auto session = store_at(served.path())->begin(new_run()).value();
  ASSERT_TRUE(session->put(test::tree_block({test::chunk_block("never sent").id}).bytes));
  EXPECT_EQ(session->flush().error().code, Errc::missing_refs);
}

TEST(RemoteStoreTest, WhatIsNoBlockIsNotSent) {
  ServedStore served;
  const auto session = store_at(served.path())->begin(new_run()).value();
  EXPECT_FALSE(session->put(Bytes(100, 'x')));
  Bytes longer = test::chunk_block("x").bytes;
  longer.push_back(0);
  EXPECT_EQ(session->put(longer).error().code, Errc::invalid_argument);
  EXPECT_TRUE(session->flush());
}

TEST(RemoteStoreTest, ReadingWhatIsNotThereGivesNothing) {
  ServedStore served;
  const auto session = store_at(served.path())->begin(new_run()).value();
  const auto status = session->read(std::vector{ObjectId{}}, Neighbours::welcome, [](ByteView) -> Status {
    ADD_FAILURE() << "there is nothing to give";
    return {};
  });
  EXPECT_EQ(status.error().code, Errc::not_found);
}

TEST(RemoteStoreTest, AnErrorOfTheSinkEndsTheReading) {
  ServedStore served;
  const auto session = store_at(served.path())->begin(new_run()).value();
  const Sample sample = make_sample(20, 1000);
  ASSERT_TRUE(put_all(*session, sample));
  ASSERT_TRUE(session->flush());
  std::vector<ObjectId> ids;
  for (const SampleBlock& chunk : sample.chunks)
    ids.push_back(chunk.id);
  int calls = 0;
  const auto status = session->read(ids, Neighbours::welcome, [&](ByteView) -> Status {
    calls++;
    return fail(Errc::unavailable, "the target went away");
  });
  EXPECT_EQ(status.error().message, "the target went away");
  EXPECT_EQ(calls, 1) << "its error is not mistaken for the connection's";
}

TEST(RemoteStoreTest, ThreadsShareASession) {
  ServedStore served;
  const auto session = store_at(served.path())->begin(new_run()).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; i++) {
        const SampleBlock chunk = test::chunk_block(std::to_string(100 * t + i));
        ASSERT_TRUE(session->put(chunk.bytes));
        if (i % 5 != 0) continue;
        ASSERT_TRUE(session->flush());
        EXPECT_EQ(session->ask(std::vector{chunk.id}).value()[0], Presence::have);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_TRUE(session->flush());
  EXPECT_EQ(served.memory.stats().blocks, 100u);
}

// One whole run; every step must succeed whatever happens to its connections.
void run_through(Store& store, const Sample& sample) {
  const auto begun = store.begin(new_run());
  ASSERT_TRUE(begun) << begun.error().message;
  Session& session = **begun;
  std::vector<ObjectId> ids;
  for (const SampleBlock& chunk : sample.chunks)
    ids.push_back(chunk.id);
  ASSERT_TRUE(session.ask(ids));
  ASSERT_TRUE(put_all(session, sample));
  const auto result = session.commit({sample.snapshot.id, std::nullopt});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->committed);
  const auto read = read_all(session, sample);
  ASSERT_TRUE(read) << read.error().message;
  std::vector<Bytes> blocks = *read;
  std::ranges::sort(blocks);
  EXPECT_EQ(blocks.size(), sample.chunks.size() + 2);
  EXPECT_EQ(std::ranges::adjacent_find(blocks), blocks.end()) << "a block was given twice";
}

// Gives how many connections it took.
int check_cut_after(long bytes, int cuts) {
  SCOPED_TRACE("cut after " + std::to_string(bytes));
  ServedStore served;
  const TempDirectory directory;
  const test::CuttingProxy proxy(directory / "proxy", served.path(),
                                 [=](int number) { return number < cuts ? bytes : -1; });
  const auto store = store_at(directory / "proxy");
  const Sample sample = make_sample(8, 700);
  run_through(*store, sample);
  const int connections = proxy.connections();
  const auto session = store->begin(new_run()).value();
  const auto history = session->snapshots({});
  EXPECT_TRUE(history) << history.error().message;
  EXPECT_EQ(history.value().size(), 1u) << "committed once";
  EXPECT_EQ(session->status().value().object_count, sample.chunks.size() + 2);
  return connections;
}

TEST(RemoteStoreTest, ConnectionsCutAnywhereLoseAndDoubleNothing) {
  int connections = 0;
  for (long bytes = 1; bytes < 3000; bytes += 149)
    connections += check_cut_after(bytes, 3);
  EXPECT_GT(connections, 60) << "each of them was cut";
  for (long bytes = 3000; bytes < 22000; bytes += 1999)
    check_cut_after(bytes, 2);
}

TEST(RemoteStoreTest, ConnectionsCutAgainAndAgainStillArrive) {
  for (const long bytes : {1500L, 4000L})
    check_cut_after(bytes, 4);
}

TEST(RemoteStoreTest, AnInterruptedReadGoesOnWhereItWas) {
  ServedStore served;
  const Sample sample = make_sample(30, 50000);
  {
    const auto session = store_at(served.path())->begin(new_run()).value();
    ASSERT_TRUE(put_all(*session, sample));
    ASSERT_TRUE(session->commit({sample.snapshot.id, std::nullopt}));
  }
  const TempDirectory directory;
  const test::CuttingProxy proxy(directory / "proxy", served.path(), [](int) { return 400000L; });
  const auto session = store_at(directory / "proxy")->begin(new_run()).value();
  const auto blocks = read_all(*session, sample);
  ASSERT_TRUE(blocks) << blocks.error().message;
  EXPECT_EQ(blocks->size(), 32u);
}

// A server that gives every request the answer that `answer` makes of it.
std::unique_ptr<ScriptedServer> answering(const std::string& path,
                                          std::function<std::string(const std::string&)> answer) {
  return std::make_unique<ScriptedServer>(path, [answer = std::move(answer)](int fd, int) {
    for (;;) {
      const std::string request = test::read_request(fd);
      if (request.empty() || !test::send_all(fd, answer(request))) return;
      return;  // one request a connection, so that a lying length ends
    }
  });
}

std::string http(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(RemoteStoreTest, GarbageIsAProtocolError) {
  const TempDirectory directory;
  for (const std::string& garbage :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string("HTTP/1.1 banana\r\n\r\n"), http(200, "{}"),
        http(201, "not json"), http(201, "{\"session\":7}"), http(302, "", "Location: http://elsewhere/\r\n"),
        http(400, "<html>"), std::string("HTTP/1.1 201 X\r\nContent-Length: banana\r\n\r\n{}")}) {
    const auto server = answering(directory / "sock", [&](const std::string&) { return garbage; });
    const auto begun = store_at(directory / "sock", milliseconds(100))->begin(new_run());
    ASSERT_FALSE(begun) << garbage;
    EXPECT_TRUE(begun.error().code == Errc::protocol || begun.error().code == Errc::unavailable)
        << garbage << ": " << begun.error().message;
  }
}

TEST(RemoteStoreTest, ATruncatedAnswerIsNoAnswer) {
  const TempDirectory directory;
  const auto server = answering(directory / "sock", [](const std::string&) {
    return std::string("HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n{\"session\":");
  });
  const auto begun = store_at(directory / "sock", milliseconds(200))->begin(new_run());
  EXPECT_EQ(begun.error().code, Errc::unavailable);
  EXPECT_GT(server->connections(), 1) << "it was tried again";
}

TEST(RemoteStoreTest, AnEndlessAnswerIsRefused) {
  const TempDirectory directory;
  const ScriptedServer server(directory / "sock", [](int fd, int) {
    (void)test::read_request(fd);
    bool open = test::send_all(fd, "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65536, ' ') + "\r\n";
    while (open)
      open = test::send_all(fd, chunk);
  });
  EXPECT_EQ(store_at(directory / "sock")->begin(new_run()).error().code, Errc::protocol);
}

TEST(RemoteStoreTest, AnUnavailableServerIsTriedAgainAndABusyOneReported) {
  const TempDirectory directory;
  {
    const auto server = answering(directory / "sock", [](const std::string&) {
      return http(503, R"({"error":{"code":"unavailable","message":"starting"}})", "Retry-After: 1\r\n");
    });
    EXPECT_EQ(store_at(directory / "sock", milliseconds(200))->begin(new_run()).error().code,
              Errc::unavailable);
    EXPECT_GT(server->connections(), 1);
  }
  const auto server = answering(directory / "sock", [](const std::string&) {
    return http(503, R"({"error":{"code":"busy","message":"full"}})", "Retry-After: 1\r\n");
  });
  EXPECT_EQ(store_at(directory / "sock")->begin(new_run()).error().code, Errc::busy);
  EXPECT_EQ(server->connections(), 1);
}

// Answers begin properly, and everything else with what the test says.
class LyingServer {
 public:
  explicit LyingServer(std::string lie)
      : server_(answering(directory_ / "sock", [lie = std::move(lie)](const std::string& request) {
          if (!request.starts_with("POST /v1/nodes/self/sessions")) return lie;
          api::BeginAnswer answer;
          answer.lease = std::chrono::seconds(100);
          return http(201, api::encode_begin_answer(answer));
        })) {}
  std::unique_ptr<Session> begin() {
    return store_at(directory_ / "sock", milliseconds(100))->begin(new_run()).value();
  }

 private:
  TempDirectory directory_;
  std::unique_ptr<ScriptedServer> server_;
};

std::string text_of(const Bytes& bytes) {
  return std::string(as_text(bytes));
}

TEST(RemoteStoreTest, AnswersToAskOfAWrongLengthOrValueAreRefused) {
  const std::vector<ObjectId> ids(5);
  for (const std::string& body :
       {std::string(), std::string(1, '\0'), std::string(3, '\0'), std::string("\xff\xff")}) {
    LyingServer server(http(200, body));
    EXPECT_EQ(server.begin()->ask(ids).error().code, Errc::protocol);
  }
}

TEST(RemoteStoreTest, AnAcknowledgementOfSomethingElseIsRefused) {
  for (const char* body : {R"({"blocks":0})", R"({"blocks":2})", R"({"next":1})", "{}", ""}) {
    LyingServer server(http(200, body));
    const auto session = server.begin();
    ASSERT_TRUE(session->put(test::chunk_block("x").bytes));
    EXPECT_EQ(session->flush().error().code, Errc::protocol) << body;
  }
}

Errc error_of_read(const std::string& answer, const ObjectId& id) {
  LyingServer server(answer);
  const auto session = server.begin();
  const Status status =
      session->read(std::vector{id}, Neighbours::welcome, [](ByteView) -> Status { return {}; });
  return status ? Errc::cancelled : status.error().code;
}

TEST(RemoteStoreTest, BlocksThatAreNotWhatWasAskedForAreRefused) {
  const SampleBlock wanted = test::chunk_block("wanted");
  const SampleBlock other = test::chunk_block("other");
  Bytes damaged = wanted.bytes;
  damaged.back() ^= 1;
  EXPECT_EQ(error_of_read(http(200, ""), wanted.id), Errc::protocol);
  EXPECT_EQ(error_of_read(http(200, text_of(other.bytes)), wanted.id), Errc::protocol);
  EXPECT_EQ(error_of_read(http(200, text_of(wanted.bytes) + text_of(wanted.bytes)), wanted.id),
            Errc::protocol);
  EXPECT_EQ(error_of_read(http(200, text_of(wanted.bytes).substr(0, 40)), wanted.id), Errc::protocol);
  EXPECT_EQ(error_of_read(http(200, text_of(damaged)), wanted.id), Errc::corrupt);
  EXPECT_EQ(error_of_read(http(200, std::string(5000, 'x')), wanted.id), Errc::corrupt);
}

TEST(RemoteStoreTest, AReadThatFailsInTheMiddleSaysWhy) {
  const SampleBlock wanted = test::chunk_block("wanted");
  const std::string answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: rb-error\r\n\r\n0\r\nrb-error: " +
      api::encode_error_trailer(Error(Errc::corrupt, "the pack is damaged")) + "\r\n\r\n";
  EXPECT_EQ(error_of_read(answer, wanted.id), Errc::corrupt);
}

TEST(RemoteStoreTest, GoingAwayDoesNotHangOnAServerThatDoes) {
  const TempDirectory directory;
  const ScriptedServer server(directory / "sock", [](int fd, int) {
    const std::string request = test::read_request(fd);
    api::BeginAnswer answer;
    answer.lease = std::chrono::seconds(100);
    if (request.starts_with("POST /v1/nodes"))
      (void)test::send_all(fd, http(201, api::encode_begin_answer(answer)));
    while (!test::receive_some(fd).empty()) {
    }
  });
  auto session = store_at(directory / "sock")->begin(new_run()).value();
  ASSERT_TRUE(session->put(test::chunk_block("x").bytes));
  const auto start = std::chrono::steady_clock::now();
  session.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

}  // namespace
}  // namespace rb::net
