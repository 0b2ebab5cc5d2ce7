#include "net/work_queue.h"

#include <boost/asio/post.hpp>

namespace rb::net {

namespace asio = boost::asio;

std::optional<std::pair<std::uint64_t, WorkSchedule::Job>> WorkSchedule::next() {
  if (running_ == workers_) return std::nullopt;
  auto taken = waiting_.take([this](std::uint64_t share, const Job&) {
    const auto at = running_of_.find(share);
    return at != running_of_.end() && at->second >= max_per_share_ ? Turn::skip : Turn::take;
  });
  if (!taken) return std::nullopt;
  running_++;
  running_of_[taken->first]++;
  return taken;
}

void WorkSchedule::done(std::uint64_t share) {
  running_--;
  const auto at = running_of_.find(share);
  if (--at->second == 0) running_of_.erase(at);
}

WorkQueue::WorkQueue(asio::io_context& io, std::size_t workers, std::size_t max_per_share)
    : io_(io), schedule_(workers, max_per_share), pool_(workers) {}

void WorkQueue::submit(std::uint64_t share, WorkSchedule::Job job) {
  schedule_.push(share, std::move(job));
  run_what_may();
}

void WorkQueue::run_what_may() {
  while (auto next = schedule_.next()) {
    asio::post(pool_, [this, share = next->first, job = std::move(next->second)]() mutable {
      job();
      // What the job holds may be a connection, which only the I/O thread lets go of.
      asio::post(io_, [this, share, ended = std::move(job)] {
        schedule_.done(share);
        run_what_may();
      });
    });
  }
}

}  // namespace rb::net
