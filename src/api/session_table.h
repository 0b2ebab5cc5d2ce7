// The sessions that requests name: by key, each bound to the node that began it, each with a lease that its
// requests renew. Thread-safe. A session ends outside the table's lock, since ending one may wait for a disk.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "api/messages.h"
#include "base/clock.h"

namespace rb::api {

// One session of a store, as requests share it.
struct OpenSession {
  SessionKey key;
  std::uint32_t node = 0;
  RunId run;
  std::unique_ptr<Store> store;  // outlives the session, which stands below it
  std::unique_ptr<Session> session;

  // The metadata stream is one sequence: its requests are taken one at a time.
  std::mutex metadata_mutex;
  std::uint64_t metadata_next = 0;  // number of the next block

  // Kept by the table, under its lock.
  std::chrono::nanoseconds last_used{0};
  int requests_running = 0;
};

class SessionTable {
 public:
  SessionTable(const Clock& clock, std::chrono::nanoseconds lease) : clock_(clock), lease_(lease) {}

  // Holds a session for the time of one request: it can't expire meanwhile, and its lease counts from the
  // end.
  class Use {
   public:
    Use(SessionTable& table, std::shared_ptr<OpenSession> open) : table_(&table), open_(std::move(open)) {}
    Use(Use&&) = default;
    Use& operator=(Use&&) = delete;
    ~Use();
    OpenSession& operator*() const { return *open_; }
    OpenSession* operator->() const { return open_.get(); }

   private:
    SessionTable* table_;
    std::shared_ptr<OpenSession> open_;
  };

  // A run has one session at a time: an earlier one of the same run, whose answer was lost, ends.
  void insert(std::shared_ptr<OpenSession> open);
  // Errc::fenced for a key that names no session (any more), or one of another node.
  Result<Use> use(const SessionKey& key, std::uint32_t node);
  void end(const SessionKey& key);
  void end_run(std::uint32_t node, const RunId& run);
  void expire();
  void end_all();
  std::size_t count() const;

 private:
  using Ended = std::vector<std::shared_ptr<OpenSession>>;
  template <typename Condition>
  Ended take_if(const Condition& condition);  // under the lock
  bool has_expired(const OpenSession& open) const;

  const Clock& clock_;
  const std::chrono::nanoseconds lease_;
  mutable std::mutex mutex_;
  std::map<SessionKey, std::shared_ptr<OpenSession>> open_;
};

}  // namespace rb::api
