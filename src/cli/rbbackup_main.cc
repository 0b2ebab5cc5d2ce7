#include <csignal>
#include <exception>

#include <fmt/format.h>

#include "base/heap.h"
#include "cli/commands.h"
#include "cli/exit_status.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  rb::keep_freed_memory();
  try {
    return rb::cli::run_rbbackup(rb::cli::Arguments(argv + 1, argv + argc));
  } catch (const std::exception& error) {  // memory, or a library
    fmt::print(stderr, "rbbackup: {}\n", error.what());
    return rb::cli::kFailed;
  }
}
