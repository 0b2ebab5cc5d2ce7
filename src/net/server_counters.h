// The numbers behind ServerStats. Written by the I/O thread, read by any.
#pragma once

#include <atomic>
#include <chrono>

#include "net/server_stats.h"

namespace rb::net {

class ServerCounters {
 public:
  using Counter = std::atomic<std::uint64_t>;

  Counter open_unix = 0, open_tls = 0, open_proven = 0, nodes_connected = 0;
  Counter accepted = 0, refused_full = 0, evicted = 0, timed_out = 0;
  Counter handshakes = 0, handshakes_failed = 0;
  Counter bytes_in = 0, bytes_out = 0, body_bytes_held = 0;

  void count_request(int status, std::chrono::nanoseconds took) {
    if (status >= 200 && status < 600) requests_[static_cast<std::size_t>(status / 100)]++;
    if (status == 429) throttled_++;
    const double seconds = std::chrono::duration<double>(took).count();
    std::size_t slot = 0;
    while (slot < ServerStats::kSecondsUpTo.size() && seconds > ServerStats::kSecondsUpTo[slot])
      slot++;
    taking_[slot]++;
    nanoseconds_ += static_cast<std::uint64_t>(took.count());
  }

  ServerStats snapshot() const {
    ServerStats out;
    out.open_unix = open_unix;
    out.open_tls = open_tls;
    out.open_proven = open_proven;
    out.nodes_connected = nodes_connected;
    out.accepted = accepted;
    out.refused_full = refused_full;
    out.evicted = evicted;
    out.timed_out = timed_out;
    out.handshakes = handshakes;
    out.handshakes_failed = handshakes_failed;
    out.throttled = throttled_;
    out.bytes_in = bytes_in;
    out.bytes_out = bytes_out;
    out.body_bytes_held = body_bytes_held;
    for (std::size_t i = 0; i < requests_.size(); i++)
      out.requests[i] = requests_[i];
    for (std::size_t i = 0; i < taking_.size(); i++)
      out.requests_taking[i] = taking_[i];
    out.request_seconds = static_cast<double>(nanoseconds_) * 1e-9;
    return out;
  }

 private:
  Counter throttled_ = 0, nanoseconds_ = 0;
  std::array<Counter, 6> requests_{};
  std::array<Counter, 13> taking_{};
};

}  // namespace rb::net
