#include "daemon/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"

namespace rb::daemon {

Result<std::vector<int>> inherited_sockets() {
  const int count = sd_listen_fds(1);
  if (count < 0) return fail_errno("asking for inherited sockets", -count);
  std::vector<int> sockets;
  for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
    constexpr int kAnyFamily = 0, kAnyType = 0, kListening = 1;
    if (sd_is_socket(fd, kAnyFamily, kAnyType, kListening) <= 0)
      return fail(Errc::invalid_argument,
                  fmt::format("descriptor {} of LISTEN_FDS is no listening socket", fd));
    sockets.push_back(fd);
  }
  return sockets;
}

void notify_ready(const std::string& status) {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

// Type=notify-reload wants to know when the reload began.
void notify_reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(SystemClock().monotonic());
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()).c_str());
}

void notify_stopping() {
  sd_notify(0, "STOPPING=1\nSTATUS=finishing the requests under way");
}

}  // namespace rb::daemon
