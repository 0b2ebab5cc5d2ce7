#include "cli/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "cli/exit_status.h"

namespace rb::cli {

namespace {

sigset_t interrupt_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&set, signal);
  return set;
}

// Calls `on_interrupt` at the first signal, ends the program at the second, returns when wake_fd becomes
// readable.
void watch(int wake_fd, const std::function<void()>& on_interrupt) {
  const sigset_t set = interrupt_signals();
  const UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  RB_ASSERT(signals);
  for (bool asked = false;;) {
    pollfd fds[2] = {{signals.get(), POLLIN, 0}, {wake_fd, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    if (asked) ::_exit(kInterrupted);
    asked = true;
    on_interrupt();
  }
}

}  // namespace

void block_interrupts() {
  const sigset_t set = interrupt_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void unblock_interrupts() {
  const sigset_t set = interrupt_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

InterruptGuard::InterruptGuard(std::function<void()> on_interrupt)
    : on_interrupt_(std::move(on_interrupt)), wake_fd_(::eventfd(0, EFD_CLOEXEC)) {
  RB_ASSERT(wake_fd_ >= 0);
  thread_ = std::thread([this] { watch(wake_fd_, on_interrupt_); });
}

InterruptGuard::~InterruptGuard() {
  const std::uint64_t one = 1;
  RB_ASSERT(::write(wake_fd_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(wake_fd_);
}

}  // namespace rb::cli
