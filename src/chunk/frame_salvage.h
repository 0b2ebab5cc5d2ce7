// What can still be had of a zstd frame that is damaged. Private to chunk/.
#pragma once

#include <span>

#include "base/bytes.h"

namespace rb {

// Unpacks `frame` as far as it goes, past what is damaged too. What can't be had is zeros in `raw`, and bytes
// behind it may be wrong: they were packed by reference to it. So nothing here is to be believed unless its
// hash says so. `raw` is as long as the undamaged frame unpacks to. The frame's content checksum, if it has
// one, is not looked at. Takes a few times raw.size() of memory and no more, whatever the frame says.
void salvage_frame(ByteView frame, std::span<std::uint8_t> raw);

}  // namespace rb
