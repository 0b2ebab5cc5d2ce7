// A machine with a repository on it: a disk, a catalog, a clock, and the parts of the server that work on
// them. It can be killed, lose its power, and be looked at as it would come back if it lost its power now.
//
// RocksDB brings a file layer of its own, so the catalog is a MemoryCatalog whose log stands for its disk:
// what a crash leaves of it are the first n of its batches, at least those that were persisted, or nothing at
// all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "check/data_check.h"
#include "crash/observed_disk.h"
#include "gc/collector.h"
#include "support/registry_fixture.h"

namespace rb::test {

enum class CatalogLeft : std::uint8_t { whole, cut_short, persisted_only, nothing };

// What comes back after the power was gone.
struct Aftermath {
  Survival survival = Survival::none;
  CatalogLeft catalog = CatalogLeft::whole;
  std::uint64_t seed = 0;
};
std::string to_text(const Aftermath& aftermath);

class Machine {
 public:
  Machine();
  ~Machine();

  // As the daemon does: opens the repository, and ends the sweep that was interrupted.
  Status start();
  // An orderly end.
  void stop();
  // The program dies; what it had written is still in the kernel's memory.
  void kill(CatalogLeft catalog, std::uint64_t seed);
  // As after deleting DIR/catalog.
  void lose_catalog();
  // What would come back if the power went now; this one goes on. Not started.
  std::unique_ptr<Machine> after_power_cut(const Aftermath& aftermath) const;

  bool is_running() const { return repository_ != nullptr; }
  LocalRepository& repository() { return *repository_; }
  FakeFileSystem& disk() { return *disk_; }
  const FakeFileSystem& disk() const { return *disk_; }
  MemoryCatalogLog& catalog() { return *catalog_; }
  void let_pass(std::chrono::seconds time) { clock_.now += time; }
  // Called after each change of the disk, by whoever made it.
  void on_change(ObservedDisk::Listener listener) { listener_ = std::move(listener); }

  Result<CollectionReport> collect();
  // Parity for each sealed pack, and reading all of them against it. Gives how many sectors were corrected.
  Result<std::uint64_t> look_after_packs();
  // Structure and contents. Findings that are damage, in words; empty: none.
  Result<std::string> check();
  // One bit in a sealed pack that has its parity; false: there is none.
  bool flip_a_bit(std::uint64_t random);

 private:
  std::shared_ptr<MemoryCatalogLog> catalog_after(CatalogLeft left, std::uint64_t seed) const;
  void use(std::unique_ptr<FakeFileSystem> disk);

  MovingClock clock_;
  ObservedDisk::Listener listener_;
  std::unique_ptr<FakeFileSystem> disk_;
  std::unique_ptr<ObservedDisk> observed_;
  std::shared_ptr<MemoryCatalogLog> catalog_ = std::make_shared<MemoryCatalogLog>();
  std::unique_ptr<LocalRepository> repository_;
  std::unique_ptr<PackKeeper> keeper_;
  std::unique_ptr<ReadLog> read_log_;
};

}  // namespace rb::test
