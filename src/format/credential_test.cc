#include "format/credential.h"

#include <gtest/gtest.h>

namespace rb {
namespace {

template <typename Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

TEST(CredentialTest, GoldenHash) {
  EXPECT_EQ(to_hex(hash_secret(filled<CredentialId>(1), filled<SecretKey>(2))),
            "3097d87aebc97968613182c33c1a7cd3002124e568f5fa5052eb1814745a5598");
}

TEST(CredentialTest, TheHashBindsSecretAndId) {
  const SecretHash hash = hash_secret(filled<CredentialId>(1), filled<SecretKey>(2));
  EXPECT_NE(hash, hash_secret(filled<CredentialId>(3), filled<SecretKey>(2)));
  EXPECT_NE(hash, hash_secret(filled<CredentialId>(1), filled<SecretKey>(3)));
}

TEST(CredentialTest, EveryDifferenceCounts) {
  const SecretHash hash = filled<SecretHash>(0x5a);
  EXPECT_TRUE(equal_in_constant_time(hash, hash));
  for (std::size_t bit = 0; bit < SecretHash::kSize * 8; ++bit) {
    SecretHash other = hash;
    other.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(equal_in_constant_time(hash, other)) << bit;
  }
}

}  // namespace
}  // namespace rb
