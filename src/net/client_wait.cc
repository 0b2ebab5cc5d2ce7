#include "net/client_wait.h"

#include <algorithm>
#include <cerrno>
#include <thread>

#include <fmt/format.h>
#include <poll.h>

#include "net/tcp_socket.h"

namespace rb::net {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often a wait looks up: whoever interrupts a program does not want to wait for it.
constexpr milliseconds kLookUpEvery{200};
// How often a connection is looked at for signs of life.
constexpr std::chrono::seconds kCheckPeerEvery{1};

std::unexpected<Error> timed_out(const std::string& why) {
  return fail(Errc::unavailable, why, ETIMEDOUT);
}

std::string seconds_of(milliseconds time) {
  return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

}  // namespace

ClientWait::ClientWait(const WaitLimits& limits)
    : limits_(limits), began_(steady_clock::now()), progress_(began_), looked_(began_) {}

Result<short> ClientWait::wait(int fd, short events, TimePoint by) {
  for (;;) {
    pollfd at{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&at, 1, static_cast<int>(kLookUpEvery.count()));
    if (ready > 0) return at.revents;
    if (ready < 0 && errno != EINTR) return fail_errno("waiting at a socket", errno);
    RB_TRY(check(fd, by));
  }
}

Status ClientWait::pause(milliseconds time, TimePoint by) {
  std::this_thread::sleep_for(time);
  return check(-1, by);
}

// A peer whose machine or network has gone says nothing at all, not even to TCP's probes. (The kernel's own
// way to notice, TCP_USER_TIMEOUT, would also end connections to a server that is merely busy.)
Status ClientWait::check(int fd, TimePoint by) {
  if (limits_.cancelled && limits_.cancelled->load()) return fail(Errc::cancelled, "cancelled");
  const TimePoint now = steady_clock::now();
  if (now >= by) return timed_out("there is no answer");
  if (limits_.stall.count() > 0 && now - progress_ >= limits_.stall)
    return timed_out(fmt::format("nothing moved for {}", seconds_of(limits_.stall)));
  if (limits_.total.count() > 0 && now - began_ >= limits_.total)
    return timed_out(fmt::format("it took longer than {}", seconds_of(limits_.total)));
  if (limits_.lost_after.count() == 0 || fd < 0 || now - looked_ < kCheckPeerEvery) return {};
  looked_ = now;
  if (silence_of_tcp_peer(fd) < limits_.lost_after) return {};
  return timed_out("nothing was heard from it any more");
}

}  // namespace rb::net
