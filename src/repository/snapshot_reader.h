// What the server itself reads of a client's objects: the snapshot that a commit names. It holds what the
// client states about its run; nothing in it but its root is proved by the server. Thread-safe.
#pragma once

#include <map>
#include <mutex>

#include "format/snapshot.h"
#include "repository/object_index.h"
#include "repository/pack_store.h"

namespace rb {

class SnapshotReader {
 public:
  SnapshotReader(ObjectIndex& index, PackStore& packs) : index_(index), packs_(packs) {}

  Result<Snapshot> read(std::uint32_t domain, const ObjectId& id);

  // Bytes of all files of a node's copy: logical_bytes_of its head, each source as its last complete run saw
  // it. Remembered per node, since heads are asked for more often than they move.
  Result<std::uint64_t> logical_bytes(std::uint32_t node, std::uint32_t domain, const ObjectId& head);

 private:
  struct Size {
    ObjectId head;
    std::uint64_t bytes = 0;
  };
  ObjectIndex& index_;
  PackStore& packs_;
  std::mutex mutex_;
  std::map<std::uint32_t, Size> sizes_;  // by node
};

// Of the sources together; one that lies within another, recursive one was counted there. Never more than
// UINT64_MAX, whatever a client states.
std::uint64_t logical_bytes_of(const Snapshot& snapshot);

}  // namespace rb
