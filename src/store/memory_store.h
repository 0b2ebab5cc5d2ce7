// A Store in memory, for tests: complete (acceptance rule, claims, commits, fencing) and without durability.
// Several MemoryStores may share one MemoryRepository, as several nodes or runs do.
#pragma once

#include <memory>

#include "store/store.h"

namespace rb {

class MemoryRepository;  // shared state of all stores made from it

std::shared_ptr<MemoryRepository> make_memory_repository(const ChunkParams& params);

struct MemoryStoreStats {
  std::uint64_t begins = 0, asks = 0, asked_ids = 0, blocks = 0, block_bytes = 0, data_block_bytes = 0,
                commits = 0, reads = 0, read_bytes = 0;
};

class MemoryStore final : public Store {
 public:
  MemoryStore(std::shared_ptr<MemoryRepository> repository, std::string node);
  ~MemoryStore() override;
  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override;

  // What all sessions of this store did so far: tests assert that an unchanged run sends nothing.
  MemoryStoreStats stats() const;
  // Fences every session that is open now.
  void fence_all();
  // The n-th call from now (0: the next) of any session method fails with `error`, once.
  void fail_after(std::uint64_t calls, Error error);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace rb
