// The catalog in a RocksDB database. RocksDB writes its files by itself, past the FileSystem seam: the
// catalog is derived data, and losing or damaging it costs a rebuild.
#pragma once

#include <memory>
#include <string>

#include "repository/catalog.h"

namespace rb {

// Opens or creates the database in `directory`. One that can't be opened is wiped: an empty catalog is
// rebuilt by whoever uses it, a damaged one can't be trusted.
Result<std::unique_ptr<Catalog>> open_rocks_catalog(const std::string& directory);

}  // namespace rb
