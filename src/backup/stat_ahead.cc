#include "backup/stat_ahead.h"

#include <algorithm>

#include <dirent.h>

namespace rb {

namespace {

// A batch is about a millisecond's work. Few, so that what was seen is not old when its turn comes.
constexpr std::size_t kBatchNames = 1024;
constexpr std::size_t kBatches = 4;
// Directories this small are left to one thread: there are mostly others for the rest.
constexpr std::size_t kAheadFrom = 2 * kBatchNames;

}  // namespace

class StatAhead::Batch final : public WorkerPool::Leaf {
 public:
  Batch(std::shared_ptr<const OpenDirectory> directory, std::shared_ptr<const NameList> names,
        std::size_t begin, std::size_t end)
      : directory_(std::move(directory)), names_(std::move(names)), begin_(begin), end_(end) {}

  std::size_t end() const { return end_; }

  void run(Worker&) override {
    seen_.reserve(end_ - begin_);
    // What is a directory is not asked for as a file, unless it became one meanwhile.
    for (std::size_t i = begin_; i < end_; ++i)
      seen_.push_back(names_->d_type(i) == DT_DIR ? FileStat{} : directory_->stat(names_->c_str(i)));
  }

  // Moves it out. Requires: it ran.
  Result<FileStat> take(std::size_t index) { return std::move(seen_[index - begin_]); }
  bool has(std::size_t index) const {
    return index >= begin_ && index < begin_ + seen_.size() && names_->d_type(index) != DT_DIR;
  }

 private:
  const std::shared_ptr<const OpenDirectory> directory_;
  const std::shared_ptr<const NameList> names_;
  const std::size_t begin_, end_;
  std::vector<Result<FileStat>> seen_;
};

StatAhead::StatAhead(WorkerPool& pool, std::shared_ptr<const OpenDirectory> directory,
                     std::shared_ptr<const NameList> names)
    : pool_(pool), directory_(std::move(directory)), names_(std::move(names)) {}

void StatAhead::submit_ahead() {
  while (batches_.size() < kBatches && next_ < names_->size()) {
    const std::size_t end = std::min(next_ + kBatchNames, names_->size());
    batches_.push_back(std::make_shared<Batch>(directory_, names_, next_, end));
    pool_.submit(batches_.back());
    next_ = end;
  }
}

Result<FileStat> StatAhead::look(std::size_t index, Worker& worker) {
  if (names_->size() < kAheadFrom) return directory_->stat(names_->c_str(index));
  while (!current_ || current_->end() <= index) {
    submit_ahead();
    current_ = std::move(batches_.front());
    batches_.pop_front();
    pool_.wait_for(*current_, worker);
  }
  // The pool was closed, or a file stands where a directory was listed.
  if (!current_->has(index)) return directory_->stat(names_->c_str(index));
  return current_->take(index);
}

}  // namespace rb
