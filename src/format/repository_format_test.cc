#include "format/repository_format.h"

#include <gtest/gtest.h>

#include "support/canonical.h"

namespace rb {
namespace {

RepositoryFormat example() {
  RepositoryFormat format;
  format.id.bytes.fill(0x11);
  format.record_key.fill(0x22);
  return format;
}

TEST(RepositoryFormatTest, ComesBack) {
  const Bytes bytes = encode_repository_format(example());
  EXPECT_EQ(as_text(bytes).substr(0, kRepositoryMarkerMagic.size()), kRepositoryMarkerMagic);
  EXPECT_EQ(decode_repository_format(bytes), example());
}

TEST(RepositoryFormatTest, AnyDamageIsSeen) {
  EXPECT_TRUE(test::for_each_damage(encode_repository_format(example()), [](const Bytes& bytes) {
    const Result<RepositoryFormat> format = decode_repository_format(bytes);
    return format ? bytes == encode_repository_format(example()) : format.error().code == Errc::corrupt;
  }));
}

TEST(RepositoryFormatTest, ALaterVersionIsToldFromDamage) {
  RepositoryFormat later = example();
  later.version = kFormatVersion + 1;
  const Result<RepositoryFormat> format = decode_repository_format(encode_repository_format(later));
  ASSERT_FALSE(format);
  EXPECT_EQ(format.error().code, Errc::unsupported);
  EXPECT_NE(format.error().message.find("version 1"), std::string::npos) << format.error().message;
}

}  // namespace
}  // namespace rb
