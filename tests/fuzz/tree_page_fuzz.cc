// Layers: base format
#include "support/canonical.h"
#include "support/fuzz_object.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  RB_ASSERT(rb::test::refused_or_canonical(rb::test::object_from_fuzz(rb::ObjectKind::tree, {data, size})));
  return 0;
}
