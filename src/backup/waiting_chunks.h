// The chunks of a run that another session is sending just now (Presence::wait): kept with their bytes, asked
// about again until they have come or are ours to send, while the run's other work goes on.
//
// They are asked about in parts, round and round: a part that has come makes the next one larger, a part that
// has not makes the next question wait longer. So a chunk costs few questions, however long its sender takes,
// and one whose sender died holds up no other. What is ours to send is sent at once, since others may wait
// for it by now. Every claim ends (docs/protocol.md, "Ask"), so every wait does; a store that says "wait"
// beyond all measure is not believed, and costs a duplicate.
//
// Thread-safe: anybody may add, one thread at a time asks, the others wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

#include "backup/run_monitor.h"
#include "base/bytes.h"
#include "store/store.h"

namespace rb {

struct WaitingOptions {
  std::chrono::milliseconds first_pause{5}, longest_pause{200};
  // Four lifetimes of a claim: as many senders may die one after the other before ours is sent unbidden.
  std::chrono::milliseconds patience{120'000};
  std::size_t smallest_part = 32;
};

class WaitingChunks {
 public:
  // Called for what is to be sent after all, by the thread that asks.
  using Send = std::function<Status(const ObjectId& id, ByteView bytes)>;
  // Called when a round of send is over: nothing that is claimed may lie around.
  using SendOff = std::function<Status()>;

  // Borrows session and monitor.
  WaitingChunks(Session& session, RunMonitor& monitor, Send send, SendOff send_off, WaitingOptions options);

  // Numbers them from 1, in the order of add.
  using Number = std::uint64_t;
  void add(const ObjectId& id, ByteView bytes);
  Number last_number() const;
  // Whether all up to this number have come, or were sent (put into the session).
  bool settled(Number number) const;
  std::size_t bytes() const;

  // Asks if it is time to, and nobody else does.
  Status ask_when_due();
  // Waits until it is time to ask, or for who does, and asks. Requires: something waits. Returns after one
  // round, or sooner when the run was stopped.
  Status wait_and_ask();

 private:
  using Clock = std::chrono::steady_clock;
  struct Chunk {
    ObjectId id;
    Bytes bytes;
    Clock::time_point since;
  };
  using Chunks = std::map<Number, Chunk>;
  using Lock = std::unique_lock<std::mutex>;
  using Part = std::vector<Chunks::value_type*>;

  // Requires: the lock, and `asking_` is ours.
  Status ask_round(Lock& lock);
  Result<std::size_t> ask_part(Lock& lock, const Part& part);
  Part next_part();
  std::size_t part_size() const;

  Session& session_;
  RunMonitor& monitor_;
  const Send send_;
  const SendOff send_off_;
  const WaitingOptions options_;

  mutable std::mutex mutex_;  // guards the rest; not held while the store is asked
  std::condition_variable asked_;
  Chunks chunks_;  // whoever asks is the only one to remove any
  std::size_t bytes_ = 0;
  Number last_ = 0;
  Number next_to_ask_ = 0;
  std::size_t wanted_part_ = 0;
  bool asking_ = false;
  Clock::time_point due_;
  std::chrono::milliseconds pause_;
};

}  // namespace rb
