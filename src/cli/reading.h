// The start of every command that reads the copy: a server, a session, a snapshot.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/connection.h"
#include "cli/terminal.h"
#include "restore/history.h"
#include "store/object_reader.h"

namespace rb::cli {

// A session for reading, and an object source over it. Lives as long as the command.
struct Reading {
  Connection connection;
  std::unique_ptr<Session> session;
  std::unique_ptr<ObjectReader> objects;
  SystemClock clock;

  // The snapshot that WHEN names; "" and "latest" are the head. Errc::not_found when there is none yet.
  Result<HistoryItem> snapshot_at(const std::string& when);
};

Result<std::unique_ptr<Reading>> start_reading(const std::string& server_option, Terminal& terminal,
                                               std::uint64_t bytes_per_second = 0);

}  // namespace rb::cli
