// A Session on a repository of this machine. Thread-safe.
#pragma once

#include "repository/repository_core.h"

namespace rb {

// Errc::denied when the caller is no node, or one that may not come in any more.
Result<std::unique_ptr<Session>> begin_local_session(std::shared_ptr<RepositoryCore> core,
                                                     const Caller& caller, const BeginRequest& request);

}  // namespace rb
