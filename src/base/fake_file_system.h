// A FileSystem in memory that forgets what was not synced. For tests: it counts operations, fails the n-th,
// runs full, loses power at the n-th, and gives what survived: nothing unsynced, all of it, some of it in any
// order, or torn sectors.
//
// What it promises is as little as POSIX does: a file's bytes are durable after its sync, a name only after
// sync_directory of its parent, and neither implies the other. A failed sync loses what it should have made
// durable, as on Linux: the bytes can still be read, a second sync succeeds, and after the next reopen they
// are gone. Thread-safe. Open files keep it alive.
#pragma once

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"

namespace rb {

// What is left of unsynced writes and names when the machine comes back.
enum class Survival : std::uint8_t {
  none,        // power cut: what was not synced is gone
  all,         // power cut: everything happened to be on the disk already
  some,        // power cut: each write and each name on its own, whatever their order
  torn,        // power cut: names as with some, but of a write each 512-byte sector on its own
  page_cache,  // only the program died: all is there, and what was not synced is not durable yet
};

// Which operations a fault counts.
enum class OperationSet : std::uint8_t {
  all,
  changes,  // create, write, rename, remove and both syncs
  syncs,    // of files and of directories
  writes,   // write_at only
  reads,    // read_at, size, list, exists, and opening what exists
};

class FakeFileSystem final : public FileSystem {
 public:
  struct State;  // fake_file_system.cc

  FakeFileSystem();
  ~FakeFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status link(const std::string& from, const std::string& to) override;
  Status create_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Result<Room> room(const std::string& path) override;  // by the capacity
  Status sync_directory(const std::string& directory) override;

  struct Fault {
    std::uint64_t after = 0;  // how many operations of the set still succeed, counted from now
    int sys_errno = EIO;
    bool from_then_on = false;  // otherwise just one fails
    OperationSet set = OperationSet::all;
  };
  // Replaces an earlier one. A failing write_at has written half of its bytes; any other has no effect, but
  // for a failing sync, which loses what was not synced.
  void fail(const Fault& fault);
  void fail_nothing();
  // Whether the fault, or the crash, has struck since it was set.
  bool fault_struck() const;

  // The power goes during the operation after the next `operations` of the set: that operation fails, its
  // effect is as uncertain as any other that was not synced, and from then on everything fails.
  void crash_after(std::uint64_t operations, OperationSet set = OperationSet::changes);
  void crash_now();
  // What survived, as a new file system without faults; this one is dead from now on. The same seed gives the
  // same.
  std::unique_ptr<FakeFileSystem> reopen(Survival survival, std::uint64_t seed = 0);
  // What reopen would give now, while this one goes on.
  std::unique_ptr<FakeFileSystem> survivor(Survival survival, std::uint64_t seed = 0) const;

  std::uint64_t count(OperationSet set = OperationSet::all) const;

  // Bytes of all files together beyond which writes fail with ENOSPC, after writing what fits.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used_bytes() const;

  // Behind everybody's back, durable at once, neither counted nor failed. Those that change need the file to
  // be there, and stop the program otherwise.
  std::optional<Bytes> contents(const std::string& path) const;
  void put(const std::string& path, ByteView content);  // creates the file and its directories
  void erase(const std::string& path);                  // a file, or a directory with all that is in it
  void flip_bit(const std::string& path, std::uint64_t bit);
  void overwrite(const std::string& path, std::uint64_t offset, ByteView bytes);
  void zero(const std::string& path, std::uint64_t offset, std::uint64_t length);
  void truncate(const std::string& path, std::uint64_t size);

 private:
  explicit FakeFileSystem(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace rb
