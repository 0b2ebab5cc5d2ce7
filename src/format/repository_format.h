// The file "format" in a repository's directory: what it is, which version, whose. docs/format.md,
// "Repository".
#pragma once

#include "base/hash.h"
#include "format/object.h"

namespace rb {

inline constexpr char kRepositoryMarkerName[] = "format";
// The marker file begins with these bytes: "rbbackup repository\n".
inline constexpr std::string_view kRepositoryMarkerMagic = "rbbackup repository\n";
inline constexpr std::uint32_t kFormatVersion = 0;

struct RepositoryFormat {
  std::uint32_t version = kFormatVersion;
  RepositoryId id;
  HashKey record_key{};  // keys the checksums of pack records; never leaves the server
  bool operator==(const RepositoryFormat&) const = default;
};

Bytes encode_repository_format(const RepositoryFormat& format);
// Errc::unsupported for a version it does not know, Errc::corrupt otherwise.
Result<RepositoryFormat> decode_repository_format(ByteView bytes);

}  // namespace rb
