// What all connections of a server share.
#pragma once

#include <boost/asio/io_context.hpp>

#include "net/body_memory.h"
#include "net/byte_budget.h"
#include "net/pacer.h"
#include "net/server.h"
#include "net/server_counters.h"
#include "net/share_counts.h"
#include "net/work_queue.h"

namespace rb::net {

struct ServerCore {
  ServerCore(api::Service& to_call, ServerOptions wanted);

  api::Service& service;
  const ServerOptions options;
  boost::asio::io_context io;
  WorkQueue workers;
  // Long answers have threads of their own: a reader that is slow blocks one, and must not block who sends.
  WorkQueue streamers;
  ServerCounters counters;  // any thread reads these
  BodyMemory body_memory;

  // On the I/O thread only.
  ByteBudget budget;
  Pacer pacer;
  ShareCounts shares;
  std::uint64_t next_request = 1;
  bool stopping = false;
};

}  // namespace rb::net
