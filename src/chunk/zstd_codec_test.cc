// A compressor that errs, as real ones have: what it spoils must not be let go. The library's own function is
// replaced for this program, and spoils what it makes when it is told to.
#include "chunk/zstd_codec.h"

#include <random>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "chunk/block_codec.h"

namespace {
bool is_faulty = false;
int calls = 0;
}  // namespace

extern "C" size_t ZSTD_compress2(ZSTD_CCtx* context, void* out, size_t room, const void* in, size_t bytes) {
  using Compress = size_t (*)(ZSTD_CCtx*, void*, size_t, const void*, size_t);
  static const auto compress = reinterpret_cast<Compress>(::dlsym(RTLD_NEXT, "ZSTD_compress2"));
  ++calls;
  const size_t length = compress(context, out, room, in, bytes);
  if (is_faulty && ZSTD_isError(length) == 0 && length > 16) static_cast<char*>(out)[length - 2] ^= 1;
  return length;
}

namespace rb::test {
namespace {

class ZstdCodecTest : public testing::Test {
 protected:
  ~ZstdCodecTest() override { is_faulty = false; }
  const std::string text_ = [] {
    std::string text;
    for (int i = 0; i < 2000; ++i)
      text += std::to_string(i * 7919 % 1000) + " bottles of beer\n";
    return text;
  }();
};

TEST_F(ZstdCodecTest, ASoundCompressorSaves) {
  ZstdCompressor compressor(1);
  const auto frame = compressor.compress(as_bytes(text_));
  ASSERT_TRUE(frame);
  EXPECT_LT(frame->size(), text_.size() / 2);
}

TEST_F(ZstdCodecTest, WhatLooksRandomIsTriedAtLevelsThatOnlyAUserAsksFor) {
  std::mt19937_64 random(1);
  Bytes noise(128 << 10);
  for (std::uint8_t& byte : noise)
    byte = static_cast<std::uint8_t>(random());
  const int before = calls;
  EXPECT_FALSE(ZstdCompressor(kTryAllLevel - 1).compress(noise));
  EXPECT_EQ(calls, before);
  EXPECT_FALSE(ZstdCompressor(kTryAllLevel).compress(noise));
  EXPECT_EQ(calls, before + 1);
}

TEST_F(ZstdCodecTest, WhatAFaultyCompressorSpoilsIsStoredAsItIs) {
  ZstdCompressor compressor(1);
  is_faulty = true;
  EXPECT_FALSE(compressor.compress(as_bytes(text_)));
  Object chunk{.kind = ObjectKind::chunk, .refs = {}, .payload = {text_.begin(), text_.end()}};
  BlockBuilder builder(BlockClass::data);
  builder.add(object_id(chunk), chunk.kind, chunk.refs, chunk.payload);
  const Bytes block = builder.finish();
  EXPECT_GT(block.size(), text_.size()) << "raw";
  const auto objects = unpack_block(block);
  ASSERT_TRUE(objects) << objects.error().message;
  EXPECT_EQ(objects->front().object.payload, chunk.payload);
}

}  // namespace
}  // namespace rb::test
