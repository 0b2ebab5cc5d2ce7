#include "chunk/zstd_codec.h"

#include <algorithm>
#include <new>

#include "base/log.h"

namespace rb {
namespace {

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
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, std::clamp(level, 1, 19));
}

std::optional<ByteView> ZstdCompressor::compress(ByteView raw) {
  grow(frame_, ZSTD_compressBound(raw.size()));
  const std::size_t n = ZSTD_compress2(context_.get(), frame_.data(), frame_.size(), raw.data(), raw.size());
  if (ZSTD_isError(n) != 0 || n >= worthwhile(raw.size()) || n >= raw.size()) return std::nullopt;
  const ByteView frame{frame_.data(), n};
  if (!unpacks_to(frame, raw)) {
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
