// How fast packs are read, and when to stop: what every long reading asks after each piece. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/error.h"
#include "base/file_system.h"

namespace rb {

class Pace {
 public:
  // 0: as fast as it goes.
  explicit Pace(std::uint64_t bytes_per_second = 0) : bytes_per_second_(bytes_per_second) {}

  void limit(std::uint64_t bytes_per_second) { bytes_per_second_ = bytes_per_second; }
  bool is_limited() const { return bytes_per_second_ != 0; }
  // Waits until so much more may be read. Errc::cancelled after cancel().
  Status spend(std::uint64_t bytes);
  Status check() const;
  void cancel();
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::atomic<std::uint64_t> bytes_per_second_, bytes_ = 0;
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::chrono::steady_clock::time_point next_{};  // when what was read so far is paid for
};

// A file for reading that keeps to the pace.
class PacedFile final : public File {
 public:
  PacedFile(const File& file, Pace& pace) : file_(file), pace_(pace) {}
  Status write_at(std::uint64_t, ByteView) override { return fail(Errc::unsupported, "is for reading"); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override;
  Result<std::uint64_t> size() const override { return file_.size(); }
  Status sync() override { return {}; }

 private:
  const File& file_;
  Pace& pace_;
};

}  // namespace rb
