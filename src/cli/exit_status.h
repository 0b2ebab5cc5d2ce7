// The exit statuses of rbbackup: a promise to scripts. README.md has the same table.
#pragma once

#include "base/error.h"

namespace rb::cli {

enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,  // nothing was committed, or nothing could be shown; a quota that is used up is such a failure
  kUsage = 2,
  kIncomplete = 3,   // done, but some files could not be read or written; each was named
  kUnreachable = 4,  // the server can't be reached, or refused
  kInterrupted = 130,
};

// For an error that ended a command.
inline ExitStatus exit_status_of(const Error& error) {
  switch (error.code) {
    case Errc::unavailable:
    case Errc::busy:
    case Errc::protocol:
      return kUnreachable;
    case Errc::denied:
      // Refused by the server, unless our own system refused something: that one has an errno.
      return error.sys_errno == 0 ? kUnreachable : kFailed;
    case Errc::cancelled:
      return kInterrupted;
    default:
      return kFailed;
  }
}

}  // namespace rb::cli
