#include "net/descriptor_limit.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/resource.h>

#include "base/log.h"

namespace rb::net {

namespace {

// For packs, journal, catalog and the like. The catalog alone keeps up to some hundred files open.
constexpr rlim_t kReserved = 1024;

}  // namespace

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      limit = raised;
    } else {
      log(LogLevel::warning, "raising the limit of open files: {}", std::strerror(errno));
    }
  }
  const rlim_t usable = limit.rlim_cur - std::min(kReserved, limit.rlim_cur / 2);
  return static_cast<std::size_t>(usable);
}

}  // namespace rb::net
