// Collections with real threads beside them: what a step of the gate is for, and for the thread sanitizer.
#include <thread>

#include "support/collected_repository.h"

namespace rb::test {
namespace {

constexpr int kClients = 3, kBackups = 40;

NamedObject chunk_number(int number) {
  return make_chunk("chunk " + std::to_string(number));
}

// Asks, sends what is missing, commits; all of few objects, so that much dies and comes again.
Status back_up(CollectedRepository& repository, int client, int round) {
  const auto session = repository.begin();
  std::vector<ObjectId> refs;
  for (int i = 0; i < 3; ++i) {
    const NamedObject chunk = chunk_number((round + i * client) % 7);
    refs.push_back(chunk.id);
    RB_TRY(const auto answer, session->ask(std::span(&chunk.id, 1)));
    if (answer.front() != Presence::have) RB_TRY(session->put(make_block({chunk})));
  }
  const NamedObject tree = make_tree("tree", refs);
  const NamedObject snapshot = make_snapshot("of client " + std::to_string(client), tree.id);
  for (const NamedObject& object : {tree, snapshot}) {
    RB_TRY(const auto answer, session->ask(std::span(&object.id, 1)));
    if (answer.front() != Presence::have) RB_TRY(session->put(make_block({object})));
  }
  RB_TRY(session->flush());
  while (true) {
    RB_TRY(const CommitResult result, repository.commit(*session, snapshot.id));
    if (result.committed) return {};
  }
}

// All but the last few.
Status prune(CollectedRepository& repository) {
  RB_TRY(const auto history, repository.core().book().history(repository.node()));
  std::vector<std::uint64_t> sequences;
  for (std::size_t i = kClients; i < history.size(); ++i)
    sequences.push_back(history[i].info.sequence);
  RB_TRY(repository.core().book().delete_snapshots(repository.node(), sequences));
  return {};
}

TEST(BesideSessionsTest, BackupsAndCollectionsDoNotDisturbEachOther) {
  CollectedRepository repository;
  std::atomic<int> running = kClients;
  std::vector<Status> ends(kClients);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int round = 0; round < kBackups && ends[client]; ++round)
        ends[client] = back_up(repository, client, round);
      --running;
    });
  }
  Status collected;
  while (running > 0 && collected) {
    collected = prune(repository);
    const auto report = repository.collect();
    if (!report) collected = std::unexpected(report.error());
    const Status checked = repository.check_kept();
    // A snapshot that was superseded and pruned while it was read is no loss; here nobody prunes meanwhile.
    if (!checked) collected = checked;
  }
  for (std::thread& client : clients)
    client.join();
  for (const Status& end : ends)
    EXPECT_TRUE(end) << end.error().message;
  ASSERT_TRUE(collected) << collected.error().message;
  ASSERT_TRUE(prune(repository));
  repository.collect_all();
  EXPECT_TRUE(repository.check_kept());
  repository.row_count();
}

}  // namespace
}  // namespace rb::test
