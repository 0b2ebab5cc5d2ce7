// Puts copies of objects together into new blocks, in a pack of the collector's kind. Where each went is told
// by take_moved(), once finish() has written everything. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "format/block.h"
#include "repository/pack_store.h"
#include "repository/relocation.h"

namespace rb {

class ObjectPacker {
 public:
  explicit ObjectPacker(CollectorPack& pack);
  ~ObjectPacker();

  // Where an object stood.
  struct Origin {
    PackPosition at;
    std::uint32_t index = 0;
  };
  // Requires: it is what its id says, and within the limits.
  Status add(const PackRecordOwner& owner, const Origin& origin, const BlockObject& object, ByteView payload);
  // A whole block as it is.
  Result<PackPosition> append(const PackRecordOwner& owner, ByteView block);
  void note_moved(const MovedObject& object) { moved_.push_back(object); }
  // Writes what add() collected. Not durable before the pack is finished.
  Status finish();

  std::vector<MovedObject> take_moved() { return std::exchange(moved_, {}); }
  // Of the blocks written, by node.
  const std::map<std::uint32_t, std::uint64_t>& bytes() const { return bytes_; }

 private:
  struct Collected;
  using Key = std::tuple<std::uint32_t, std::uint32_t, BlockClass>;  // domain, node

  Status write_collected(const Key& key, Collected& collected);

  CollectorPack& pack_;
  std::map<Key, Collected> collected_;
  std::vector<MovedObject> moved_;
  std::map<std::uint32_t, std::uint64_t> bytes_;
};

}  // namespace rb
