#include "repository/record_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "repository/lenient_read.h"
#include "repository/parity_reader.h"

namespace rb {

namespace {

// Headers and tables of blocks up to 1 MiB come with the first read of a record. Where sectors are lost, not
// one more is asked for than the record has.
constexpr std::size_t kFirstReadBytes = kPackRecordHeaderBytes + 1024;

// Where the next record begins in bytes that stand at `at`, or their end.
std::size_t next_record(ByteView bytes, const PackPosition& at, const HashKey& record_key) {
  for (std::size_t i = 0; i < bytes.size(); i += kPackAlignment) {
    const PackPosition here{at.pack, at.offset + i};
    if (decode_pack_record_header(bytes.subspan(i), here, record_key)) return i;
  }
  return bytes.size();
}

// Bytes of the pack at an offset; fewer than asked for only at its end.
using ByteSource = std::function<Result<Bytes>(std::uint64_t offset, std::size_t length)>;

Result<PackStore::Record> read_record(const ByteSource& read, std::size_t first_bytes, const PackPosition& at,
                                      const HashKey& record_key) {
  const auto damaged = [&] {
    return fail(Errc::corrupt, fmt::format("{}: no record begins at {}", pack_file_name(at.pack), at.offset));
  };
  if (at.offset % kPackAlignment != 0) return damaged();
  RB_TRY(Bytes front, read(at.offset, first_bytes));
  const auto header = decode_pack_record_header(front, at, record_key);
  if (!header) return damaged();
  if (front.size() < header->block_offset()) {
    RB_TRY(const Bytes more, read(at.offset + front.size(), header->block_offset() - front.size()));
    front.insert(front.end(), more.begin(), more.end());
    if (front.size() < header->block_offset()) return damaged();
  }
  front.resize(header->block_offset());
  RB_TRY(Bytes block, read(at.offset + header->block_offset(), header->block_bytes));
  if (block.size() < header->block_bytes) return damaged();
  RB_TRY(check_pack_record(front, block, at, record_key));
  return PackStore::Record{.owner = header->owner, .block = std::move(block)};
}

}  // namespace

Result<PackStore::Record> read_pack_record(const File& pack, const PackPosition& at,
                                           const HashKey& record_key) {
  const auto read = [&](std::uint64_t offset, std::size_t length) -> Result<Bytes> {
    Bytes bytes(length);
    RB_TRY(const std::size_t got, pack.read_at(offset, bytes));
    bytes.resize(got);
    return bytes;
  };
  return read_record(read, kFirstReadBytes, at, record_key);
}

Result<PackStore::Remains> read_record_remains(const File& pack, const PackPosition& at,
                                               const HashKey& record_key) {
  RB_TRY(const std::uint64_t end, pack.size());
  if (at.offset % kPackAlignment != 0 || at.offset >= end || end - at.offset < kPackRecordHeaderBytes)
    return fail(Errc::corrupt, fmt::format("{}: no record begins at {}", pack_file_name(at.pack), at.offset));
  const auto read = [&](std::uint64_t offset, std::size_t length) {
    Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(length, end - std::min(offset, end))));
    read_leniently(pack, offset, bytes);
    return bytes;
  };
  PackStore::Remains remains;
  const auto header = decode_pack_record_header(read(at.offset, kPackRecordHeaderBytes), at, record_key);
  if (header) {
    remains.owner = header->owner;
    remains.bytes = read(at.offset + header->block_offset(), header->block_bytes);
    remains.bytes.resize(header->block_bytes);
    return remains;
  }
  const PackPosition behind{at.pack, at.offset + kPackRecordHeaderBytes};
  remains.bytes = read(behind.offset, pack_record_bytes_max() - kPackRecordHeaderBytes);
  remains.bytes.resize(next_record(remains.bytes, behind, record_key));
  return remains;
}

Result<PackStore::Record> read_corrected_record(FileSystem& fs, const std::string& pack_path,
                                                const RepositoryId& repository, const PackPosition& at,
                                                const HashKey& record_key) {
  const std::string parity_path = parent_directory(pack_path) + "/" + pack_parity_file_name(at.pack);
  RB_TRY(const bool exists, fs.exists(parity_path));
  if (!exists) return fail(Errc::not_found, pack_path + " has no parity");
  RB_TRY(std::shared_ptr<const File> parity, fs.open(parity_path, OpenMode::read));
  RB_TRY(const ParityReader reader, ParityReader::open(std::move(parity), {repository, at.pack}));
  RB_TRY(const auto pack, fs.open(pack_path, OpenMode::read));
  const std::uint64_t end = reader.layout().pack_bytes;
  const auto read = [&](std::uint64_t offset, std::size_t length) -> Result<Bytes> {
    const std::uint64_t from = std::min(offset, end);
    return reader.read_corrected(*pack, from,
                                 static_cast<std::size_t>(std::min<std::uint64_t>(length, end - from)));
  };
  return read_record(read, kPackRecordHeaderBytes, at, record_key);
}

}  // namespace rb
