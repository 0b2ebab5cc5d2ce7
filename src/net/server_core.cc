#include "net/server_core.h"

#include <algorithm>

namespace rb::net {

namespace {

std::size_t at_least_one(std::size_t count) {
  return std::max<std::size_t>(1, count);
}

std::size_t threads(int wanted) {
  return at_least_one(static_cast<std::size_t>(std::max(0, wanted)));
}

}  // namespace

// One worker is always left to others than the busiest node. Of the threads for long answers it may have
// half: each may be held for as long as its reader is slow.
ServerCore::ServerCore(api::Service& to_call, ServerOptions wanted)
    : service(to_call),
      options(std::move(wanted)),
      io(1),
      workers(io, threads(options.worker_threads), at_least_one(threads(options.worker_threads) - 1)),
      streamers(io, threads(options.stream_threads), at_least_one(threads(options.stream_threads) / 2)),
      budget(io.get_executor(), options.body_budget_bytes),
      pacer(io.get_executor(), options.bytes_per_second, options.share_bytes_per_second),
      shares(options.max_connections_per_share) {}

}  // namespace rb::net
