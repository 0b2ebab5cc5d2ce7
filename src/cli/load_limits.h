// --bwlimit and --cpu-limit: how much of the line and of the machine a command may take.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace rb::cli {

struct LoadLimits {
  std::string rate_text;
  int threads = 0;                     // 0: one per core
  std::uint64_t bytes_per_second = 0;  // 0: no limit

  // Reads rate_text. With a limit on threads this process stands behind others from then on: nice 10, and
  // the last in the queue of a disk.
  Status apply();
};

void add_load_limits(CLI::App& app, LoadLimits& limits);

}  // namespace rb::cli
