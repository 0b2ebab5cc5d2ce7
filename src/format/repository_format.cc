#include "format/repository_format.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "format/version.h"

namespace rb {
namespace {

constexpr std::size_t kVersionOffset = kRepositoryMarkerMagic.size();
constexpr std::size_t kSize = kVersionOffset + 4 + RepositoryId::kSize + sizeof(HashKey) + Digest::kSize;

}  // namespace

Bytes encode_repository_format(const RepositoryFormat& format) {
  Bytes out;
  out.reserve(kSize);
  ByteWriter writer(out);
  writer.bytes(as_bytes(kRepositoryMarkerMagic));
  writer.u32(format.version);
  writer.bytes(format.id.view());
  writer.bytes(format.record_key);
  writer.bytes(hash(out).view());
  return out;
}

Result<RepositoryFormat> decode_repository_format(ByteView bytes) {
  // Magic, version and a checksum at the end are what every version has, so that a damaged file is told from
  // a new one.
  if (bytes.size() < kVersionOffset + 4 + Digest::kSize ||
      as_text(bytes.first(kVersionOffset)) != kRepositoryMarkerMagic) {
    return fail(Errc::corrupt, "not the marker of an rbbackup repository");
  }
  const ByteView content = bytes.first(bytes.size() - Digest::kSize);
  if (hash(content) != Digest::from(bytes.last(Digest::kSize))) {
    return fail(Errc::corrupt, "the repository's marker is damaged (its checksum does not match)");
  }
  ByteReader reader(content.subspan(kVersionOffset));
  RepositoryFormat format;
  format.version = reader.u32();
  if (format.version != kFormatVersion) {
    return fail_version("the repository", format.version, kFormatVersion);
  }
  format.id = reader.id<RepositoryId>();
  const ByteView key = reader.bytes(sizeof(HashKey));
  if (!reader.done()) return fail(Errc::corrupt, "the repository's marker has a wrong length");
  std::ranges::copy(key, format.record_key.begin());
  return format;
}

}  // namespace rb
