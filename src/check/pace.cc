#include "check/pace.h"

#include <algorithm>

namespace rb {

namespace {
// What an idle reader may have saved up: it keeps single reads smooth and allows no burst.
constexpr std::chrono::milliseconds kSavedUp{200};
// What one piece may cost at most: keeps the arithmetic in range, whatever rate somebody sets.
constexpr std::chrono::duration<double> kLongestWait = std::chrono::hours(24 * 365);
}  // namespace

Status Pace::check() const {
  if (cancelled_) return fail(Errc::cancelled, "stopped");
  return {};
}

Status Pace::spend(std::uint64_t bytes) {
  bytes_ += bytes;
  const std::uint64_t rate = bytes_per_second_;
  if (rate == 0) return check();
  using std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  const std::chrono::duration<double> cost(static_cast<double>(bytes) / static_cast<double>(rate));
  next_ = std::max(next_, steady_clock::now() - kSavedUp) +
          std::chrono::duration_cast<steady_clock::duration>(std::min(cost, kLongestWait));
  woken_.wait_until(lock, next_, [&] { return cancelled_.load(); });
  return check();
}

void Pace::cancel() {
  cancelled_ = true;
  const std::lock_guard lock(mutex_);
  woken_.notify_all();
}

// A cancelled reading ends with the next check(): the error would be taken for a bad sector here.
Result<std::size_t> PacedFile::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
  static_cast<void>(pace_.spend(out.size()));
  return file_.read_at(offset, out);
}

}  // namespace rb
