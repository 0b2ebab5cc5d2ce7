#include "base/heap.h"

#include <malloc.h>

namespace rb {

namespace {

constexpr int kKeptBytes = 128 << 20;
// Larger ones are mapped and unmapped each time; the most that the C library takes.
constexpr int kMappedFromBytes = 32 << 20;

}  // namespace

void keep_freed_memory(int arenas) {
  ::mallopt(M_TRIM_THRESHOLD, kKeptBytes);
  ::mallopt(M_MMAP_THRESHOLD, kMappedFromBytes);
  if (arenas > 0) ::mallopt(M_ARENA_MAX, arenas);
}

}  // namespace rb
