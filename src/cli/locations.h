// Where the client keeps its files and finds its server, from the environment.
#pragma once

#include <string>

namespace rb::cli {

// XDG_CACHE_HOME/rbbackup, else /var/cache/rbbackup for root, else ~/.cache/rbbackup. "" when there is no
// home.
std::string cache_directory();
// XDG_CONFIG_HOME/rbbackup, else /etc/rbbackup for root, else ~/.config/rbbackup. "" when there is no home.
std::string config_directory();

// The socket the user's own server listens on: XDG_RUNTIME_DIR/rbbackupd.sock; "" without XDG_RUNTIME_DIR.
std::string user_socket();
inline constexpr char kSystemSocket[] = "/run/rbbackupd.sock";

}  // namespace rb::cli
