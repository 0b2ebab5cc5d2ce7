#include "chunk/zstd_codec.h"

#include <algorithm>
#include <new>

#include "base/log.h"
#include "chunk/block_codec.h"
#include "chunk/randomness.h"

namespace rb {
namespace {

// Of level 3 the tables are made smaller, so that they stay in a core's own cache: of a source tree in blocks
// of 2 MiB a sixth less time for 2% more bytes. Other levels as zstd has them.
constexpr int kTunedLevel = 3, kTunedHashLog = 15, kTunedChainLog = 15;

// From this level on all is unpacked again: that is where compressors were found wrong (zstd before 1.5.5 at
// the highest levels), and little beside the packing. Below, it is every so many frames: a machine with bad
// memory shows soon enough.
constexpr int kCheckAllLevel = 6;
constexpr unsigned kCheckEvery = 16;

// What looks random is believed to be so from this size on: by 4 KiB of it.
constexpr std::size_t kBelievedBytes = 64 << 10;

// A frame that saves less than a thirty-second is not worth unpacking at every read.
std::size_t worthwhile(std::size_t raw_bytes) {
  return raw_bytes - raw_bytes / 32;
}

void grow(Bytes& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
}

}  // namespace

ZstdDecompressor::ZstdDecompressor() : context_(ZSTD_createDCtx()) {
  if (context_ == nullptr) throw std::bad_alloc();
}

Status ZstdDecompressor::decompress(ByteView frame, std::span<std::uint8_t> raw) {
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size() ||
      ZSTD_getFrameContentSize(frame.data(), frame.size()) != raw.size()) {
    return fail(Errc::corrupt, "block: its body is not one zstd frame of the length it should have");
  }
  const std::size_t n =
      ZSTD_decompressDCtx(context_.get(), raw.data(), raw.size(), frame.data(), frame.size());
  if (ZSTD_isError(n) != 0 || n != raw.size()) {
    return fail(Errc::corrupt, "block: its body can't be unpacked: " + std::string(ZSTD_getErrorName(n)));
  }
  return {};
}

ZstdCompressor::ZstdCompressor(int level) : context_(ZSTD_createCCtx()) {
  if (context_ == nullptr) throw std::bad_alloc();
  set_level(level);
}

void ZstdCompressor::set_level(int level) {
  level_ = std::clamp(level, 1, 19);
  const bool is_tuned = level_ == kTunedLevel;
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level_);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_hashLog, is_tuned ? kTunedHashLog : 0);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_chainLog, is_tuned ? kTunedChainLog : 0);
}

std::optional<ByteView> ZstdCompressor::compress(ByteView raw) {
  if (level_ < kTryAllLevel && raw.size() >= kBelievedBytes && looks_random(raw)) return std::nullopt;
  grow(frame_, ZSTD_compressBound(raw.size()));
  const std::size_t n = ZSTD_compress2(context_.get(), frame_.data(), frame_.size(), raw.data(), raw.size());
  if (ZSTD_isError(n) != 0 || n >= worthwhile(raw.size()) || n >= raw.size()) return std::nullopt;
  const ByteView frame{frame_.data(), n};
  const bool is_checked = level_ >= kCheckAllLevel || frames_++ % kCheckEvery == 0;
  if (is_checked && !unpacks_to(frame, raw)) {
    log(LogLevel::error,
        "what zstd packed does not unpack to the same bytes; stored uncompressed. Check this machine's "
        "memory.");
    return std::nullopt;
  }
  return frame;
}

bool ZstdCompressor::unpacks_to(ByteView frame, ByteView raw) {
  grow(unpacked_, raw.size());
  const std::span<std::uint8_t> unpacked{unpacked_.data(), raw.size()};
  return check_.decompress(frame, unpacked).has_value() && std::ranges::equal(unpacked, raw);
}

}  // namespace rb
