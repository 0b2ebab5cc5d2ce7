#include "base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

namespace rb {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::not_found:
      return "not_found";
    case Errc::denied:
      return "denied";
    case Errc::conflict:
      return "conflict";
    case Errc::missing_refs:
      return "missing_refs";
    case Errc::fenced:
      return "fenced";
    case Errc::corrupt:
      return "corrupt";
    case Errc::unsupported:
      return "unsupported";
    case Errc::no_space:
      return "no_space";
    case Errc::io:
      return "io";
    case Errc::busy:
      return "busy";
    case Errc::unavailable:
      return "unavailable";
    case Errc::cancelled:
      return "cancelled";
    case Errc::protocol:
      return "protocol";
  }
  return "unknown";
}

Error Error::with(std::string_view doing) const {
  return Error(code, fmt::format("{}: {}", doing, message), sys_errno);
}

namespace {

Errc code_of_errno(int sys_errno) {
  switch (sys_errno) {
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EACCES:
    case EPERM:
      return Errc::denied;
    case ENOSPC:
    case EDQUOT:
      return Errc::no_space;
    case EINVAL:
      return Errc::invalid_argument;
    default:
      return Errc::io;
  }
}

}  // namespace

std::unexpected<Error> fail_errno(std::string_view doing, int sys_errno) {
  char buffer[256];
  return fail(code_of_errno(sys_errno),
              fmt::format("{}: {}", doing, ::strerror_r(sys_errno, buffer, sizeof buffer)), sys_errno);
}

void assertion_failed(const char* expression, std::source_location where) {
  std::fprintf(stderr, "bug: %s does not hold in %s (%s:%u)\n", expression, where.function_name(),
               where.file_name(), static_cast<unsigned>(where.line()));
  std::abort();
}

}  // namespace rb
