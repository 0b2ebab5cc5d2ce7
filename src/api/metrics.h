// What GET /metrics says: Prometheus's text format, version 0.0.4.
#pragma once

#include <array>
#include <atomic>

#include "api/backend.h"

namespace rb::api {

// Errors that were answered, by code. Thread-safe.
class ErrorCounts {
 public:
  static constexpr std::size_t kCodes = 14;

  void note(Errc code) { counts_[static_cast<std::size_t>(code)].fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t of(Errc code) const {
    return counts_[static_cast<std::size_t>(code)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCodes> counts_{};
};

std::string encode_metrics(const BackendState& state, const TransportState& transport,
                           const std::vector<NodeOverview>& nodes, const ErrorCounts& errors);

inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace rb::api
