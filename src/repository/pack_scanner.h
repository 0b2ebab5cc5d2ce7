// Finds the records of one pack file, whatever state it is in. Where no record stands, it looks for the next
// one by its first bytes and believes it by its keyed checks. Memory stays bounded by the largest record. Not
// thread-safe.
#pragma once

#include <functional>

#include "base/file_system.h"
#include "repository/pack_store.h"

namespace rb {

struct PackScanRange {
  PackPosition from;
  std::uint64_t end = 0;  // bytes of the file to look at
};

// The record that stood at a place where the file has none that is whole, from elsewhere; an error: nobody
// knows.
using RecordCorrector = std::function<Result<PackStore::Record>(const PackPosition&)>;

// Calls `visit` for every whole record in the range, and for each that `corrected` gives where the file is
// damaged, or has lost its end. Errors are the visitor's, or a version we don't know.
Result<PackStore::ScanResult> scan_pack(const File& file, const PackScanRange& range,
                                        const HashKey& record_key, const RepositoryId& repository,
                                        const PackStore::Visitor& visit,
                                        const RecordCorrector& corrected = {});

}  // namespace rb
