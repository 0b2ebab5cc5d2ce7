// How hard a run compresses, as its user says it.
#pragma once

namespace rb {

struct Compression {
  bool off = false;  // blocks go as they are
  int level =
      0;  // zstd level 1..19; 0: one that costs little, harder while the store is slower than the cores
};

}  // namespace rb
