// A repository in memory with a small history, whole, pruned, collected and with parity; trials work on
// copies of it.
#pragma once

#include "soak/small_history.h"
#include "support/registry_fixture.h"

namespace rb::test {

// A disk and a catalog, and a repository that is open on them, or not.
class MemoryImage {
 public:
  MemoryImage() : fs_(std::make_unique<FakeFileSystem>()), catalog_(std::make_shared<MemoryCatalogLog>()) {}
  // Of one that is not open.
  MemoryImage(const MemoryImage& other)
      : fs_(other.fs_->survivor(Survival::all)),
        catalog_(std::make_shared<MemoryCatalogLog>(*other.catalog_)) {
    clock_.now = other.clock_.now;
  }

  Status open();
  void close();
  bool is_open() const { return repository_ != nullptr; }
  LocalRepository& repository() { return *repository_; }
  PackKeeper& keeper() { return *keeper_; }
  FakeFileSystem& fs() const { return *fs_; }
  void lose_catalog() { *catalog_ = {}; }
  void let_a_day_pass() { clock_.now += std::chrono::hours(24); }

  Status make_parity();
  FullCheck check();

  // Names in a directory of the repository, as paths.
  std::vector<std::string> files(const std::string& directory) const;
  Bytes contents(const std::string& path) const { return fs_->contents(path).value(); }
  // Nothing: it is gone.
  void replace(const std::string& path, const std::optional<Bytes>& content);

 private:
  MovingClock clock_;
  std::unique_ptr<FakeFileSystem> fs_;
  std::shared_ptr<MemoryCatalogLog> catalog_;
  std::unique_ptr<LocalRepository> repository_;
  std::unique_ptr<PackKeeper> keeper_;
};

struct Prepared {
  MemoryImage image;  // not open
  SmallHistory history{0};
};
// Made once.
const Prepared& prepared();

}  // namespace rb::test
