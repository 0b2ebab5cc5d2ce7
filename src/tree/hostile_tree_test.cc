// Random pages whose ids are right and whose statements are not: every operation ends with a result or with
// Errc::corrupt, never with an assertion.
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "support/memory_objects.h"
#include "support/tree_samples.h"
#include "tree/directory_cursor.h"
#include "tree/directory_edit.h"
#include "tree/merge.h"

namespace rb {
namespace {

class HostileTrees {
 public:
  explicit HostileTrees(unsigned seed) : random_(seed) {
    TreePage root;
    root.entries.push_back(samples::directory(""));
    put(root);
    put(TreePage{});
    for (int i = 0; i < 8; ++i)
      put(leaf());
    for (int i = 0; i < 16; ++i)
      put(inner());
    for (int i = 0; i < 8; ++i)
      put(leaf());  // these hold directories of any kind
  }

  MemoryObjects& objects() { return objects_; }
  ObjectId any() { return pages_[below(pages_.size())].id; }
  DirectoryEdits edits() {
    DirectoryEdits edits;
    for (const std::string& name : names(3)) {
      edits.emplace(name, below(2) == 0 ? std::nullopt : std::optional(samples::file(name, 1)));
    }
    return edits;
  }

 private:
  struct Page {
    ObjectId id;
    int level;
    std::string first_name;
    std::uint64_t count;
  };

  std::size_t below(std::size_t n) { return random_() % n; }

  std::set<std::string> names(std::size_t most) {
    std::set<std::string> names;
    for (std::size_t n = 1 + below(most); n > 0; --n)
      names.insert(std::string(1, static_cast<char>('a' + below(8))));
    return names;
  }

  TreePage leaf() {
    TreePage page;
    for (const std::string& name : names(4)) {
      page.entries.push_back(below(2) == 0 ? samples::file(name, static_cast<int>(below(3)))
                                           : samples::directory(name, pages_[below(pages_.size())].id));
    }
    return page;
  }

  // Children that are there, described as they are more often than not.
  TreePage inner() {
    std::map<std::string, PageChild> children;
    std::set<ObjectId> taken;
    int level = 0;
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      const Page& child = pages_[2 + below(pages_.size() - 2)];
      if (!taken.insert(child.id).second) continue;
      const std::string name = below(6) == 0 ? *names(1).begin() : child.first_name;
      const std::uint64_t count = below(8) == 0 ? 1 + below(9) : child.count;
      children.insert_or_assign(name, PageChild{name, count, child.id});
      level = child.level;
    }
    TreePage page;
    page.level = std::min(11, below(8) == 0 ? static_cast<int>(1 + below(4)) : level + 1);
    for (auto& [name, child] : children)
      page.children.push_back(std::move(child));
    return page;
  }

  void put(const TreePage& page) {
    Page known{samples::value(objects_.put(encode_tree_page(page))), page.level, "", page.entries.size()};
    if (!page.entries.empty()) known.first_name = page.entries.front().name;
    if (!page.children.empty()) known.first_name = page.children.front().first_name;
    for (const PageChild& child : page.children)
      known.count += child.entry_count;
    pages_.push_back(known);
  }

  std::mt19937 random_;
  MemoryObjects objects_;
  std::vector<Page> pages_;
};

template <typename T>
bool is_sound(const Result<T>& result, int& succeeded) {
  if (result) ++succeeded;
  return result || result.error().code == Errc::corrupt;
}

TEST(HostileTreeTest, EveryOperationEndsWithAResultOrCorrupt) {
  int succeeded = 0;
  int tried = 0;
  EXPECT_TRUE(rc::check("no assertion fails", [&] {
    HostileTrees trees(*rc::gen::arbitrary<unsigned>());
    MemoryObjects& objects = trees.objects();
    for (int round = 0; round < 40; ++round) {
      const ObjectId a = trees.any();
      const ObjectId b = trees.any();
      const ObjectId c = trees.any();
      RC_ASSERT(is_sound(read_directory(objects, a), succeeded));
      RC_ASSERT(is_sound(diff_directories(objects, a, b, [](EntryChange) { return Status{}; }), succeeded));
      RC_ASSERT(is_sound(edit_directory(objects, objects, a, trees.edits()), succeeded));
      RC_ASSERT(is_sound(merge_trees(objects, objects, {a, b, c}), succeeded));
      tried += 4;
    }
  }));
  // The pages are not so bad that nothing was tested.
  EXPECT_GT(succeeded, tried / 10);
  EXPECT_LT(succeeded, tried);
}

}  // namespace
}  // namespace rb
