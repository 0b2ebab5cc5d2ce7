// Keys and certificates from PEM files, with errors that name the file and the trouble.
#pragma once

#include <string>

#include "api/join_link.h"
#include "net/openssl_handles.h"

namespace rb::net {

// Warns in the log when others than its owner may read it.
Result<OpensslPtr<EVP_PKEY>> load_private_key(const std::string& path);
// The first certificate of the file.
Result<OpensslPtr<X509>> load_certificate(const std::string& path);
Result<api::KeyPin> pin_of(X509& certificate);

}  // namespace rb::net
