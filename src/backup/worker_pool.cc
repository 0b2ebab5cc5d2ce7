#include "backup/worker_pool.h"

#include <algorithm>

namespace rb {

namespace {

// How often a spare thread asks whether it is welcome.
constexpr std::chrono::milliseconds kSpareWait{20};

}  // namespace

void WorkerPool::push(std::shared_ptr<Branch> branch) {
  {
    std::lock_guard lock(mutex_);
    branches_.push_back(std::move(branch));
  }
  changed_.notify_all();
}

void WorkerPool::submit(std::shared_ptr<Leaf> leaf) {
  {
    std::lock_guard lock(mutex_);
    leaves_.push_back(std::move(leaf));
  }
  changed_.notify_all();
}

void WorkerPool::wait_for(Leaf& leaf, Worker& worker) {
  std::unique_lock lock(mutex_);
  while (!leaf.done_ && !closed_) {
    if (leaves_.empty()) {
      changed_.wait(lock);
    } else {
      run_leaf(lock, worker);
    }
  }
}

void WorkerPool::work(Worker& worker) {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    if (!do_next(lock, worker)) changed_.wait(lock);
  }
}

void WorkerPool::work_beside(Worker& worker, const std::function<bool()>& welcome) {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    lock.unlock();
    const bool may_work = welcome();
    lock.lock();
    if (closed_) return;
    if (!may_work || !do_next(lock, worker)) spare_.wait_for(lock, kSpareWait);
  }
}

bool WorkerPool::do_next(std::unique_lock<std::mutex>& lock, Worker& worker) {
  // A leaf has an owner who runs it before it waits; taken by another it may have to be waited for.
  if (!branches_.empty()) {
    run_branch(lock, worker);
  } else if (!leaves_.empty()) {
    run_leaf(lock, worker);
  } else {
    return false;
  }
  return true;
}

void WorkerPool::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  spare_.notify_all();
}

void WorkerPool::run_leaf(std::unique_lock<std::mutex>& lock, Worker& worker) {
  const std::shared_ptr<Leaf> leaf = std::move(leaves_.front());
  leaves_.pop_front();
  lock.unlock();
  leaf->run(worker);
  lock.lock();
  leaf->done_ = true;
  changed_.notify_all();
}

void WorkerPool::run_branch(std::unique_lock<std::mutex>& lock, Worker& worker) {
  const std::shared_ptr<Branch> branch = branches_.back();
  lock.unlock();
  const bool more = branch->start_next(worker);
  lock.lock();
  if (more) return;
  // Near the top, if another thread has not removed it already.
  const auto at = std::find(branches_.rbegin(), branches_.rend(), branch);
  if (at != branches_.rend()) branches_.erase(std::next(at).base());
}

}  // namespace rb
