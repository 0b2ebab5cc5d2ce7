// What systemd and we say to each other: sockets it opened for us, and how we are. Without it all of this
// does nothing.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace rb::daemon {

// Listening sockets that were handed over (sd_listen_fds(3)). They are ours from here on; programs that we
// start would not see them. Errc::invalid_argument for one that is no listening socket.
Result<std::vector<int>> inherited_sockets();

void notify_ready(const std::string& status);
void notify_reloading();
void notify_stopping();

}  // namespace rb::daemon
