// Tells early that compressing would be in vain. Private to chunk/.
#pragma once

#include "base/bytes.h"

namespace rb {

// Whether the bytes look as even as chance makes them: encrypted or well compressed contents, which no
// compressor makes smaller. By a sixteenth of them; false for fewer than 64 KiB. Contents that repeat random
// bytes may look so too, if nothing of the repetition falls into the sample.
bool looks_random(ByteView bytes);

}  // namespace rb
