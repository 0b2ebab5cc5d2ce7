// One zstd frame, in and out, with contexts and buffers that are kept from one call to the next. Private to
// chunk/.
#pragma once

#include <memory>
#include <optional>

#include <zstd.h>

#include "base/bytes.h"
#include "base/error.h"

namespace rb {

// Not thread-safe.
class ZstdDecompressor {
 public:
  ZstdDecompressor();
  // `frame` must be exactly one frame that unpacks to raw.size() bytes, and says so. Never takes memory by
  // what the frame says.
  Status decompress(ByteView frame, std::span<std::uint8_t> raw);

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_;
};

// Not thread-safe.
class ZstdCompressor {
 public:
  explicit ZstdCompressor(int level);
  void set_level(int level);
  // The frame, valid until the next call; or nothing when it would not save enough, or was found not to
  // unpack to `raw` again: high levels are always checked, low ones now and then.
  std::optional<ByteView> compress(ByteView raw);

 private:
  bool unpacks_to(ByteView frame, ByteView raw);

  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_;
  int level_ = 1;
  unsigned frames_ = 0;
  ZstdDecompressor check_;
  Bytes frame_;
  Bytes unpacked_;
};

}  // namespace rb
