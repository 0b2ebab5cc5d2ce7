// What was last seen of each node, for the list of nodes, and whether two machines use one credential. Kept
// in memory since the server started; bounded by the number of nodes. Thread-safe.
//
// A machine has another boot id after each start, and one that was seen before never comes back to it. So a
// session with a boot id that is known, but is not the latest, means that two machines take turns: somebody
// copied a machine's disk, credential included.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "store/store.h"

namespace rb {

struct Sighting {
  std::string address;
  std::string client_version;
  Timestamp seen;
  bool cloned = false;
};

class Sightings {
 public:
  enum class Clone : std::uint8_t {
    none,
    known,    // two machines, and the operator was told
    noticed,  // this session shows it, for the first time or again after a long while
  };
  // A session of the node begins.
  Clone note(std::uint32_t node, const BeginRequest& request, const Timestamp& wall,
             std::chrono::nanoseconds monotonic);
  std::optional<Sighting> last(std::uint32_t node, std::chrono::nanoseconds monotonic) const;
  // Another machine is the node from here on.
  void forget(std::uint32_t node);

 private:
  struct Seen {
    Sighting last;
    std::deque<std::string> boots;  // in the order of their last use, the latest one last
    std::optional<std::chrono::nanoseconds> alternated;
  };
  static bool alternates(Seen& seen, const std::string& boot_id);
  static bool is_cloned(const Seen& seen, std::chrono::nanoseconds now);

  mutable std::mutex mutex_;
  std::map<std::uint32_t, Seen> seen_;
};

}  // namespace rb
