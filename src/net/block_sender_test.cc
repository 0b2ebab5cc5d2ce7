#include "net/block_sender.h"

#include <algorithm>
#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace rb::net {
namespace {

// What was sent, in the order it was acknowledged. Blocks are told apart by their first byte.
class Recorder {
 public:
  Status take(const api::StreamPosition& position, std::span<const Bytes> blocks) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < blocks.size(); i++) {
      if (position.metadata) {
        EXPECT_EQ(position.first + i, metadata_.size()) << "a number was skipped or repeated";
        data_before_metadata_.push_back(data_.size());
        metadata_.push_back(blocks[i][0]);
      } else {
        data_.push_back(blocks[i][0]);
      }
    }
    requests_++;
    return {};
  }
  std::vector<std::uint8_t> data_, metadata_;
  std::vector<std::size_t> data_before_metadata_;
  int requests_ = 0;

 private:
  std::mutex mutex_;
};

BlockSender::Send recording(Recorder& recorder) {
  return [&recorder](const api::StreamPosition& position, std::span<const Bytes> blocks) {
    return recorder.take(position, blocks);
  };
}

Bytes block(int n, std::size_t size = 100) {
  return Bytes(size, static_cast<std::uint8_t>(n));
}

TEST(BlockSenderTest, EverythingPutIsSentOnce) {
  Recorder recorder;
  BlockSender sender(recording(recorder), {});
  for (int i = 0; i < 200; i++)
    ASSERT_TRUE(sender.put(BlockClass::data, block(i)));
  ASSERT_TRUE(sender.flush());
  std::ranges::sort(recorder.data_);
  ASSERT_EQ(recorder.data_.size(), 200u);
  for (int i = 0; i < 200; i++)
    EXPECT_EQ(recorder.data_[static_cast<std::size_t>(i)], i);
  EXPECT_LT(recorder.requests_, 200) << "small blocks share requests";
}

TEST(BlockSenderTest, MetadataKeepsItsOrderAndComesAfterTheDataBeforeIt) {
  Recorder recorder;
  BlockSender sender(recording(recorder), {.connections = 3, .request_bytes = 250});
  std::vector<std::size_t> data_put;
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(sender.put(BlockClass::data, block(i)));
    if (i % 3 != 0) continue;
    ASSERT_TRUE(sender.put(BlockClass::metadata, block(i)));
    data_put.push_back(static_cast<std::size_t>(i) + 1);
  }
  ASSERT_TRUE(sender.flush());
  ASSERT_EQ(recorder.metadata_.size(), data_put.size());
  EXPECT_TRUE(std::ranges::is_sorted(recorder.metadata_));
  for (std::size_t i = 0; i < data_put.size(); i++)
    EXPECT_GE(recorder.data_before_metadata_[i], data_put[i]);
}

TEST(BlockSenderTest, AFlushOfNothingReturns) {
  Recorder recorder;
  BlockSender sender(recording(recorder), {});
  EXPECT_TRUE(sender.flush());
  EXPECT_EQ(recorder.requests_, 0);
}

TEST(BlockSenderTest, NoMoreThanTheWindowIsUnderWay) {
  std::atomic<std::size_t> acknowledged{0};
  std::atomic<std::size_t> put{0};
  std::atomic<std::size_t> most{0};
  BlockSender sender(
      [&](const api::StreamPosition&, std::span<const Bytes> blocks) -> Status {
        most = std::max(most.load(), put.load() - acknowledged.load());
        for (const Bytes& b : blocks)
          acknowledged += b.size();
        return {};
      },
      {.window_bytes = 1000, .request_bytes = 300, .linger = std::chrono::milliseconds(1)});
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(sender.put(BlockClass::data, block(i)));
    put += 100;
  }
  ASSERT_TRUE(sender.flush());
  EXPECT_LE(most, 1000u);
  EXPECT_EQ(acknowledged, 10000u);
}

