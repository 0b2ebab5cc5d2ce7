// The threads of a run and what they do next. Two kinds of work:
//   branches  a directory with subdirectories that were not started yet. They stand on a stack, and everybody
//   takes the
//             next subdirectory from the top one: depth first, so that few directories are open at a time.
//   leaves    a batch of files to read. They never wait for other work, so a thread that waits for one may do
//   others
//             meanwhile, without its stack growing.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace rb {

struct Worker;  // backup/worker.h: what one thread owns

class WorkerPool {
 public:
  class Leaf {
   public:
    virtual ~Leaf() = default;
    virtual void run(Worker& worker) = 0;

   private:
    friend class WorkerPool;
    bool done_ = false;  // guarded by the pool's mutex
  };

  class Branch {
   public:
    virtual ~Branch() = default;
    // Does the next piece. False when there is none left to start: the pool lets go of the branch then.
    virtual bool start_next(Worker& worker) = 0;
  };

  void push(std::shared_ptr<Branch> branch);
  void submit(std::shared_ptr<Leaf> leaf);
  // Runs leaves, this or others, until this one is done; gives up when the pool is closed.
  void wait_for(Leaf& leaf, Worker& worker);

  // A thread's life: works until close().
  void work(Worker& worker);
  // The same of a spare thread: asks before each piece of work whether it is welcome, and every now and then
  // when it is not.
  void work_beside(Worker& worker, const std::function<bool()>& welcome);
  // No more work will come.
  void close();

 private:
  // Does a piece of the work that there is; false when there is none.
  bool do_next(std::unique_lock<std::mutex>& lock, Worker& worker);
  void run_leaf(std::unique_lock<std::mutex>& lock, Worker& worker);
  void run_branch(std::unique_lock<std::mutex>& lock, Worker& worker);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable spare_;  // told of the end alone
  std::vector<std::shared_ptr<Branch>> branches_;
  std::deque<std::shared_ptr<Leaf>> leaves_;
  bool closed_ = false;
};

}  // namespace rb
