// The one seam through which the store touches files, so that a test can fail, cut, tear, reorder and forget.
// Source trees and restores don't go through it: they are made of the system calls that they are about.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace rb {

inline constexpr std::size_t kDeviceBlock = 4096;

// An open file. Thread-safe for reads at positions; one writer.
class File {
 public:
  virtual ~File() = default;
  // Writes all of it at `offset`, or fails (some may be written then).
  virtual Status write_at(std::uint64_t offset, ByteView data) = 0;
  // Reads up to out.size() bytes; fewer only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
  virtual Result<std::uint64_t> size() const = 0;
  // fdatasync: data and size are on stable storage when it succeeds. A failure is final for this file: what
  // was not synced before must be taken for lost, a retry would prove nothing.
  virtual Status sync() = 0;
  // What is read from now on comes from the device, where the system can do that. After somebody else's
  // failed sync the kernel goes on showing what it could not write, so whoever decides by what it reads
  // whether something is durable calls sync() and then this.
  virtual void drop_cache() {}
  // These bytes will be read soon: a system that can begins to read them. Doesn't wait.
  virtual void will_need(std::uint64_t offset, std::uint64_t bytes) const {
    static_cast<void>(offset);
    static_cast<void>(bytes);
  }
  // From now on, where the system can do that, reads and writes of whole blocks of kDeviceBlock bytes from
  // or into memory aligned alike go past the kernel's memory: between the device and there, and without
  // taking the room of what others read. To be called before other threads use the file.
  virtual void bypass_cache() {}
};

enum class OpenMode : std::uint8_t {
  read,       // must exist
  write,      // must exist; read and write
  create_new  // must not exist; read and write, mode 0600
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Replaces atomically. Durable only after sync_directory of the parent.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  // A second name for a file; `to` must not exist. Durable as rename is.
  virtual Status link(const std::string& from, const std::string& to) = 0;
  // Mode 0700. An existing directory is no error.
  virtual Status create_directory(const std::string& path) = 0;
  // Names, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Of the file system that `path` lies in, in bytes: all, and what may still be written.
  struct Room {
    std::uint64_t total = 0, available = 0;
  };
  virtual Result<Room> room(const std::string& path) = 0;
  // Makes creations, renames and removals in this directory durable.
  virtual Status sync_directory(const std::string& directory) = 0;
};

// The real one: POSIX calls, EINTR handled, short writes continued.
std::unique_ptr<FileSystem> make_posix_file_system();

// "/a" of "/a/b", "/" of "/a", "." of "a".
std::string parent_directory(const std::string& path);

// Helpers made of the above.
Result<Bytes> read_file(FileSystem& fs, const std::string& path, std::uint64_t max_bytes);
// Writes `path` + ".new", syncs, renames over `path`, syncs the directory.
Status write_file_atomically(FileSystem& fs, const std::string& path, ByteView content);

}  // namespace rb
