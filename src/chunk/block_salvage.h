// What can still be had of a block that is damaged beyond repair. Every object is named by a hash of its
// contents, so whatever comes out is proven object by object: nothing is given whose id was not recomputed.
//
// An object is lost where its own bytes are, or what says where they are: its id and references in the
// directory, the lengths in front of the payloads. Of a compressed block it is lost, too, where something
// that it repeats is lost, and with all of the 128 KiB that zstd packs in one go.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "format/block.h"

namespace rb {

// What is known from elsewhere about an object of the block.
struct KnownObject {
  std::uint32_t index = 0;  // in the block
  ObjectId id;
  ObjectKind kind = ObjectKind::chunk;
  std::optional<std::uint32_t> payload_bytes;
};

struct SalvagedObject {
  std::uint32_t index = 0;
  NamedObject object;
};

// `bytes` begin with the block and are at least as long; where no header of a block stands there, they are
// searched for the place of a known id. Ascending by index, each index once.
std::vector<SalvagedObject> salvage_block(ByteView bytes, std::span<const KnownObject> known);

}  // namespace rb
