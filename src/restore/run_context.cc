#include "restore/run_context.h"

#include <fmt/format.h>

namespace rb {

void RunContext::restored(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (events_.on_path) events_.on_path(path);
}

void RunContext::failed(const std::string& path, const std::string& why) {
  ++counters.failed;
  const std::lock_guard lock(mutex_);
  if (events_.on_failure) events_.on_failure(path, why);
}

void RunContext::differing(const std::string& path, const std::string& why) {
  ++counters.differing;
  const std::lock_guard lock(mutex_);
  if (events_.on_failure) events_.on_failure(path, why);
}

void RunContext::warn(const std::string& path, const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (events_.on_warning) events_.on_warning(path, what);
}

void RunContext::metadata_lost(MetadataPart part, const std::string& path, const std::string& what) {
  const std::lock_guard lock(mutex_);
  Lost& lost = lost_[part];
  if (lost.count++ == 0) {
    lost.path = path;
    lost.what = what;
    if (events_.on_warning) events_.on_warning(path, what);
  }
}

void RunContext::summarise_metadata() {
  const std::lock_guard lock(mutex_);
  for (const auto& [part, lost] : lost_) {
    if (lost.count < 2 || !events_.on_warning) continue;
    events_.on_warning(lost.path, fmt::format("{}; {} more alike", lost.what, lost.count - 1));
  }
}

void RunContext::stop(Error why) {
  const std::lock_guard lock(mutex_);
  if (!verdict_) verdict_ = std::move(why);
  stopped_ = true;
}

std::optional<Error> RunContext::verdict() const {
  const std::lock_guard lock(mutex_);
  return verdict_;
}

void RunContext::set_current(std::string path) {
  const std::lock_guard lock(mutex_);
  current_ = std::move(path);
}

std::string RunContext::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace rb
