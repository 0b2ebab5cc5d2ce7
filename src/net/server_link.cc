#include "net/server_link.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/routes.h"
#include "base/random.h"

namespace rb::net {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstDelay{50};
constexpr milliseconds kLongestDelay{5000};

// Twice as long each time, and between half and all of that by chance, so that many clients that lost one
// server don't come back in step.
milliseconds delay_before(int attempt) {
  const auto full = std::min(kLongestDelay, kFirstDelay * (1 << std::min(attempt, 10)));
  std::uint32_t random = 0;
  fill_random({reinterpret_cast<std::uint8_t*>(&random), sizeof random});
  return full / 2 + milliseconds(random % (static_cast<std::uint32_t>(full.count() / 2) + 1));
}

constexpr int kTooManyRequests = 429;

// Retry-After in seconds; its other form, a date, would be believing the server's clock.
milliseconds requested_pause(const api::Response& answer) {
  const auto field = answer.headers.find("retry-after");
  if (field == answer.headers.end()) return milliseconds(1000);
  const std::optional<std::uint64_t> seconds = api::parse_decimal(field->second);
  return std::chrono::seconds(std::min<std::uint64_t>(seconds.value_or(1), 3600));
}

HttpTarget target_of(const RemoteOptions& options) {
  HttpTarget target;
  target.socket_path = options.socket_path;
  target.socket_owner = options.socket_owner;
  target.address = options.address;
  target.pins = options.pins;
  target.bytes_per_second = options.bytes_per_second;
  if (options.credential) target.authorization = api::encode_authorization(*options.credential);
  return target;
}

bool counts_as_silence(const api::Response& answer, Error& failure) {
  if (answer.status != 408 && answer.status != 502 && answer.status != 503 && answer.status != 504)
    return false;
  failure = api::decode_error(answer.status, answer.body);
  return failure.code == Errc::unavailable;
}

bool nobody_listens(const Error& failure) {
  return failure.sys_errno == ENOENT || failure.sys_errno == ECONNREFUSED || failure.sys_errno == EACCES ||
         failure.sys_errno == ENOTDIR || failure.sys_errno == EPERM;
}

}  // namespace

ServerLink::ServerLink(RemoteOptions options) : options_(std::move(options)), client_(target_of(options_)) {}

Result<api::Response> ServerLink::attempt(const Exchange& exchange, Failures& failures) {
  failures.asked_to_wait.reset();
  Result<api::Response> answer = client_.perform(exchange);
  if (!answer) return answer;
  if (answer->status == kTooManyRequests) {
    note_answer();
    failures.asked_to_wait = requested_pause(*answer);
    return fail(Errc::unavailable, api::decode_error(answer->status, answer->body).message);
  }
  Error failure;
  if (counts_as_silence(*answer, failure)) return std::unexpected(std::move(failure));
  note_answer();
  return answer;
}

Result<api::Response> ServerLink::call(const Exchange& exchange, Cancellation& cancellation) {
  Failures failures;
  for (;;) {
    Result<api::Response> answer = attempt(exchange, failures);
    if (answer || answer.error().code != Errc::unavailable) return answer;
    RB_TRY(wait_after(answer.error(), failures, cancellation));
  }
}

Status ServerLink::wait_after(const Error& failure, Failures& failures, Cancellation& cancellation) {
  const auto now = steady_clock::now();
  if (failures.count == 0) failures.first = now;
  if (failures.asked_to_wait) return wait_as_asked(failure, failures, cancellation);
  if (!has_answered() && nobody_listens(failure)) {
    return fail(Errc::unavailable,
                fmt::format("no server answers at {}: is rbbackupd running? ({})", target_of(options_).name(),
                            fail_errno("connecting", failure.sys_errno).error().message),
                failure.sys_errno);
  }
  const steady_clock::time_point last_answer{steady_clock::duration(last_answer_.load())};
  if (now - std::max(failures.first, last_answer) >= options_.patience) {
    return fail(Errc::unavailable,
                fmt::format("the server has not answered for {:.0f} s: {}",
                            std::chrono::duration<double>(options_.patience).count(), failure.message),
                failure.sys_errno);
  }
  // The first repetition comes at once, more or less: a server that restarted is worth no word.
  if (failures.count > 0) note_silence(failure);
  const milliseconds delay =
      std::min(delay_before(failures.count), std::max(options_.patience / 4, milliseconds(1)));
  failures.count++;
  if (!cancellation.sleep_for(delay)) return fail(Errc::cancelled, "cancelled");
  return {};
}

// A server that is asked too much says so and how long to wait; it does answer, so its silence is not what
// patience is for. But it ends here too: a limit that is never lifted is an error, and the server says which.
Status ServerLink::wait_as_asked(const Error& reason, Failures& failures, Cancellation& cancellation) {
  if (steady_clock::now() - failures.first >= options_.patience) return fail(Errc::busy, reason.message);
  note_asked_to_wait(reason);
  failures.count++;
  const milliseconds delay = std::min(*failures.asked_to_wait, options_.patience);
  if (!cancellation.sleep_for(delay + delay_before(0))) return fail(Errc::cancelled, "cancelled");
  return {};
}

void ServerLink::note_asked_to_wait(const Error& reason) {
  const std::lock_guard lock(notice_mutex_);
  if (std::exchange(asked_to_wait_, true) || !options_.on_notice) return;
  options_.on_notice(fmt::format("the server asks to wait ({})", reason.message));
}

void ServerLink::note_silence(const Error& failure) {
  const std::lock_guard lock(notice_mutex_);
  if (std::exchange(silent_, true) || !options_.on_notice) return;
  options_.on_notice(fmt::format("the server does not answer, trying again ({})", failure.message));
}

void ServerLink::note_answer() {
  last_answer_ = steady_clock::now().time_since_epoch().count();
  const std::lock_guard lock(notice_mutex_);
  if (!std::exchange(silent_, false) || !options_.on_notice) return;
  options_.on_notice("the server answers again");
}

}  // namespace rb::net
