// RocksDB behind a catalog against plain maps: after every batch of random changes both say the same.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "repository/memory_catalog.h"
#include "repository/rocks_catalog.h"
#include "support/temp_directory.h"

namespace rb::test {
namespace {

constexpr std::uint32_t kDomains = 3, kNodes = 3;
constexpr int kIds = 40;
constexpr std::uint64_t kNumbers = 60, kSequences = 12;

ObjectId numbered_id(int number) {
  ObjectId id;
  id.bytes.fill(static_cast<std::uint8_t>(number * 37));
  id.bytes[0] = static_cast<std::uint8_t>(number);
  return id;
}

std::uint64_t below(std::uint64_t bound) {
  return *rc::gen::inRange<std::uint64_t>(0, bound);
}

CatalogObject random_object(std::uint32_t domain, int id) {
  CatalogObject object{.domain = domain, .id = numbered_id(id)};
  object.row.number = 1 + below(kNumbers);
  object.row.kind = static_cast<ObjectKind>(1 + below(4));
  object.row.flags = static_cast<std::uint8_t>(below(2));
  object.row.at = {.pack = 1 + below(5), .offset = below(UINT32_MAX)};
  object.row.index = static_cast<std::uint32_t>(below(100));
  object.row.share_bytes = static_cast<std::uint32_t>(below(100'000));
  for (std::uint64_t i = below(4); i > 0; --i)
    object.children.push_back(1 + below(kNumbers));
  return object;
}

// One for each key, in the order that a batch wants.
std::vector<CatalogObject> random_objects() {
  std::vector<CatalogObject> objects;
  for (std::uint32_t domain = 1; domain <= kDomains; ++domain) {
    std::map<ObjectId, int> numbers;
    for (std::uint64_t i = below(6); i > 0; --i) {
      const int id = static_cast<int>(below(kIds));
      numbers[numbered_id(id)] = id;
    }
    for (const auto& [id, number] : numbers)
      objects.push_back(random_object(domain, number));
  }
  return objects;
}

CatalogCommit random_commit() {
  CatalogCommit commit{.node = 1 + static_cast<std::uint32_t>(below(kNodes)),
                       .domain = 1 + static_cast<std::uint32_t>(below(kDomains))};
  commit.snapshot.sequence = 1 + below(kSequences);
  // A sequence has one snapshot, whoever writes it again.
  const auto mark = static_cast<std::uint8_t>(commit.node * 16 + commit.snapshot.sequence);
  commit.snapshot.id.bytes.fill(mark);
  commit.snapshot.run.bytes.fill(mark);
  commit.snapshot.object = numbered_id(static_cast<int>(below(kIds)));
  commit.snapshot.received = {static_cast<std::int64_t>(below(1000)), 5};
  return commit;
}

CatalogBatch random_batch() {
  CatalogBatch batch;
  batch.objects = random_objects();
  for (std::uint64_t i = below(3); i > 0; --i)
    batch.commits.push_back(random_commit());
  for (std::uint64_t i = below(4); i > 0; --i)
    batch.removed_objects.push_back(
        {1 + static_cast<std::uint32_t>(below(kDomains)), numbered_id(static_cast<int>(below(kIds)))});
  for (std::uint64_t i = below(4); i > 0; --i)
    batch.removed_children.push_back(1 + below(kNumbers));
  for (std::uint64_t i = below(2); i > 0; --i)
    batch.removed_snapshots.push_back({1 + static_cast<std::uint32_t>(below(kNodes)), 1 + below(kSequences)});
  if (below(4) == 0) batch.object_counts[1 + static_cast<std::uint32_t>(below(kDomains))] = below(1000);
  if (below(4) == 0) batch.next_number = 1 + below(kNumbers);
  if (below(4) == 0) batch.packs = PackPosition{.pack = below(5), .offset = below(1000)};
  if (below(8) == 0) batch.begins = std::vector<ObjectNumber>{1, 1 + below(kNumbers)};
  return batch;
}

class Comparison {
 public:
  Comparison(Catalog& left, Catalog& right) : left_(left), right_(right) {}

  void run() {
    std::vector<ObjectId> ids;
    for (int id = 0; id < kIds; ++id)
      ids.push_back(numbered_id(id));
    for (std::uint32_t domain = 1; domain <= kDomains; ++domain) {
      RC_ASSERT(*left_.find(domain, ids) == *right_.find(domain, ids));
      RC_ASSERT(objects(left_, domain) == objects(right_, domain));
    }
    RC_ASSERT(children(left_) == children(right_));
    RC_ASSERT(commits(left_) == commits(right_));
    for (std::uint32_t node = 1; node <= kNodes; ++node)
      compare_history(node);
    RC_ASSERT(*left_.packs() == *right_.packs());
    RC_ASSERT(*left_.object_counts() == *right_.object_counts());
    RC_ASSERT(*left_.begins() == *right_.begins());
    const auto left = left_.state(), right = right_.state();
    RC_ASSERT(left->next_number == right->next_number);
    RC_ASSERT(left->packs == right->packs);
  }

 private:
  void compare_history(std::uint32_t node) {
    RC_ASSERT(*left_.snapshots(node, UINT64_MAX, 100) == *right_.snapshots(node, UINT64_MAX, 100));
    RC_ASSERT(*left_.snapshots(node, 6, 2) == *right_.snapshots(node, 6, 2));
    RC_ASSERT(*left_.snapshot_count(node) == *right_.snapshot_count(node));
    for (std::uint64_t sequence = 1; sequence <= kSequences; ++sequence)
      RC_ASSERT(*left_.commit_at({node, sequence}) == *right_.commit_at({node, sequence}));
  }
  // In stretches of odd lengths.
  static std::vector<std::pair<ObjectId, ObjectRow>> objects(Catalog& catalog, std::uint32_t domain) {
    std::vector<std::pair<ObjectId, ObjectRow>> rows;
    std::optional<ObjectId> after;
    for (std::size_t seen = 3; seen == 3;) {
      seen = 0;
      RC_ASSERT(catalog
                    .visit_objects(domain, after, 3,
                                   [&](const ObjectId& id, const ObjectRow& row) -> Status {
                                     rows.emplace_back(id, row);
                                     after = id;
                                     ++seen;
                                     return {};
                                   })
                    .has_value());
    }
    return rows;
  }
  static std::vector<std::pair<ObjectNumber, std::vector<ObjectNumber>>> children(Catalog& catalog) {
    std::vector<std::pair<ObjectNumber, std::vector<ObjectNumber>>> rows;
    RC_ASSERT(catalog
                  .visit_children(UINT64_MAX, SIZE_MAX,
                                  [&](ObjectNumber number, std::vector<ObjectNumber> of) -> Status {
                                    rows.emplace_back(number, std::move(of));
                                    return {};
                                  })
                  .has_value());
    return rows;
  }
  static std::vector<CatalogCommit> commits(Catalog& catalog) {
    std::vector<CatalogCommit> all;
    RC_ASSERT(catalog
                  .visit_commits([&](const CatalogCommit& commit) -> Status {
                    all.push_back(commit);
                    return {};
                  })
                  .has_value());
    return all;
  }

  Catalog& left_;
  Catalog& right_;
};

TEST(CatalogModelTest, BothCatalogsSayTheSame) {
  const TempDirectory directory;
  auto rocks = open_rocks_catalog(directory.path() + "/catalog");
  ASSERT_TRUE(rocks);
  EXPECT_TRUE(rc::check([&] {
    const RepositoryId repository{};
    MemoryCatalog model(std::make_shared<MemoryCatalogLog>());
    RC_ASSERT((*rocks)->clear(repository).has_value());
    RC_ASSERT(model.clear(repository).has_value());
    for (int step = *rc::gen::inRange(1, 12); step > 0; --step) {
      const CatalogBatch batch = random_batch();
      RC_ASSERT((*rocks)->apply(batch).has_value());
      RC_ASSERT(model.apply(batch).has_value());
      Comparison(**rocks, model).run();
      if (below(32) != 0) continue;
      RC_ASSERT((*rocks)->persist().has_value());
      rocks->reset();
      rocks = open_rocks_catalog(directory.path() + "/catalog");
      RC_ASSERT(rocks.has_value());
      Comparison(**rocks, model).run();
    }
  }));
}

}  // namespace
}  // namespace rb::test
