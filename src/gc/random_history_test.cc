// Random short histories of one node: sessions, deletions, collections and crashes in an order that a seed
// decides, against the real store. Whatever happens: kept snapshots are whole, what a session was told stays
// until it ends, an acknowledged upload outlives the collections it is promised to, and in the end only what
// is kept is left. A seed that fails is printed; RB_GC_SEED=... runs it alone, RB_GC_HISTORIES=... so many.
#include <cstdlib>
#include <random>

#include "gc/marker.h"
#include "repository/root_admission.h"
#include "support/collected_repository.h"

namespace rb::test {
namespace {

constexpr std::size_t kChunks = 5, kTrees = 4, kSnapshots = 3, kSessions = 3;

// What clients could have: chunks, trees of chunks and of earlier trees, and a snapshot of each of some
// trees.
struct World {
  std::vector<NamedObject> objects;  // children first
  std::map<ObjectId, std::size_t> places;

  explicit World(std::mt19937_64& random) {
    for (std::size_t i = 0; i < kChunks; ++i)
      add(make_chunk("chunk " + std::to_string(i)));
    for (std::size_t i = 0; i < kTrees; ++i) {
      std::set<ObjectId> refs;
      for (std::uint64_t left = 1 + random() % 3; left > 0; --left)
        refs.insert(objects[random() % objects.size()].id);
      add(make_tree("tree " + std::to_string(i), {refs.begin(), refs.end()}));
    }
    for (std::size_t i = 0; i < kSnapshots; ++i)
      add(make_snapshot("snapshot " + std::to_string(i), objects[kChunks + random() % kTrees].id));
  }
  void add(NamedObject object) {
    places.emplace(object.id, objects.size());
    objects.push_back(std::move(object));
  }
  bool is_snapshot(std::size_t place) const { return place >= kChunks + kTrees; }
};

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), world_(random_) {}

