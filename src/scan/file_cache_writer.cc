#include <algorithm>
#include <atomic>

#include "scan/cache_log_writer.h"
#include "scan/joined_cache.h"

namespace rb {

namespace {

// What the writer shares with its directories under way, which may outlive it.
struct SharedLog {
  explicit SharedLog(CacheFiles files) : log(std::move(files)) {}
  CacheLogWriter log;
  std::atomic<std::uint32_t> flushes{0};
};

class DirectoryUnderWay final : public FileCacheWriter::Directory {
 public:
  DirectoryUnderWay(std::shared_ptr<SharedLog> shared, std::string_view path)
      : shared_(std::move(shared)), serial_(shared_->log.next_serial()), flushes_(shared_->flushes) {
    record_.path = cache_path_digest(path);
  }
  ~DirectoryUnderWay() override { write_frame(); }

  void add_row(std::string_view name, EntryType type, const Signature& signature) override {
    open_rows_.add(name, type, signature);
  }

  void close_page(const ObjectId& id, const Object& leaf) override {
    add({.id = id, .row_count = open_rows_.count(), .object = encode_cached_page(leaf)}, open_rows_.bytes(),
        open_rows_.directory_count());
    open_rows_.clear();
  }

  void add_page(const CachedPage& page) override {
    RB_ASSERT(open_rows_.count() == 0);
    const auto directories = std::ranges::count(page.rows, EntryType::directory, &CachedRow::type);
    add({.id = page.id, .row_count = static_cast<std::uint32_t>(page.rows.size()), .object = page.object},
        page.row_bytes, static_cast<std::uint32_t>(directories));
  }

  bool wants_checkpoint() const override {
    return shared_->flushes.load(std::memory_order_relaxed) != flushes_;
  }

  // The open page goes to the file as it is, and once more when it is closed: who reads a checkpoint skips
  // the rows that it had before.
  void checkpoint(const TreePage& open) override {
    flushes_ = shared_->flushes;
    write_frame();
    // After an error of the store there may be a row more than there are entries, or no row left.
    if (!failed_ && !open.entries.empty() && open.entries.size() == open_rows_.count()) {
      const Bytes object = encode_cached_page(encode_tree_page(open));
      Bytes pages;
      append_frame_page(pages, {.id = {}, .row_count = open_rows_.count(), .object = object});
      FrameHeader header = header_of(open_rows_.count(), open_rows_.directory_count());
      shared_->log.append_pages(header, open_rows_.bytes(), pages);
    }
    shared_->log.flush();
  }

  void close(const ObjectId& tree, const std::vector<ObjectId>& page_ids) override {
    RB_ASSERT(open_rows_.count() == 0);
    write_frame();
    if (failed_) return;
    record_.tree = tree;
    record_.page_ids = page_ids;
    shared_->log.append_directory(record_, serial_);
  }

 private:
  void add(const FramePage& page, ByteView rows, std::uint32_t directories) {
    if (failed_) return;
    append(rows_, rows);
    append_frame_page(pages_, page);
    row_count_ += page.row_count;
    directory_count_ += directories;
    if (row_count_ >= kCacheFrameRows || pages_.size() >= kCacheFrameBytes) write_frame();
  }

  FrameHeader header_of(std::uint32_t rows, std::uint32_t directories) const {
    FrameHeader header;
    header.serial = serial_;
    header.key = place_key(record_.path);
    header.row_count = rows;
    header.directory_count = directories;
    return header;
  }

  // The pages that are whole.
  void write_frame() {
    if (failed_ || row_count_ == 0) return;
    const std::uint64_t place =
        shared_->log.append_pages(header_of(row_count_, directory_count_), rows_, pages_);
    if (place == 0) failed_ = true;
    record_.frames.push_back(place);
    rows_.clear();
    pages_.clear();
    row_count_ = directory_count_ = 0;
  }

  const std::shared_ptr<SharedLog> shared_;
  const std::uint32_t serial_;
  std::uint32_t flushes_;
  // A directory with a row missing must not look complete: a file that is gone would seem never to have been.
  bool failed_ = false;
  DirectoryRecord record_;
  // The next frame.
  Bytes rows_, pages_;
  std::uint32_t row_count_ = 0, directory_count_ = 0;
  RowWriter open_rows_;  // of the page under way
};

// Copies the frames of one directory; adds the paths of its subdirectories to `children`.
void copy_directory(const LocatedDirectory& from, std::string_view path, CacheLogWriter& to,
                    std::vector<std::string>& children) {
  DirectoryRecord record;
  record.path = cache_path_digest(path);
  const std::uint32_t serial = to.next_serial();
  Bytes rows = from.first_rows, pages;
  std::optional<FrameHeader> header = from.first_header;
  for (std::size_t i = 0; i < from.frames.size(); ++i) {
    const LocatedDirectory::Frame& at = from.frames[i];
    if (i > 0) header = at.log->read_rows(at.offset, from.key, rows);
    if (!header || !at.log->read_pages_unchecked(at.offset, *header, pages)) return;
    header->serial = serial;
    const std::uint64_t place = to.append_copy(*header, rows, pages);
    if (place == 0) return;
    record.frames.push_back(place);
    if (header->directory_count == 0) continue;
    RowReader reader(rows);
    for (CachedRow row; reader.next(row);) {
      if (row.type == EntryType::directory) children.push_back(cache_child_path(path, row.name));
    }
  }
  if (!from.tree) return;
  record.tree = *from.tree;
  record.page_ids = from.page_ids;
  to.append_directory(record, serial);
}

class Writer final : public FileCacheWriter {
 public:
  explicit Writer(CacheFiles files) : shared_(std::make_shared<SharedLog>(std::move(files))) {}

  std::unique_ptr<Directory> begin_directory(std::string_view path) override {
    return std::make_unique<DirectoryUnderWay>(shared_, path);
  }

  void carry_over(const FileCache& old, std::string_view path) override {
    const auto* const from = dynamic_cast<const JoinedCache*>(&old);
    if (from == nullptr) return;  // of another make: what is not carried over is read again
    std::vector<std::string> todo{std::string(path)};
    while (!todo.empty()) {
      const std::string at = std::move(todo.back());
      todo.pop_back();
      if (shared_->log.has_directory(place_key(cache_path_digest(at)))) continue;
      if (const auto located = from->locate(at)) copy_directory(*located, at, shared_->log, todo);
    }
  }

  void flush() override {
    shared_->flushes.fetch_add(1, std::memory_order_relaxed);
    shared_->log.flush();
  }

  Status finish(const ObjectId& root_tree) override { return shared_->log.finish(root_tree); }

 private:
  const std::shared_ptr<SharedLog> shared_;
};

}  // namespace

std::unique_ptr<FileCacheWriter> create_file_cache(const std::string& cache_directory, const CacheKey& key) {
  return std::make_unique<Writer>(CacheFiles(cache_directory, key));
}

}  // namespace rb
