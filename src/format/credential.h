// What the journal keeps of a credential or an invitation: its public name and a hash of its secret.
#pragma once

#include "base/digest.h"

namespace rb {

// The public half, by which the server finds it; no secret.
using CredentialId = FixedId<struct CredentialTag, 8>;
// 256 random bits. The server keeps its hash only; never logged.
using SecretKey = FixedId<struct SecretTag, 32>;
// Of a secret together with its id, see docs/format.md, "Secrets".
using SecretHash = FixedId<struct SecretHashTag, 32>;

// Plain keyed BLAKE3: the secret is 256 random bits, which nobody finds by trying, so a slow password hash
// would only make every request slow.
SecretHash hash_secret(const CredentialId& id, const SecretKey& secret);

// Takes the same time wherever the two differ.
bool equal_in_constant_time(const SecretHash& a, const SecretHash& b);

}  // namespace rb
