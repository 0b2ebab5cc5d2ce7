#include "format/credential.h"

#include "base/hash.h"

namespace rb {

SecretHash hash_secret(const CredentialId& id, const SecretKey& secret) {
  // The key is no secret: it keeps this hash from being any other hash of the same bytes.
  static const HashKey key = derive_key("rbbackup v0 credential secret", {});
  Hasher hasher(key);
  hasher.update(id.view()).update(secret.view());
  return SecretHash::from(hasher.digest().view());
}

bool equal_in_constant_time(const SecretHash& a, const SecretHash& b) {
  // volatile: or the compiler may find out that the rest does not matter after the first difference.
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < SecretHash::kSize; ++i)
    difference = static_cast<std::uint8_t>(difference | (a.bytes[i] ^ b.bytes[i]));
  return difference == 0;
}

}  // namespace rb
