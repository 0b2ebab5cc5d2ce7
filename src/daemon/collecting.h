// Garbage collection in the daemon: what administrators order, what follows a scheduled pruning, and the
// sweep that an earlier process did not finish. Thread-safe.
#pragma once

#include <atomic>
#include <thread>

#include "api/backend.h"
#include "api/collection_messages.h"
#include "repository/local_repository.h"

namespace rb::daemon {

class Collecting final : public api::GarbageCollector {
 public:
  explicit Collecting(LocalRepository& repository) : core_(repository.core()) {}
  ~Collecting() override { stop(); }

  // Finishes an interrupted sweep, in the background.
  void start();
  // What runs ends soon: a mark is forgotten, a sweep goes on at the next start.
  void stop();

  Result<api::CollectionAnswer> collect(const api::CollectionOrder& order) override;
  // The same, and its outcome goes to the log.
  void collect_and_log();
  std::vector<api::NamedNumber> numbers() const;  // for /metrics

 private:
  RepositoryCore& core_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<std::uint64_t> collections_ = 0, failures_ = 0, objects_ = 0, bytes_ = 0;
  std::thread finisher_;
};

}  // namespace rb::daemon
