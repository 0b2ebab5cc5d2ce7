// When each pack was last read from end to end, and whether a reading of all of them is under way. A small
// file of its own, replaced atomically; one that is missing or damaged means that nothing was read yet.
// Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"

namespace rb {

class ReadLog {
 public:
  ReadLog(FileSystem& fs, std::string path);

  // Nothing: never.
  std::optional<Timestamp> last_read(std::uint64_t pack) const;
  void note(std::uint64_t pack, const Timestamp& when);
  void forget(std::uint64_t pack);

  // A reading of all packs that was begun and not ended is gone on with: gives when it began.
  Timestamp begin_all(const Timestamp& now);
  void end_all();

  // Saves when something has changed. It is not worth a sync for each pack: what is lost is read again.
  Status save();

 private:
  void load();

  FileSystem& fs_;
  const std::string path_;
  std::mutex saving_;         // taken before mutex_: the file has one writer at a time, a check or the scrub
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::uint64_t, Timestamp> packs_;
  std::optional<Timestamp> all_begun_;
  bool changed_ = false;
};

}  // namespace rb
