// A stretch of the walk: files to be made and the chunks they need, each chunk once however many places it
// has. The planner fills it, then it belongs to one worker. Chunks that come in a block which another worker
// asked for are written by that one: who takes a chunk writes it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "format/object.h"
#include "restore/file_task.h"

namespace rb {

class RestoreBatch {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  // Where the bytes of a chunk belong. Places of one chunk form a list.
  struct Place {
    FileTask* file;
    std::uint64_t offset;
    std::uint32_t length;
    std::uint32_t next;
  };
  struct Slot {
    ObjectId id;
    std::uint32_t first_place;
    bool taken = false;

    // Whether it falls to the caller to write the slot, or to say that it can't be had: true once. Any
    // thread.
    bool take() { return !std::atomic_ref(taken).exchange(true, std::memory_order_relaxed); }
    bool is_taken() { return std::atomic_ref(taken).load(std::memory_order_relaxed); }
  };

  // Nothing has to be fetched for it: the task comes with the planner's claim on it.
  void add_plain(FileTask* task) { plain_.push_back(task); }
  // Adds to the task's `pending`.
  void add_piece(FileTask* task, const ObjectId& chunk, std::uint64_t offset, std::uint32_t length);

  std::vector<FileTask*>& plain() { return plain_; }
  std::vector<Slot>& slots() { return slots_; }
  const Place& place(std::uint32_t index) const { return places_[index]; }
  Slot* find(const ObjectId& id);

  bool empty() const { return plain_.empty() && slots_.empty(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t weight() const { return plain_.size() + places_.size(); }
  // Files of more than one piece stay open while they are written.
  std::size_t large_files = 0;

 private:
  std::uint32_t& cell_of(const ObjectId& id);
  void make_room();

  std::vector<FileTask*> plain_;
  std::vector<Slot> slots_;
  std::vector<Place> places_;
  // Where the slot of an id is, by open addressing: an id is a hash already, and with small files a node for
  // each of them would show.
  std::vector<std::uint32_t> index_;
  std::size_t bytes_ = 0;
};

// From the planner to the workers. Holds as many batches as memory and open files allow: the further the plan
// is ahead, the more places of a chunk that comes are known. Thread-safe.
class BatchQueue {
 public:
  // Waits while the queue is full.
  void push(std::unique_ptr<RestoreBatch> batch);
  // Waits for a batch; nothing once the queue is closed and empty. Each is followed by a call of finished().
  std::shared_ptr<RestoreBatch> pop();
  void finished(const std::shared_ptr<RestoreBatch>& batch);
  // The batches that wait or are in work, without this one.
  std::vector<std::shared_ptr<RestoreBatch>> others(const RestoreBatch& batch);
  // Waits until every batch that was pushed is finished.
  void wait_idle();
  void close();

 private:
  bool is_full() const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<RestoreBatch>> waiting_;
  std::vector<std::shared_ptr<RestoreBatch>> in_work_;
  bool closed_ = false;
};

}  // namespace rb
