#include "store/store.h"

namespace rb {

Status Session::pin(const SnapshotId&, bool) {
  return fail(Errc::unsupported, "this store lets no snapshot go, so there is nothing to pin");
}

}  // namespace rb
