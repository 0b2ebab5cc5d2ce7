#include "net/block_sender.h"

#include <algorithm>

namespace rb::net {

BlockSender::BlockSender(Send send, BlockSenderOptions options) : send_(std::move(send)), options_(options) {}

BlockSender::~BlockSender() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  done_.notify_all();
  for (std::thread& thread : data_threads_)
    thread.join();
  if (metadata_thread_.joinable()) metadata_thread_.join();
}

void BlockSender::start_data_thread_if_wanted() {
  const bool is_more_than_a_request = data_bytes_ >= options_.request_bytes;
  if (!data_threads_.empty() && !is_more_than_a_request) return;
  if (data_threads_.size() >= static_cast<std::size_t>(std::max(1, options_.connections))) return;
  data_threads_.emplace_back([this] { run_data(); });
}

Status BlockSender::put(BlockClass block_class, Bytes block) {
  Lock lock(mutex_);
  const std::size_t size = block.size();
  wait_for_room(lock, size);
  if (error_) return std::unexpected(*error_);
  unacknowledged_bytes_ += size;
  if (block_class == BlockClass::data) {
    if (data_.empty()) data_since_ = Clock::now();
    data_.push_back(std::move(block));
    data_bytes_ += size;
    data_put_++;
    start_data_thread_if_wanted();
  } else {
    if (metadata_.empty()) metadata_since_ = Clock::now();
    metadata_.push_back({std::move(block), data_put_});
    metadata_bytes_ += size;
    metadata_put_++;
    if (!metadata_thread_.joinable()) metadata_thread_ = std::thread([this] { run_metadata(); });
  }
  lock.unlock();
  work_.notify_all();
  return {};
}

void BlockSender::wait_for_room(Lock& lock, std::size_t size) {
  while (!ended() && unacknowledged_bytes_ != 0 && unacknowledged_bytes_ + size > options_.window_bytes) {
    const bool nothing_is_under_way = unacknowledged_bytes_ == data_bytes_ + metadata_bytes_;
    if (nothing_is_under_way) hurry();
    done_.wait(lock);
  }
}

void BlockSender::hurry() {
  data_urgent_ = data_put_;
  metadata_urgent_ = metadata_put_;
  work_.notify_all();
}

Status BlockSender::flush() {
  Lock lock(mutex_);
  const std::uint64_t data = data_put_;
  const std::uint64_t metadata = metadata_put_;
  hurry();
  done_.wait(lock, [&] { return ended() || (data_is_through(data) && metadata_acknowledged_ >= metadata); });
  if (error_) return std::unexpected(*error_);
  return {};
}

void BlockSender::stop(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
  work_.notify_all();
  done_.notify_all();
}

bool BlockSender::data_is_through(std::uint64_t number) const {
  const std::uint64_t oldest_open = data_under_way_.empty() ? data_taken_ + 1 : *data_under_way_.begin();
  return oldest_open > number;
}

void BlockSender::run_data() {
  Lock lock(mutex_);
  while (wait_for_data(lock)) {
    const std::uint64_t first = data_taken_ + 1;
    const std::vector<Bytes> blocks = take_data();
    data_under_way_.insert(first);
    std::size_t bytes = 0;
    for (const Bytes& block : blocks)
      bytes += block.size();
    lock.unlock();
    const Status result = send_(api::StreamPosition{}, blocks);
    lock.lock();
    if (result) data_under_way_.erase(first);
    settle(result, bytes);
  }
}

bool BlockSender::wait_for_data(Lock& lock) {
  for (;;) {
    if (ended()) return false;
    if (data_.empty()) {
      work_.wait(lock);
      continue;
    }
    const Clock::time_point due = data_since_ + options_.linger;
    const bool now =
        data_bytes_ >= options_.request_bytes || data_urgent_ > data_taken_ || Clock::now() >= due;
    if (now) return true;
    work_.wait_until(lock, due);
  }
}

std::vector<Bytes> BlockSender::take_data() {
  std::vector<Bytes> blocks;
  std::size_t bytes = 0;
  while (!data_.empty() && (blocks.empty() || bytes + data_.front().size() <= options_.request_bytes)) {
    bytes += data_.front().size();
    blocks.push_back(std::move(data_.front()));
    data_.pop_front();
  }
  data_taken_ += blocks.size();
  data_bytes_ -= bytes;
  data_since_ = Clock::now();
  return blocks;
}

void BlockSender::run_metadata() {
  Lock lock(mutex_);
  while (wait_for_metadata(lock)) {
    const std::uint64_t first = metadata_taken_;
    std::uint64_t barrier = 0;
    const std::vector<Bytes> blocks = take_metadata(barrier);
    std::size_t bytes = 0;
    for (const Bytes& block : blocks)
      bytes += block.size();
    data_urgent_ = std::max(data_urgent_, barrier);
    work_.notify_all();
    // From here on what these blocks refer to is durable.
    done_.wait(lock, [&] { return ended() || data_is_through(barrier); });
    if (ended()) return;
    lock.unlock();
    const Status result = send_(api::StreamPosition{true, first}, blocks);
    lock.lock();
    if (result) metadata_acknowledged_ += blocks.size();
    settle(result, bytes);
  }
}

bool BlockSender::wait_for_metadata(Lock& lock) {
  for (;;) {
    if (ended()) return false;
    if (metadata_.empty()) {
      work_.wait(lock);
      continue;
    }
    const Clock::time_point due = metadata_since_ + options_.linger;
    const bool now = metadata_bytes_ >= options_.metadata_request_bytes ||
                     metadata_urgent_ > metadata_taken_ || Clock::now() >= due;
    if (now) return true;
    work_.wait_until(lock, due);
  }
}

std::vector<Bytes> BlockSender::take_metadata(std::uint64_t& barrier) {
  std::vector<Bytes> blocks;
  std::size_t bytes = 0;
  while (!metadata_.empty() &&
         (blocks.empty() || bytes + metadata_.front().block.size() <= options_.metadata_request_bytes)) {
    bytes += metadata_.front().block.size();
    barrier = metadata_.front().after_data;
    blocks.push_back(std::move(metadata_.front().block));
    metadata_.pop_front();
  }
  metadata_taken_ += blocks.size();
  metadata_bytes_ -= bytes;
  metadata_since_ = Clock::now();
  return blocks;
}

void BlockSender::settle(const Status& result, std::size_t bytes) {
  unacknowledged_bytes_ -= bytes;
  if (!result && !error_) error_ = result.error();
  done_.notify_all();
  if (error_) work_.notify_all();
}

}  // namespace rb::net