TEST(BlockSenderTest, WhoWaitsForTheWindowNeedNotWaitForALargerRequest) {
  Recorder recorder;
  BlockSender sender(recording(recorder),
                     {.window_bytes = 250, .request_bytes = 10'000, .linger = std::chrono::hours(1)});
  for (int i = 0; i < 10; i++) {
    ASSERT_TRUE(sender.put(BlockClass::data, block(i)));
    ASSERT_TRUE(sender.put(BlockClass::metadata, block(i)));
  }
  ASSERT_TRUE(sender.flush());
  EXPECT_EQ(recorder.data_.size(), 10u);
  EXPECT_EQ(recorder.metadata_.size(), 10u);
}

TEST(BlockSenderTest, MetadataGoesAtASizeOfItsOwn) {
  std::promise<std::size_t> sent;
  auto is_sent = sent.get_future();
  {
    BlockSender sender(
        [&](const api::StreamPosition& position, std::span<const Bytes> blocks) -> Status {
          if (position.first == 0) sent.set_value(blocks.size());
          return {};
        },
        {.request_bytes = 10'000, .metadata_request_bytes = 250, .linger = std::chrono::hours(1)});
    for (int i = 0; i < 3; i++)
      ASSERT_TRUE(sender.put(BlockClass::metadata, block(i)));
    is_sent.wait();
  }
  EXPECT_EQ(is_sent.get(), 2u);
}

TEST(BlockSenderTest, ABlockLargerThanTheWindowPassesAlone) {
  Recorder recorder;
  BlockSender sender(recording(recorder), {.window_bytes = 10, .request_bytes = 10});
  ASSERT_TRUE(sender.put(BlockClass::data, block(1)));
  ASSERT_TRUE(sender.put(BlockClass::metadata, block(2)));
  ASSERT_TRUE(sender.flush());
  EXPECT_EQ(recorder.metadata_.size(), 1u);
}

TEST(BlockSenderTest, AnErrorEndsEverythingAndStays) {
  BlockSender sender([](const api::StreamPosition&,
                        std::span<const Bytes>) -> Status { return fail(Errc::no_space, "full"); },
                     {.window_bytes = 150});
  Status last;
  for (int i = 0; i < 10 && last; i++)
    last = sender.put(BlockClass::data, block(i));
  EXPECT_EQ(last.error().code, Errc::no_space) << "who waits for the window hears of it";
  EXPECT_EQ(sender.flush().error().code, Errc::no_space);
  EXPECT_EQ(sender.put(BlockClass::metadata, block(1)).error().code, Errc::no_space);
}

TEST(BlockSenderTest, MetadataDoesNotFollowDataThatFailed) {
  std::atomic<int> metadata{0};
  BlockSender sender(
      [&](const api::StreamPosition& position, std::span<const Bytes>) -> Status {
        if (position.metadata) metadata++;
        return position.metadata ? Status() : Status(fail(Errc::io, "disk"));
      },
      {});
  (void)sender.put(BlockClass::data, block(1));
  (void)sender.put(BlockClass::metadata, block(2));
  EXPECT_EQ(sender.flush().error().code, Errc::io);
  EXPECT_EQ(metadata, 0);
}

TEST(BlockSenderTest, StoppingWakesWhoWaits) {
  std::atomic<bool> release{false};
  BlockSender sender(
      [&](const api::StreamPosition&, std::span<const Bytes>) -> Status {
        release.wait(false);
        return {};
      },
      {});
  ASSERT_TRUE(sender.put(BlockClass::data, block(1)));
  std::thread stopper([&] { sender.stop(Error(Errc::fenced, "gone")); });
  EXPECT_EQ(sender.flush().error().code, Errc::fenced);
  stopper.join();
  release = true;
  release.notify_all();
}

TEST(BlockSenderTest, GoingAwayDropsWhatWasNotSent) {
  Recorder recorder;
  {
    BlockSender sender(recording(recorder), {.linger = std::chrono::hours(1)});
    ASSERT_TRUE(sender.put(BlockClass::data, block(1)));
  }
  EXPECT_TRUE(recorder.data_.empty());
}

}  // namespace
}  // namespace rb::net
