// Garbage collection, as administrators order it.
#pragma once

#include <string>

#include "api/service.h"

namespace rb::api {

struct CollectionOrder {
  bool dry_run = false;         // only counts
  bool though_damaged = false;  // also where a kept snapshot lacks something
  bool damaged_copies = false;  // removes also what repairs have left, where nothing is missing any more
  bool operator==(const CollectionOrder&) const = default;
};

struct CollectionAnswer {
  std::uint64_t objects = 0;  // that were looked at
  std::uint64_t dead = 0;     // of these, that nobody can reach any more
  std::uint64_t bytes_dead = 0;
  std::uint64_t packs_unlinked = 0, bytes_freed = 0, bytes_copied = 0;
  double seconds = 0;
  std::uint64_t copies_removed = 0, copy_bytes_removed = 0, copies_kept = 0;
  std::string copies_kept_because;  // empty: none was, or nobody asked
  bool operator==(const CollectionAnswer&) const = default;
};

// What does it. Thread-safe.
class GarbageCollector {
 public:
  virtual ~GarbageCollector() = default;
  // Returns when it is done. Errc::busy: one is running.
  virtual Result<CollectionAnswer> collect(const CollectionOrder& order) = 0;
};

std::string encode_collection_order(const CollectionOrder& order);
Result<CollectionOrder> decode_collection_order(ByteView body);
std::string encode_collection_answer(const CollectionAnswer& answer);
Result<CollectionAnswer> decode_collection_answer(ByteView body);

// The client's side.
Request collection_request(const CollectionOrder& order);
Result<CollectionAnswer> parse_collection(const Response& answer);

}  // namespace rb::api
