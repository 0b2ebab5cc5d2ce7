// Copies the live objects of records into packs of the collector: a record that is mostly alive as it is, of
// others the objects that live, put together into new blocks. Where each went is told by take_moved(), once
// finish() has written everything. Not thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "repository/object_packer.h"

namespace rb {

// A record that is read, and what of it is to be copied.
struct LiveRecord {
  PackPosition at;
  PackRecordOwner owner;
  const BlockDirectory& directory;
  ByteView block;
  std::vector<std::uint32_t> live;  // indices of objects, ascending; not empty
};

class BlockRewriter {
 public:
  // A record is copied as it is when no more than `dead_share` of its objects are dead. With the share by
  // which packs are chosen, what was copied is not chosen again at once.
  BlockRewriter(CollectorPack& pack, double dead_share);
  ~BlockRewriter();

  // An object that is not what its id says is left where it is, and so is a block that can't be unpacked.
  Status add(const LiveRecord& record);
  // Writes what add() collected. Not durable before the pack is finished.
  Status finish() { return packer_.finish(); }

  std::vector<MovedObject> take_moved() { return packer_.take_moved(); }
  // Of the blocks written, by node.
  const std::map<std::uint32_t, std::uint64_t>& bytes() const { return packer_.bytes(); }
  std::uint64_t bytes_copied() const;

 private:
  struct Unpacker;

  bool is_copied_whole(const LiveRecord& record) const;
  Status copy_whole(const LiveRecord& record);
  Status collect(const LiveRecord& record);

  ObjectPacker packer_;
  const double dead_share_;
  std::unique_ptr<Unpacker> unpacker_;
};

}  // namespace rb
