// How the verbs of rbbackupd get at a repository: they ask the server that serves it, or, when none does,
// open it themselves and ask the same service in this process. Either way a verb is one request and its
// answer.
#pragma once

#include <chrono>
#include <memory>

#include "api/service.h"
#include "daemon/options.h"

namespace rb::daemon {

class Administrator {
 public:
  virtual ~Administrator() = default;
  // `patience`: with a server that answers late.
  virtual Result<api::Response> ask(const api::Request& request,
                                    std::chrono::seconds patience = std::chrono::seconds(30)) = 0;
};

// `config` is with the options applied. Errc::denied: a server has the repository, but answers neither where
// it was looked for nor where it noted that it listens.
Result<std::unique_ptr<Administrator>> find_administrator(const Options& options, const Config& config);

// Leaves a note for find_administrator: the server of this repository listens here. Only an address to try;
// who answers there, and for which repository, is asked every time.
Status note_socket(const std::string& directory, const std::string& socket);

}  // namespace rb::daemon
