#include "cli/locations.h"

#include <cstdlib>

#include <unistd.h>

namespace rb::cli {

namespace {

// An absolute path from the environment; XDG says that relative ones are to be ignored.
std::string absolute_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && value[0] == '/' ? value : "";
}

std::string place(const char* variable, const char* for_root, const char* under_home) {
  if (const std::string base = absolute_from(variable); !base.empty()) return base + "/rbbackup";
  if (::geteuid() == 0) return for_root;
  const std::string home = absolute_from("HOME");
  return home.empty() ? "" : home + under_home;
}

}  // namespace

std::string cache_directory() {
  return place("XDG_CACHE_HOME", "/var/cache/rbbackup", "/.cache/rbbackup");
}

std::string config_directory() {
  return place("XDG_CONFIG_HOME", "/etc/rbbackup", "/.config/rbbackup");
}

std::string user_socket() {
  const std::string runtime = absolute_from("XDG_RUNTIME_DIR");
  return runtime.empty() ? "" : runtime + "/rbbackupd.sock";
}

}  // namespace rb::cli
