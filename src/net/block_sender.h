// The uploading half of a remote session: takes blocks, gathers them into requests of a few MiB, and sends
// these on threads of its own: data on several at a time in any order, metadata on one in the order of put,
// each request only after all data put before its blocks is acknowledged. Bounds the bytes that are not
// acknowledged. Knows no HTTP. Thread-safe. After the first error nothing is sent any more, and every call
// gives that error.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "api/routes.h"
#include "base/bytes.h"
#include "format/block.h"

namespace rb::net {

struct BlockSenderOptions {
  int connections = 2;
  std::size_t window_bytes = 16 << 20;
  // A request is closed at this size: large enough that a round trip and a sync to disk are shared by many
  // blocks.
  std::size_t request_bytes = 4 << 20;
  // The same for metadata, which costs the store more by the byte: it had better begin while more is made.
  std::size_t metadata_request_bytes = 1 << 20;
  // How long a smaller one waits to grow, unless somebody waits for it. A small backup has sent nothing
  // before it flushes, so its data needs no connection beside the one that asks, however slow the answers
  // are.
  std::chrono::milliseconds linger{1000};
};

class BlockSender {
 public:
  // Sends some blocks and gives success once all are acknowledged. Repeats by itself; an error is final.
  using Send = std::function<Status(const api::StreamPosition& position, std::span<const Bytes> blocks)>;

  BlockSender(Send send, BlockSenderOptions options);
  // Drops what is not under way, and waits for what is.
  ~BlockSender();

  // Blocks while the window is full.
  Status put(BlockClass block_class, Bytes block);
  // Waits until everything put before is acknowledged.
  Status flush();
  // Ends the sending with an error from elsewhere.
  void stop(const Error& error);

 private:
  using Clock = std::chrono::steady_clock;
  struct MetadataBlock {
    Bytes block;
    std::uint64_t after_data = 0;  // number of the last data block put before it
  };
  using Lock = std::unique_lock<std::mutex>;

  void start_data_thread_if_wanted();
  void wait_for_room(Lock& lock, std::size_t size);
  // What lies here waits no longer to grow.
  void hurry();
  void run_data();
  void run_metadata();
  bool wait_for_data(Lock& lock);
  bool wait_for_metadata(Lock& lock);
  std::vector<Bytes> take_data();
  std::vector<Bytes> take_metadata(std::uint64_t& barrier);
  void settle(const Status& result, std::size_t bytes);
  // All data blocks up to this number are acknowledged.
  bool data_is_through(std::uint64_t number) const;
  bool ended() const { return closing_ || error_.has_value(); }

  const Send send_;
  const BlockSenderOptions options_;

  std::mutex mutex_;
  std::condition_variable work_;  // something to send, or an end
  std::condition_variable done_;  // something acknowledged, or an end
  bool closing_ = false;
  std::optional<Error> error_;
  std::size_t unacknowledged_bytes_ = 0;

  // Data blocks are numbered from 1 in the order of put, and taken in that order.
  std::deque<Bytes> data_;
  std::size_t data_bytes_ = 0;
  Clock::time_point data_since_;
  std::uint64_t data_put_ = 0;
  std::uint64_t data_taken_ = 0;
  std::uint64_t data_urgent_ = 0;           // somebody waits for blocks up to this one
  std::set<std::uint64_t> data_under_way_;  // the first number of each request

  std::deque<MetadataBlock> metadata_;
  std::size_t metadata_bytes_ = 0;
  Clock::time_point metadata_since_;
  std::uint64_t metadata_put_ = 0;
  std::uint64_t metadata_taken_ = 0;
  std::uint64_t metadata_urgent_ = 0;
  std::uint64_t metadata_acknowledged_ = 0;

  // Each begins when there is something for it to do: most backups have little to send.
  std::vector<std::thread> data_threads_;
  std::thread metadata_thread_;
};

}  // namespace rb::net
