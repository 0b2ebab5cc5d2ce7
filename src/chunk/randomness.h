// Tells early that compressing would be in vain.
#pragma once

#include "base/bytes.h"

namespace rb {

// Whether the bytes look as even as chance makes them: encrypted or well compressed contents, which no
// compressor makes smaller. By a sixteenth of them, and of few by 512; false for fewer than that. Contents
// that repeat random bytes may look so too, if nothing of the repetition falls into the sample, and of less
// than some 64 KiB so may others by chance: that is enough to choose their neighbours, not to leave them
// uncompressed.
bool looks_random(ByteView bytes);

}  // namespace rb
