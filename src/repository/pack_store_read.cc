// Reads single records, and packs from one end to the other.
#include <array>

#include "base/log.h"
#include "repository/pack_scanner.h"
#include "repository/pack_store_impl.h"
#include "repository/record_reader.h"

namespace rb {

Result<PackStore::Record> PackStoreImpl::read(const PackPosition& at) {
  await_written(at);
  Result<Record> record = read_as_it_is(at);
  if (record || (record.error().code != Errc::corrupt && record.error().code != Errc::io)) return record;
  Result<Record> corrected = read_corrected_record(fs_, files_.path(at.pack), repository_, at, record_key_);
  log(LogLevel::error, "{}: {}", record.error().message,
      corrected ? "read with the help of the pack's parity" : corrected.error().message);
  const DamageListener listener = damage_listener();
  if (listener) listener(at, corrected.has_value());
  return corrected ? std::move(corrected) : std::move(record);
}

Result<PackStore::Remains> PackStoreImpl::read_remains(const PackPosition& at) {
  RB_TRY(const auto file, files_.open(at.pack));
  return read_record_remains(*file, at, record_key_);
}

void PackStoreImpl::on_damage(DamageListener listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

Result<PackStore::ScanResult> PackStoreImpl::scan(const PackPosition& from, const Visitor& visit) {
  ScanResult total;
  for (const auto& [number, durable_end] : settled_packs(from.pack)) {
    PackScanRange range{.from = {.pack = number}, .end = durable_end};
    if (number == from.pack) range.from = from;
    RB_TRY(const ScanResult one, scan_range(range, visit));
    total.records += one.records;
    total.skipped_bytes += one.skipped_bytes;
    total.damaged.insert(total.damaged.end(), one.damaged.begin(), one.damaged.end());
  }
  return total;
}

Result<PackStore::ScanResult> PackStoreImpl::scan_pack(std::uint64_t number, const Visitor& visit) {
  std::uint64_t end = kUnknownEnd;
  {
    std::unique_lock lock(mutex_);
    const auto found = packs_.find(number);
    if (found == packs_.end()) return fail(Errc::not_found, pack_file_name(number) + " is not there");
    if (found->second) end = found->second->synced_end;
  }
  return scan_range({.from = {.pack = number}, .end = end}, visit);
}

Result<PackWriter> PackStoreImpl::writer(std::uint64_t number) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = packs_.find(number);
    if (found == packs_.end()) return fail(Errc::not_found, pack_file_name(number) + " is not there");
    if (found->second) return found->second->writer;
  }
  RB_TRY(const auto file, files_.open(number));
  std::array<std::uint8_t, kPackHeaderBytes> bytes;
  const auto read = file->read_at(0, bytes);
  if (!read || *read != bytes.size()) return PackWriter::sessions;
  const auto header = decode_pack_header(bytes);
  return header ? header->writer : PackWriter::sessions;
}

Result<PackStore::ScanResult> PackStoreImpl::scan_range(PackScanRange range, const Visitor& visit) {
  RB_TRY(const auto file, fs_.open(files_.path(range.from.pack), OpenMode::read));
  if (range.end == kUnknownEnd) {
    RB_TRY(file->sync());
    file->drop_cache();
    RB_TRY(range.end, file->size());
  }
  const RecordCorrector corrected = [&](const PackPosition& at) {
    Result<Record> record = read_corrected_record(fs_, files_.path(at.pack), repository_, at, record_key_);
    if (record) {
      log(LogLevel::error, "{}, offset {}: read with the help of the pack's parity", pack_file_name(at.pack),
          at.offset);
    }
    return record;
  };
  return rb::scan_pack(*file, range, record_key_, repository_, visit, corrected);
}

Result<PackStore::Record> PackStoreImpl::read_as_it_is(const PackPosition& at) {
  RB_TRY(const auto file, files_.open(at.pack));
  return read_pack_record(*file, at, record_key_);
}

PackStore::DamageListener PackStoreImpl::damage_listener() {
  const std::lock_guard lock(listener_mutex_);
  return listener_;
}

}  // namespace rb
