// A LocalRepository on a FakeFileSystem with a MemoryCatalog: opens fast, and its disk and catalog can be
// crashed.
#pragma once

#include <memory>

#include "base/fake_file_system.h"
#include "repository/local_repository.h"
#include "repository/memory_catalog.h"

namespace rb::test {

// Time that moves only when a test says so.
class StoppedClock final : public Clock {
 public:
  Timestamp wall() const override { return {1'700'000'000, 0}; }
  std::chrono::nanoseconds monotonic() const override { return now; }
  std::chrono::nanoseconds now{};
};

inline constexpr char kFakeDirectory[] = "/repository";

inline RepositoryOptions fake_options(FakeFileSystem& fs, std::shared_ptr<MemoryCatalogLog> log,
                                      const Clock& clock) {
  RepositoryOptions options;
  options.file_system = &fs;
  options.clock = &clock;
  options.take_lock = false;
  options.make_catalog = [log]() -> Result<std::unique_ptr<Catalog>> {
    return std::make_unique<MemoryCatalog>(log);
  };
  return options;
}

}  // namespace rb::test
