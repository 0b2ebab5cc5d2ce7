// Makes the parity of a sealed pack (format/pack_parity.h).
#pragma once

#include <string>

#include "base/file_system.h"
#include "format/pack_parity.h"

namespace rb {

// Reads the pack once, front to back, and writes `parity_path`, whole and durable or not at all; one that is
// there is replaced. Takes the share of the pack's size in memory, and 8 MiB or one row.
//
// What is in the pack now is taken for what should be in it: call it only when every record of the pack has
// just been checked or written, or damage is made permanent. Requires: a percentage in its range.
// Errc::unsupported for an empty pack or one of more than kParityPackBytesMax.
Status write_pack_parity(FileSystem& fs, const std::string& pack_path, const std::string& parity_path,
                         const ParityOwner& owner, unsigned percent = kParityPercentDefault);

}  // namespace rb
