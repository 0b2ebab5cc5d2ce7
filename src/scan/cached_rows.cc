#include "scan/cached_rows.h"

namespace rb {

namespace {

std::unexpected<Error> damage() {
  return fail(Errc::corrupt, "a page of the file cache is damaged");
}

}  // namespace

CachedRows::CachedRows(std::shared_ptr<const CacheLogs> logs, LocatedDirectory located)
    : logs_(std::move(logs)),
      located_(std::move(located)),
      skips_(!located_.tree),
      header_(located_.first_header),
      rows_(std::move(located_.first_rows)) {
  rewind();
}

std::optional<ObjectId> CachedRows::tree() const {
  if (damaged_) return std::nullopt;
  return located_.tree;
}

void CachedRows::rewind() {
  page_ = 0;
  last_name_.clear();
  reader_ = {};
  row_index_ = row_count_ = 0;
  at_row_ = false;
  next();
}

void CachedRows::next() {
  if (skips_ && at_row_) last_name_.assign(row_.name);
  do {
    at_row_ = false;
    while (!reader_.next(row_)) {
      if (!reader_.ok() || row_index_ != row_count_) return damaged();
      if (damaged_ || page_ == located_.pages.size() || !load_page()) return;
    }
    ++row_index_;
    at_row_ = true;
  } while (is_old_news());
}

// The rows were whole when the directory was found; now a disk may fail or a hand may cut the file.
bool CachedRows::load_page() {
  if (page_ != loaded_) {
    const LocatedDirectory::Page& place = located_.pages[page_];
    decoded_.reset();
    const std::optional<FrameHeader> header = place.log->read_rows(place.offset, located_.key, rows_);
    if (!header) return damaged(), false;
    header_ = *header;
    loaded_ = page_;
  }
  ++page_;
  reader_ = RowReader(rows_);
  row_index_ = 0;
  row_count_ = header_.row_count;
  return true;
}

void CachedRows::damaged() {
  damaged_ = true;
  at_row_ = false;
  reader_ = {};
  row_index_ = row_count_ = 0;
  located_.pages.clear();
  page_ = 0;
}

Result<const Entry*> CachedRows::entry() {
  RB_ASSERT(at_row_);
  if (!decoded_) {
    const LocatedDirectory::Page& place = located_.pages[loaded_];
    Bytes bytes;
    if (!place.log->read_page(place.offset, header_, bytes)) return damage();
    RB_TRY(decoded_, decode_cached_page(bytes));
    if (decoded_->entries.size() != header_.row_count) {
      decoded_.reset();
      return damage();
    }
  }
  const Entry& entry = decoded_->entries[row_index_ - 1];
  if (entry.name != row_.name || entry.type != row_.type) return damage();
  return &entry;
}

}  // namespace rb
