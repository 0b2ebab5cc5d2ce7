// Garbage collection in the daemon: what administrators order, what the schedule does, and the sweep that an
// earlier process did not finish. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "api/backend.h"
#include "api/collection_messages.h"
#include "check/copy_removal.h"
#include "repository/local_repository.h"

namespace rb::daemon {

class Collecting final : public api::GarbageCollector {
 public:
  explicit Collecting(LocalRepository& repository) : core_(repository.core()) {}
  ~Collecting() override { stop(); }

  // Of whoever can tell what is safe; before anything is collected.
  void use_copy_removal(std::function<Result<CopyRemoval>()> remove_copies) {
    remove_copies_ = std::move(remove_copies);
  }

  // Finishes an interrupted sweep, in the background.
  void start();
  // What runs ends soon: a mark is forgotten, a sweep goes on at the next start.
  void stop();

  // Waits for what the server does of its own accord.
  Result<api::CollectionAnswer> collect(const api::CollectionOrder& order) override;
  // For the schedule; its outcome goes to the log. Nothing happens where nothing is stored.
  Status collect_and_log();
  std::optional<Timestamp> last() const;          // as the journal says
  std::vector<api::NamedNumber> numbers() const;  // for /metrics

 private:
  Result<api::CollectionAnswer> run(const api::CollectionOrder& order);

  RepositoryCore& core_;
  std::function<Result<CopyRemoval>()> remove_copies_;
  std::mutex own_accord_;  // held by what nobody ordered
  std::atomic<bool> cancelled_ = false;
  std::atomic<std::uint64_t> collections_ = 0, failures_ = 0, objects_ = 0, bytes_ = 0;
  std::thread finisher_;
};

}  // namespace rb::daemon
