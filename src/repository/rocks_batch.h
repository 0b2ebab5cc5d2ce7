// A batch of the catalog as one write of RocksDB, and what its users share with the reading side.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "repository/catalog.h"

namespace rb {

// An error as ours. Of a damaged database it is noted in its directory that it is to be made anew at the next
// start: most of it is read by nobody before a look-up or a check needs it.
std::unexpected<Error> fail_rocks(const rocksdb::DB& db, std::string_view doing,
                                  const rocksdb::Status& status);
bool was_found_damaged(const std::string& directory);

inline rocksdb::Slice slice(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteView view(const rocksdb::Slice& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

// The value, or nothing.
Result<std::optional<std::string>> get_row(rocksdb::DB& db, const std::string& key);
using RowVisitor = std::function<Status(std::string_view key, ByteView value)>;
Status for_each_row(rocksdb::DB& db, const std::string& prefix, const RowVisitor& visit);

// `db` is read for what a removal has to know, and for the rows of packs.
Result<std::unique_ptr<rocksdb::WriteBatch>> make_write_batch(rocksdb::DB& db, const CatalogBatch& batch);

// The same without the rows of its objects, for which they need not be put into a batch.
Result<std::unique_ptr<rocksdb::WriteBatch>> make_small_write_batch(rocksdb::DB& db,
                                                                    const CatalogBatch& batch);

}  // namespace rb
