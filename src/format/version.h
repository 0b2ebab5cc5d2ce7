// What is said of a file that another version of the program wrote. Nothing is guessed about it, and nothing
// written: an older program that went on could undo what a newer one recorded in a way it does not know.
#pragma once

#include <string>

#include "base/error.h"

namespace rb {

// `what` is such as "the pack". Requires: found != known.
inline std::unexpected<Error> fail_version(const std::string& what, std::uint64_t found,
                                           std::uint64_t known) {
  const std::string versions = what + " has format version " + std::to_string(found) +
                               ", and this program knows version " + std::to_string(known) + ": ";
  if (found > known)
    return fail(Errc::unsupported, versions + "a newer rbbackupd wrote it; use that one, or a newer one yet");
  return fail(Errc::unsupported,
              versions + "an older rbbackupd wrote it; docs/format.md says which release can migrate it");
}

}  // namespace rb
