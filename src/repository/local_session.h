// A Session on a repository of this machine. Thread-safe.
#pragma once

#include "repository/repository_core.h"

namespace rb {

Result<std::unique_ptr<Session>> begin_local_session(std::shared_ptr<RepositoryCore> core,
                                                     const NodeRecord& node, const BeginRequest& request);

}  // namespace rb
