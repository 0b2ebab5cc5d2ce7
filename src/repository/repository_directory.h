// The directory that a repository lives in: told from any other directory, made, and locked.
//
//   format      what this is, which version, whose; written last, so that a directory with it is complete
//   README      for whoever finds it in ten years
//   lock        held by the process that serves the repository, as long as it lives
//   packs/  journal.1/  journal.2/     the truth
//   catalog/                           derived from it
//   quarantine                         what is known to be damaged (repository/quarantine.h)
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/unique_fd.h"
#include "format/repository_format.h"

namespace rb {

enum class LockMode : std::uint8_t {
  take,
  none
};  // none: only with a file system that no other process sees

struct RepositoryDirectory {
  std::string path;
  RepositoryFormat format;
  UniqueFd lock;  // released when the process dies, however it dies
  bool created = false;

  std::string packs() const { return path + "/packs"; }
  std::string journal_1() const { return path + "/journal.1"; }
  std::string journal_2() const { return path + "/journal.2"; }
  std::string catalog() const { return path + "/catalog"; }
  std::string quarantine() const { return path + "/quarantine"; }
};

// Creates the repository when `path` is missing or empty, or when an earlier creation was interrupted.
// Errc::denied when it holds something else, or another process has the lock.
Result<RepositoryDirectory> open_repository_directory(FileSystem& fs, const std::string& path, LockMode mode);

}  // namespace rb
