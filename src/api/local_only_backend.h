// A Backend without nodes to administer: everybody is a local user, and gets a store from a function. For
// programs and tests that embed a service and need no more.
#pragma once

#include "api/backend.h"
#include "api/service.h"

namespace rb::api {

std::unique_ptr<Backend> make_local_only_backend(StoreFactory store_for);

}  // namespace rb::api
