#include "repository/rocks_load.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <rocksdb/sst_file_writer.h>

#include "repository/catalog_codec.h"
#include "repository/catalog_keys.h"
#include "repository/rocks_batch.h"

namespace rb {

namespace {

// Each is asked at a look-up, and has its filter and index in memory; each merging writes everything anew.
constexpr int kUnmergedFilesMax = 32;
constexpr std::uint32_t kMergingThreads = 2;

// The few rows of a batch that are not of objects, by key.
class SmallRows final : public rocksdb::WriteBatch::Handler {
 public:
  void Put(const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    rows_[key.ToString()] = value.ToString();
  }
  std::map<std::string, std::string>& rows() { return rows_; }

 private:
  std::map<std::string, std::string> rows_;
};

class SortedFile {
 public:
  SortedFile(rocksdb::DB& db, const rocksdb::Options& options)
      : db_(db), file_(rocksdb::EnvOptions(), options, nullptr, kDropsCache) {}

  Status open(const std::string& path) { return checked(file_.Open(path)); }
  Status finish() { return checked(file_.Finish()); }
  Status put(const rocksdb::Slice& key, const rocksdb::Slice& value) {
    return checked(file_.Put(key, value));
  }
  // Those before `key`, which are then gone.
  Status put_before(const std::string& key, std::map<std::string, std::string>& rows) {
    const auto end = rows.lower_bound(key);
    for (auto row = rows.begin(); row != end; ++row)
      RB_TRY(put(row->first, row->second));
    rows.erase(rows.begin(), end);
    return {};
  }

 private:
  Status checked(const rocksdb::Status& status) {
    if (status.ok()) return {};
    return fail_rocks(db_, "writing a file for the catalog", status);
  }

  static constexpr bool kDropsCache = false;  // it is read again soon, by look-ups and by the merging

  rocksdb::DB& db_;
  rocksdb::SstFileWriter file_;
};

Status put_children(const CatalogBatch& batch, SortedFile& file) {
  std::vector<const CatalogObject*> parents;
  for (const CatalogObject& object : batch.objects)
    if (!object.children.empty()) parents.push_back(&object);
  std::sort(parents.begin(), parents.end(),
            [](const CatalogObject* a, const CatalogObject* b) { return a->row.number < b->row.number; });
  for (const CatalogObject* parent : parents)
    RB_TRY(file.put(children_key(parent->row.number), slice(encode_children(parent->children))));
  return {};
}

Status put_objects(const CatalogBatch& batch, SortedFile& file) {
  for (const CatalogObject& object : batch.objects)
    RB_TRY(file.put(object_key(object.domain, object.id), slice(encode_object_row(object.row))));
  return {};
}

}  // namespace

RocksLoad::RocksLoad(rocksdb::DB& db, const rocksdb::Options& options)
    : db_(db), options_(options), path_(db.GetName() + "/loading") {}

Status RocksLoad::add(const CatalogBatch& batch) {
  if (!is_begun_) {
    const rocksdb::Status status = db_.SetOptions({{"disable_auto_compactions", "true"}});
    if (!status.ok()) return fail_rocks(db_, "beginning to load the catalog", status);
    is_begun_ = true;
  }
  RB_TRY(write_file(batch));
  RB_TRY(hand_over());
  if (++unmerged_files_ < kUnmergedFilesMax) return {};
  return merge();
}

Status RocksLoad::write_file(const CatalogBatch& batch) {
  std::error_code ignored;  // a crash may have left one
  std::filesystem::remove(path_, ignored);
  RB_TRY(const auto small, make_small_write_batch(db_, batch));
  SmallRows handler;
  const rocksdb::Status iterated = small->Iterate(&handler);
  if (!iterated.ok()) return fail_rocks(db_, "sorting rows of the catalog", iterated);

  SortedFile file(db_, options_);
  RB_TRY(file.open(path_));
  RB_TRY(file.put_before(children_prefix(), handler.rows()));
  RB_TRY(put_children(batch, file));
  RB_TRY(file.put_before(all_objects_prefix(), handler.rows()));
  RB_TRY(put_objects(batch, file));
  RB_TRY(file.put_before(beyond_all_keys(), handler.rows()));
  return file.finish();
}

// What was written before it goes first, or a crash might keep this batch and lose an earlier one.
Status RocksLoad::hand_over() {
  rocksdb::Status status = db_.Flush({});
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  if (status.ok()) status = db_.IngestExternalFile({path_}, options);
  if (!status.ok()) return fail_rocks(db_, "loading a file into the catalog", status);
  return {};
}

Status RocksLoad::merge() {
  rocksdb::CompactRangeOptions options;
  options.max_subcompactions = kMergingThreads;
  const rocksdb::Status status = db_.CompactRange(options, nullptr, nullptr);
  if (!status.ok()) return fail_rocks(db_, "merging what was loaded into the catalog", status);
  unmerged_files_ = 0;
  return {};
}

Status RocksLoad::finish() {
  if (!is_begun_) return {};
  RB_TRY(merge());
  const rocksdb::Status status = db_.SetOptions({{"disable_auto_compactions", "false"}});
  if (!status.ok()) return fail_rocks(db_, "ending to load the catalog", status);
  is_begun_ = false;
  return {};
}

}  // namespace rb
