#include <atomic>

#include "base/limits.h"
#include "scan/cache_log_writer.h"
#include "scan/joined_cache.h"

namespace rb {

namespace {

// What one page may take: far above what 256 ordinary entries do, and far below what a tree page may.
constexpr std::size_t kMaxPageBytes = kMaxMetadataBytes / 4;
constexpr std::size_t kMaxPageRefs = kMaxObjectRefs / 4;

struct PageWeight {
  std::size_t bytes = 0, refs = 0;
  bool fits() const { return bytes <= kMaxPageBytes && refs <= kMaxPageRefs; }
  PageWeight operator+(const PageWeight& o) const { return {bytes + o.bytes, refs + o.refs}; }
};

PageWeight weight_of(const Entry& entry) {
  PageWeight out{128 + entry.name.size() + entry.target.size() + entry.inline_content.size(), 1};
  for (const Xattr& x : entry.xattrs)
    out = out + PageWeight{8 + x.name.size() + x.value.size(), x.chunk ? 1u : 0u};
  for (const UnknownField& f : entry.unknown)
    out.bytes += 8 + f.value.size();
  return out;
}

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
  ~DirectoryUnderWay() override { write_page(); }

  void add(const Entry& entry, const Signature& signature) override {
    const PageWeight weight = weight_of(entry);
    if (!weight.fits()) failed_ = true;
    if (failed_) return;
    if (!(weight_ + weight).fits()) write_page();
    weight_ = weight_ + weight;
    rows_.add(entry.name, entry.type, signature);
    page_.entries.push_back(entry);
    if (page_.entries.size() == kCachePageRows) write_page();
    if (const std::uint32_t flushes = shared_->flushes.load(std::memory_order_relaxed); flushes != flushes_) {
      flushes_ = flushes;
      write_page();
      shared_->log.flush();
    }
  }

  void close(const ObjectId& tree, const std::vector<ObjectId>& page_ids) override {
    write_page();
    if (failed_) return;
    record_.tree = tree;
    record_.page_ids = page_ids;
    shared_->log.append_directory(record_, serial_);
  }

 private:
  void write_page() {
    if (failed_ || page_.entries.empty()) return;
    FrameHeader header;
    header.serial = serial_;
    header.key = place_key(record_.path);
    header.row_count = rows_.count();
    header.directory_count = rows_.directory_count();
    const std::uint64_t place = shared_->log.append_page(header, rows_.bytes(), encode_cached_page(page_));
    if (place == 0) failed_ = true;
    record_.pages.push_back(place);
    page_.entries.clear();
    rows_.clear();
    weight_ = {};
  }

  const std::shared_ptr<SharedLog> shared_;
  const std::uint32_t serial_;
  std::uint32_t flushes_;
  // A directory with a row missing must not look complete: a file that is gone would seem never to have been.
  bool failed_ = false;
  DirectoryRecord record_;
  TreePage page_;
  RowWriter rows_;
  PageWeight weight_;
};

// Copies the pages of one directory; adds the paths of its subdirectories to `children`.
void copy_directory(const LocatedDirectory& from, std::string_view path, CacheLogWriter& to,
                    std::vector<std::string>& children) {
  DirectoryRecord record;
  record.path = cache_path_digest(path);
  const std::uint32_t serial = to.next_serial();
  Bytes rows = from.first_rows, page;
  std::optional<FrameHeader> header = from.first_header;
  for (std::size_t i = 0; i < from.pages.size(); ++i) {
    const LocatedDirectory::Page& at = from.pages[i];
    if (i > 0) header = at.log->read_rows(at.offset, from.key, rows);
    if (!header || !at.log->read_page_unchecked(at.offset, *header, page)) return;
    header->serial = serial;
    const std::uint64_t place = to.append_copy(*header, rows, page);
    if (place == 0) return;
    record.pages.push_back(place);
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
