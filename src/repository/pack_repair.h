// Makes a new pack of a damaged one and its parity. The damaged one is left as it is.
#pragma once

#include <string>

#include "repository/parity_reader.h"

namespace rb {

struct PackRepair {
  SectorRepair sectors;
  // The new file is to the byte what the pack was (its digest was computed anew). False when something is
  // beyond reach, which stands in the new file as it was found, or as zeros where it can't be read.
  bool whole = false;
};

// Writes `new_path`, which must not exist, and syncs it; its name is not durable before the caller syncs the
// directory. On an error there is no new file. Errc::corrupt when all CRCs are right in the end and the
// digest is not: then nothing says where the damage is.
Result<PackRepair> write_repaired_pack(FileSystem& fs, const std::string& pack_path,
                                       const ParityReader& parity, const std::string& new_path);

}  // namespace rb
