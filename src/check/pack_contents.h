// Reads the records of one pack, every byte of them, and holds them against their checks.
#pragma once

#include <vector>

#include "check/pace.h"
#include "repository/repository_core.h"

namespace rb {

// Bytes [begin, end) of a pack in which no whole record stands. After a crash that is normal; whether
// anything was there, the catalog knows.
struct PackStretch {
  std::uint64_t begin = 0, end = 0;
  bool contains(std::uint64_t offset) const { return begin <= offset && offset < end; }
};

struct PackContents {
  std::uint64_t bytes = 0, records = 0, objects = 0;
  std::vector<PackStretch> gaps;
  // Of a pack with records. Each of them proves by itself where it belongs, so nothing is lost with it.
  bool header_damaged = false;
};

// What the kernel remembers of a pack proves nothing about the device, unless it was read a moment ago for
// this.
enum class KernelCache : std::uint8_t { drop, keep };

// A record counts as whole when its checks are right, its block unpacks, and each object in it is what its id
// says.
Result<PackContents> read_pack_contents(RepositoryCore& core, std::uint64_t pack, KernelCache cache,
                                        Pace& pace);

}  // namespace rb
