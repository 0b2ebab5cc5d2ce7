#include "repository/clock_check.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace rb {

namespace {

// Whole seconds from `from` to `to`. Times beyond the year 9999 are taken for its end: the difference says
// "far too much" just as well, and can't overflow.
std::int64_t seconds_between(const Timestamp& from, const Timestamp& to) {
  constexpr std::int64_t kFar = 253'402'300'799;
  return std::clamp(to.seconds, -kFar, kFar) - std::clamp(from.seconds, -kFar, kFar);
}

std::string utc_text(const Timestamp& time) {
  const std::time_t seconds = time.seconds;
  std::tm utc{};
  char text[64];
  if (::gmtime_r(&seconds, &utc) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0) {
    return fmt::format("{} s after 1970", time.seconds);
  }
  return text;
}

std::string length_text(std::int64_t seconds) {
  if (seconds >= 2 * 86400) return fmt::format("{} days", seconds / 86400);
  if (seconds >= 2 * 3600) return fmt::format("{} hours", seconds / 3600);
  return fmt::format("{} s", seconds);
}

std::unexpected<Error> refuse(const std::string& why, std::string_view what_to_do) {
  return fail(Errc::conflict, fmt::format("the server's clock can't be trusted: {}; {}", why, what_to_do));
}

Status check_order(const ClockEvidence& e) {
  if (!e.newest || e.now.wall >= *e.newest) return {};
  return refuse(fmt::format("it says {}, but the journal has an entry of {}", utc_text(e.now.wall),
                            utc_text(*e.newest)),
                "put it right, or wait until then");
}

Status check_pace(const ClockEvidence& e) {
  using namespace std::chrono;
  const std::int64_t steady = duration_cast<seconds>(e.now.steady - e.start.steady).count();
  const std::int64_t jump = seconds_between(e.start.wall, e.now.wall) - steady;
  if (std::abs(jump) <= kClockDriftMax.count()) return {};
  return refuse(fmt::format("it has jumped {} by {} since the server started", jump > 0 ? "ahead" : "back",
                            length_text(std::abs(jump))),
                "once it is right, restart the server");
}

Status check_silence(const ClockEvidence& e) {
  if (!e.newest_at_start) return {};
  const std::int64_t silence = seconds_between(*e.newest_at_start, e.start.wall);
  if (silence <= kJournalSilenceMax.count()) return {};
  return refuse(fmt::format("when the server started it said {}, {} after the newest entry of the journal",
                            utc_text(e.start.wall), length_text(silence)),
                "if it is right, make a backup and restart the server");
}

}  // namespace

std::chrono::nanoseconds time_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

Status clock_is_sane(const ClockEvidence& evidence) {
  RB_TRY(check_order(evidence));
  RB_TRY(check_pace(evidence));
  return check_silence(evidence);
}

}  // namespace rb
