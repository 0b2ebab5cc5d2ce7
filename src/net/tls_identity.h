// The server's key and certificate, as PEM files in a directory of their own (DIR/tls). Clients pin the key
// (SHA-256 of its SubjectPublicKeyInfo) and look at nothing else, so the certificate is self-signed and only
// there because TLS wants one: names and dates in it mean nothing, and making it anew from the same key
// changes nothing for anybody.
//
// The key is ECDSA on P-256. Ed25519 would do as well; P-256 signs 1.5 times and verifies twice as fast in
// OpenSSL 3.0 (48,000 and 16,000 a second a core against 33,000 and 8,000). A whole handshake costs the
// server about half a millisecond.
//
//   key.pem        mode 0600    cert.pem        mode 0644    what the server uses
//   next-key.pem   mode 0600    next-cert.pem   mode 0644    what it will use, announced to clients meanwhile
#pragma once

#include <optional>
#include <string>

#include "api/join_link.h"
#include "base/error.h"

namespace rb::net {

struct TlsFiles;

// Where they are in `directory`.
TlsFiles tls_files_in(const std::string& directory);

// Makes the directory, the key and the certificate where they are missing, durably, and finishes a switch
// that a crash interrupted. A certificate whose key is missing is an error: a new key would lock every client
// out.
Status ensure_tls_identity(const std::string& directory);

// Makes the next key unless there is one.
Status make_next_tls_key(const std::string& directory);
// The next key becomes the key; Errc::not_found when there is none. The server uses it after reload_tls().
Status switch_to_next_tls_key(const std::string& directory);
// What clients are to be told; nothing when there is no next key.
Result<std::optional<api::KeyPin>> pin_of_next_tls_key(const std::string& directory);

// Of the first certificate in the file.
Result<api::KeyPin> pin_of_certificate(const std::string& pem_path);

}  // namespace rb::net