  void run() {
    for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i)
      act(true);
    finish();
  }

 private:
  struct Client {
    std::unique_ptr<Session> session;
    std::set<std::size_t> told;  // "have", or acknowledged
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  void act(bool collector_too) {
    const std::uint64_t what = below(collector_too ? 28 : 22);
    Client& client = clients_[below(kSessions)];
    if (!client.session) client = {repository_.begin(), {}};
    if (what < 5) {
      ask(client, below(world_.objects.size()));
    } else if (what < 12) {
      put(client, below(world_.objects.size()));
    } else if (what < 15) {
      put_whole_snapshot(client, world_.objects.size() - 1 - below(kSnapshots));
    } else if (what < 18) {
      commit(client, world_.objects.size() - 1 - below(kSnapshots));
    } else if (what == 18) {
      client = {};
    } else if (what == 19) {
      remove();
    } else if (what == 20) {
      undelete();
    } else if (what == 21) {
      read(client);
    } else if (what < 26) {
      collect();
    } else {
      crash();
    }
    check_told();
  }

  void ask(Client& client, std::size_t place) {
    if (repository_.presence(*client.session, world_.objects[place].id) == Presence::have)
      client.told.insert(place);
  }

  // As a client that never asks: it may be refused, and is told what is missing then.
  void put(Client& client, std::size_t place) {
    const Status stored = upload(client, place);
    ASSERT_TRUE(stored || stored.error().code == Errc::missing_refs) << stored.error().message;
  }

  // What is there already does not become younger by being sent again.
  Status upload(Client& client, std::size_t place) {
    const bool was_there = is_there(place);
    RB_TRY(CollectedRepository::upload(*client.session, {world_.objects[place]}));
    client.told.insert(place);
    if (!was_there) begun_since_[place] = 0;
    return {};
  }

  void put_whole_snapshot(Client& client, std::size_t place) {
    for (const ObjectId& ref : world_.objects[place].object.refs)
      put_whole_snapshot(client, world_.places.at(ref));
    if (below(2) == 0 && client.told.contains(place)) return;
    ask(client, place);
    if (client.told.contains(place) && below(3) != 0) return;
    const Status stored = upload(client, place);
    ASSERT_TRUE(stored) << "all that it refers to was told: " << stored.error().message;
  }

  void commit(Client& client, std::size_t place) {
    if (!client.told.contains(place) && below(4) != 0) return;
    const auto result = repository_.commit(*client.session, world_.objects[place].id);
    if (!result) {
      ASSERT_EQ(result.error().code, Errc::missing_refs) << result.error().message;
      ASSERT_FALSE(client.told.contains(place));
      return;
    }
    ASSERT_TRUE(result->committed);
    client = {};  // a run commits once
  }

  std::vector<MarkedSnapshot> history() {
    auto history = repository_.core().book().history(repository_.node());
    EXPECT_TRUE(history) << history.error().message;
    return history ? *history : std::vector<MarkedSnapshot>{};
  }

  void remove() {
    const auto all = history();
    if (all.size() < 2) return;
    const std::uint64_t sequences[] = {all[1 + below(all.size() - 1)].info.sequence};
    ASSERT_TRUE(repository_.core().book().delete_snapshots(repository_.node(), sequences));
  }

  void undelete() {
    const auto all = history();
    if (all.empty()) return;
    const SnapshotInfo& chosen = all[below(all.size())].info;
    RepositoryCore& core = repository_.core();
    const Status done = core.book().undelete(
        {repository_.node(), chosen.sequence}, [&core](std::uint32_t domain, const ObjectId& object) {
          return admit_root(core.index(), core.gate(), domain, object, std::nullopt);
        });
    ASSERT_TRUE(done || done.error().code == Errc::missing_refs) << done.error().message;
  }

  void read(Client& client) {
    const auto all = history();
    if (all.empty()) return;
    const ObjectId id = all[below(all.size())].info.object;
    const auto whole = CollectedRepository::read_all(*client.session, id);
    ASSERT_TRUE(whole || whole.error().code == Errc::not_found) << whole.error().message;
    if (whole) client.told.insert(world_.places.at(id));
  }

  void collect() {
    // Before it is counted: what is sent while an old sweep goes on comes before the begin.
    const std::atomic<bool> cancelled = false;
    ASSERT_TRUE(finish_sweep(repository_.core(), cancelled));
    for (auto& [place, begun] : begun_since_)
      ++begun;
    const auto report = repository_.collect([this] {
      if (!testing::Test::HasFailure() && below(2) == 0) act(false);
    });
    ASSERT_TRUE(report) << report.error().message;
  }

  void crash() {
    for (Client& client : clients_)
      client = {};
    switch (below(4)) {
      case 0:
        repository_.rebuild();
        break;
      case 1:
        repository_.restart();
        break;
      default:
        repository_.crash(below(repository_.log().batches.size() + 1));
    }
    const std::atomic<bool> cancelled = false;
    if (below(2) == 0) ASSERT_TRUE(finish_sweep(repository_.core(), cancelled));
  }

  // Looked at with an index of nobody's: a session would pin what it asks for.
  bool is_there(std::size_t place) {
    RepositoryCore& core = repository_.core();
    const auto domain = core.book().admit({.node = repository_.node()})->domain;
    const auto answer = core.index().find(domain, std::span(&world_.objects[place].id, 1));
    return answer && answer->found[0] && answer->found[0]->complete();
  }

  void check_told() {
    for (const Client& client : clients_) {
      for (const std::size_t place : client.told)
        ASSERT_TRUE(is_there(place)) << "object " << place << " was promised to a session";
    }
    for (const auto& [place, begun] : begun_since_) {
      if (begun <= kYoungCollections) ASSERT_TRUE(is_there(place)) << "object " << place << " is young";
    }
    for (const MarkedSnapshot& snapshot : history()) {
      if (!snapshot.mark.deleted) ASSERT_TRUE(is_whole(world_.places.at(snapshot.info.object)));
    }
  }

  bool is_whole(std::size_t place) {
    if (!is_there(place)) return false;
    const auto& refs = world_.objects[place].object.refs;
    return std::all_of(refs.begin(), refs.end(),
                       [this](const ObjectId& ref) { return is_whole(world_.places.at(ref)); });
  }

  void finish() {
    if (testing::Test::HasFailure()) return;
    for (Client& client : clients_)
      client = {};
    repository_.collect_all();
    const Status checked = repository_.check_kept();
    ASSERT_TRUE(checked) << checked.error().message;
    std::set<std::size_t> kept;
    for (const MarkedSnapshot& snapshot : history()) {
      ASSERT_FALSE(snapshot.mark.deleted) << "judged by now";
      note_all(world_.places.at(snapshot.info.object), kept);
    }
    EXPECT_EQ(repository_.row_count(), kept.size()) << "only what is kept is left";
    repository_.rebuild();
    EXPECT_TRUE(repository_.check_kept());
  }

  void note_all(std::size_t place, std::set<std::size_t>& kept) {
    kept.insert(place);
    for (const ObjectId& ref : world_.objects[place].object.refs)
      note_all(world_.places.at(ref), kept);
  }

  std::mt19937_64 random_;
  World world_;
  CollectedRepository repository_;
  std::array<Client, kSessions> clients_;
  std::map<std::size_t, std::uint64_t> begun_since_;  // collections, since it was acknowledged last
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST(RandomHistoryTest, NothingIsLostAndNothingIsLeft) {
  const std::uint64_t only = from_environment("RB_GC_SEED", 0);
  const std::uint64_t count = only != 0 ? 1 : from_environment("RB_GC_HISTORIES", 1000);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = only != 0 ? only : i + 1;
    SCOPED_TRACE("RB_GC_SEED=" + std::to_string(seed));
    History(seed).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace rb::test
