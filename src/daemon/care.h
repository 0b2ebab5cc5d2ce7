// Looking after the packs of a repository, put together: checks that are ordered, and in a running server the
// care in the background. Thread-safe.
#pragma once

#include "api/backend.h"
#include "api/check_messages.h"
#include "check/caretaker.h"
#include "check/check_job.h"
#include "check/copy_removal.h"
#include "daemon/config.h"

namespace rb::daemon {

class Care final : public api::Checker {
 public:
  Care(LocalRepository& repository, const Config& config);

  void start();  // the care in the background
  void stop();   // that, and a check that runs
  void use_config(const Config& config);
  std::vector<api::NamedNumber> numbers() const;  // for /metrics
  Result<CopyRemoval> remove_copies();

  Status begin_check(const api::CheckRequest& request) override;
  api::CheckAnswer check_state() override;
  void cancel_check() override { job_.cancel(); }
  api::DamagedCopies damaged_copies() const override;

 private:
  RepositoryCore& core_;
  PackKeeper keeper_;
  ReadLog log_;
  CheckJob job_;
  Caretaker caretaker_;
};

}  // namespace rb::daemon
