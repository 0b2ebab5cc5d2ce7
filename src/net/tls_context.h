// What a server needs for TLS 1.3: a key, its certificate, and the rules. Immutable once loaded; connections
// keep the one they began with, so a reload reaches connections to come. Its session tickets die with it: a
// client that resumed would not see that the key has changed.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"

struct ssl_ctx_st;

namespace rb::net {

struct TlsFiles;

// The most that one record of TLS carries. What is shorter goes into one together with what follows.
inline constexpr std::size_t kTlsRecordBytes = 16 << 10;

class TlsContext {
 public:
  // Errors name the file and what is wrong with it: missing, unreadable, no PEM, key and certificate that
  // don't belong together. A key that others may read is worth a warning in the log.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

// The cipher suites in the order we like them: AES-128-GCM first where the processor has AES instructions,
// ChaCha20 where it has not.
std::string preferred_cipher_suites();

}  // namespace rb::net
