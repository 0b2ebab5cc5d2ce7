// What a Service stands in front of: who callers are, the stores they get, and the state of the whole for
// those who watch over it. The daemon makes one of a repository and a listener; tests of what they like.
// Thread-safe.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/join_link.h"
#include "store/history_keeper.h"

namespace rb::api {

struct Peer;
class Checker;           // api/check_messages.h
class GarbageCollector;  // api/collection_messages.h

struct DamagedCopies {  // what repairs have left of damaged packs
  std::uint64_t files = 0, bytes = 0;
};

// What goes into a link: where the server can be reached, and which key it has there.
struct Reach {
  std::string address;  // HOST:PORT
  KeyPin pin;
};

// Of everything, not of one node.
struct BackendState {
  bool read_only = false;
  std::string read_only_reason;
  std::uint64_t object_count = 0;
  std::uint64_t stored_bytes = 0;  // of all packs
  std::uint64_t open_sessions = 0;
};

// How often requests took at most so long; the last count has no bound.
struct Histogram {
  std::vector<double> upper_bounds;   // seconds, ascending
  std::vector<std::uint64_t> counts;  // one more than bounds; each request in the first that fits
  double sum = 0;                     // seconds of all together
};

struct NamedNumber {
  std::string name, help;
  bool is_counter = false;  // only grows; otherwise it goes up and down
  double value = 0;
};

// What the transport counts: the service hands it on and knows nothing of what it means.
struct TransportState {
  std::vector<NamedNumber> numbers;
  Histogram request_seconds;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Of a peer on this machine: Errc::denied for whom the kernel can't name. May wait (user names can come
  // from a network), so not for the transport's thread.
  virtual Result<Caller> caller_of(const Peer& peer) = 0;
  virtual Result<std::unique_ptr<Store>> store_for(const Caller& caller) = 0;
  virtual NodeRegistry& registry() = 0;
  // Null where every snapshot stays for ever.
  virtual HistoryKeeper* history() { return nullptr; }
  virtual RepositoryId repository() = 0;

  // Clients are told at each begin, over the present key.
  virtual std::optional<KeyPin> next_key() = 0;
  // Makes the next key unless there is one, and gives it.
  virtual Result<KeyPin> make_next_key() = 0;
  // The next key becomes the key, for connections to come. Errc::not_found: there is none.
  virtual Result<KeyPin> switch_key() = 0;
  // For links. `address` wins where it is given. Errc::unsupported, saying what to do: nothing listens on the
  // network.
  virtual Result<Reach> reach(const std::string& address) = 0;

  // Null where nothing is ever freed.
  virtual GarbageCollector* collector() { return nullptr; }
  // Null where nothing can be checked.
  virtual Checker* checker() { return nullptr; }

  virtual BackendState state() = 0;
  virtual TransportState transport() = 0;
};

}  // namespace rb::api
