// What all parts of one restore share: the counters, the way up to the caller, and whether to go on.
// Thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "restore/restore.h"

namespace rb {

// What a file's metadata consists of, for saying once, not a thousand times, that a part of it can't be set
// here.
enum class MetadataPart : std::uint8_t { owner, mode, xattr, attributes, times };

class RunContext {
 public:
  explicit RunContext(RestoreEvents events) : events_(std::move(events)) {}

  struct Counters {
    std::atomic<std::uint64_t> files{0}, directories{0}, others{0}, bytes{0};
    std::atomic<std::uint64_t> already_there{0}, differing{0}, failed{0};
    std::atomic<std::uint64_t> files_planned{0}, bytes_planned{0};
    std::atomic<bool> planned_all{false};
  };
  Counters counters;

  bool wants_paths() const { return static_cast<bool>(events_.on_path); }
  void restored(const std::string& path);
  void failed(const std::string& path, const std::string& why);
  // Existing and different: left alone.
  void differing(const std::string& path, const std::string& why);
  void warn(const std::string& path, const std::string& what);
  // Said for the first path only; summarise_metadata() says how many more there were.
  void metadata_lost(MetadataPart part, const std::string& path, const std::string& what);
  void summarise_metadata();

  // Ends the run with this error (the first one wins), or because the caller asked for it.
  void stop(Error why);
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  std::optional<Error> verdict() const;

  void set_current(std::string path);
  std::string current() const;

 private:
  struct Lost {
    std::uint64_t count = 0;
    std::string path, what;
  };
  RestoreEvents events_;
  mutable std::mutex mutex_;
  std::atomic<bool> stopped_{false};
  std::optional<Error> verdict_;
  std::map<MetadataPart, Lost> lost_;
  std::string current_;
};

// Whether an error that came out of a Store concerns the objects that were asked for, and others may still be
// read. Everything else ends the run.
inline bool concerns_object(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found || error.code == Errc::unsupported ||
         error.code == Errc::io;
}

}  // namespace rb
