// Reads one record of a pack, from the file as it is or, where that is damaged, as the pack's parity says it
// was.
#pragma once

#include <functional>

#include "base/file_system.h"
#include "repository/pack_store.h"

namespace rb {

// One whole record, every check made. Errc::corrupt says what is damaged.
Result<PackStore::Record> read_pack_record(const File& pack, const PackPosition& at,
                                           const HashKey& record_key);

// The same of a damaged pack, from the parity beside it; nothing is written. Errc::not_found: there is no
// parity. Errc::corrupt: more is lost than it can repair.
Result<PackStore::Record> read_corrected_record(FileSystem& fs, const std::string& pack_path,
                                                const RepositoryId& repository, const PackPosition& at,
                                                const HashKey& record_key);

// What is left of a record that is damaged.
Result<PackStore::Remains> read_record_remains(const File& pack, const PackPosition& at,
                                               const HashKey& record_key);

}  // namespace rb
