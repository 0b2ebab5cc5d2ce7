// The link that an invitation is handed over as: where the server is, which key it must have, and the
// one-time secret. One line of printable ASCII, to be pasted: "rbbackup://HOST:PORT/NODE#CODE". CODE is
// base64url of the pin, the invitation and a checksum over all of the link, so that a mistyped one is told
// from a forged one.
#pragma once

#include "base/digest.h"
#include "store/node_registry.h"

namespace rb::api {

// SHA-256 over the server's public key as DER SubjectPublicKeyInfo: what curl calls a pinned public key.
using KeyPin = FixedId<struct KeyPinTag, 32>;

struct JoinLink {
  std::string address;  // HOST:PORT, an IPv6 host in brackets
  std::string node;     // for people; the invitation decides
  KeyPin pin;
  Credential invitation;
  bool operator==(const JoinLink&) const = default;
};

std::string encode_join_link(const JoinLink& link);
// Errc::invalid_argument: no link, or a mistyped one, and says which.
Result<JoinLink> decode_join_link(std::string_view text);

// The value of the Authorization field: "Bearer " and the credential's 80 hexadecimal digits.
std::string encode_authorization(const Credential& credential);
std::optional<Credential> decode_authorization(std::string_view value);

}  // namespace rb::api
