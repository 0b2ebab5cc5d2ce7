// What a server has done since it started, for /metrics and /healthz. A snapshot; plain numbers.
#pragma once

#include <array>
#include <cstdint>

namespace rb::net {

struct ServerStats {
  std::uint64_t open_unix = 0;  // connections now
  std::uint64_t open_tls = 0;
  std::uint64_t open_proven = 0;  // of these, with an admitted request of a node behind them
  std::uint64_t nodes_connected = 0;
  std::uint64_t max_connections = 0;

  std::uint64_t accepted = 0;
  std::uint64_t refused_full = 0;  // connections: no room
  std::uint64_t evicted = 0;       // idle connections of nobody that made room for others
  std::uint64_t timed_out = 0;     // connections: no progress within their deadline
  std::uint64_t handshakes = 0;    // over TLS, that succeeded
  std::uint64_t handshakes_failed = 0;
  std::uint64_t throttled = 0;  // answers with 429

  std::uint64_t bytes_in = 0;  // heads and bodies, without what TLS adds
  std::uint64_t bytes_out = 0;
  std::uint64_t body_bytes_held = 0;  // of the budget, now

  std::array<std::uint64_t, 6> requests{};  // by the hundreds of their status; [0] and [1] stay 0
  // Seconds from a request's head to the end of its answer: how many took at most so long, each counted in
  // the first that fits; the last has no bound.
  static constexpr std::array<double, 12> kSecondsUpTo = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                          0.1,   0.25,   0.5,   1,    5,     30};
  std::array<std::uint64_t, 13> requests_taking{};
  double request_seconds = 0;  // of all together
};

}  // namespace rb::net
