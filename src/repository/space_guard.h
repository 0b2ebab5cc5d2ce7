// Stops storing blocks before the disk is full, so that what must go on has room: the journal, the catalog,
// the removal of snapshots, and garbage collection, which needs some to free more. By what the file system
// says at that moment, so it ends by itself when there is room again.
//
// What others write to the same file system could use up that room. So a part of it is taken in advance, by a
// file of zeros (DIR/reserve), which garbage collection gives up when it finds the disk full.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/file_system.h"

namespace rb {

struct SpaceLimits {
  // Bytes to be kept free, and bytes of the reserve file; 0: none. Of a small file system at most a
  // thirty-second part each.
  std::uint64_t keep_free = 0;
  std::uint64_t reserve = 0;
  bool operator==(const SpaceLimits&) const = default;
};

class SpaceGuard {
 public:
  // Borrows the file system.
  SpaceGuard(FileSystem& fs, std::string directory, SpaceLimits limits);

  // Errc::no_space says how much is free, how much has to be, and what to do. A file system that does not
  // answer stops nobody: the write itself will tell. One system call; thread-safe.
  Status check();
  // Empty: there is room.
  std::string read_only_reason();

  // Makes the reserve file if there is none, or none of that size, and room for it. Errors are for the log:
  // the repository works without.
  Status make_reserve();
  // Gives its room to whoever writes next.
  Status give_up_reserve();

 private:
  std::uint64_t capped(std::uint64_t bytes, const FileSystem::Room& room) const;
  Status write_reserve(std::uint64_t bytes);

  FileSystem& fs_;
  const std::string directory_;
  const std::string reserve_path_;
  const SpaceLimits limits_;
  std::atomic<bool> closed_{false};  // twice as much has to be free to open again: no flapping
};

}  // namespace rb
