// Worker threads for what may block, handed out to shares in turn, and never all of them to one share: a node
// that keeps them busy leaves some to everybody else. submit() is for the I/O thread; jobs run on the
// workers.
#pragma once

#include <functional>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "net/round_robin.h"

namespace rb::net {

// Which job is next: the decision without the threads.
class WorkSchedule {
 public:
  using Job = std::function<void()>;

  WorkSchedule(std::size_t workers, std::size_t max_per_share)
      : workers_(workers), max_per_share_(max_per_share) {}

  void push(std::uint64_t share, Job job) { waiting_.push(share, std::move(job)); }
  // The next one to be run, and its share; nothing when none may be run now. It runs until done(share).
  std::optional<std::pair<std::uint64_t, Job>> next();
  void done(std::uint64_t share);

 private:
  const std::size_t workers_;
  const std::size_t max_per_share_;
  std::size_t running_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> running_of_;
  RoundRobin<Job> waiting_;
};

class WorkQueue {
 public:
  WorkQueue(boost::asio::io_context& io, std::size_t workers, std::size_t max_per_share);

  void submit(std::uint64_t share, WorkSchedule::Job job);
  // Waits for the jobs that run. Requires: nobody submits any more.
  void join() { pool_.join(); }

 private:
  void run_what_may();

  boost::asio::io_context& io_;
  WorkSchedule schedule_;
  boost::asio::thread_pool pool_;
};

}  // namespace rb::net
