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
  frame_ = 0;
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
    row_begin_ = rows_.size() - reader_.remaining();
    while (!reader_.next(row_)) {
      if (!reader_.ok() || row_index_ != row_count_) return damaged();
      if (damaged_ || frame_ == located_.frames.size() || !load_frame()) return;
      row_begin_ = 0;
    }
    ++row_index_;
    at_row_ = true;
  } while (is_old_news());
}

// The rows were whole when the directory was found; now a disk may fail or a hand may cut the file.
bool CachedRows::load_frame() {
  if (frame_ != loaded_) {
    const LocatedDirectory::Frame& place = located_.frames[frame_];
    pages_.reset();
    decoded_page_ = nullptr;
    const std::optional<FrameHeader> header = place.log->read_rows(place.offset, located_.key, rows_);
    if (!header) return damaged(), false;
    header_ = *header;
    loaded_ = frame_;
  }
  ++frame_;
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
  located_.frames.clear();
  frame_ = 0;
}

Status CachedRows::load_pages() {
  if (pages_) return {};
  const LocatedDirectory::Frame& place = located_.frames[loaded_];
  if (!place.log->read_pages(place.offset, header_, page_bytes_)) return damage();
  pages_ = split_frame_pages(page_bytes_);
  return pages_ ? Status() : damage();
}

Result<CachedRows::Place> CachedRows::place_of_row() {
  RB_ASSERT(at_row_);
  RB_TRY(load_pages());
  Place place;
  for (const FramePage& page : *pages_) {
    place.page = &page;
    if (row_index_ - 1 < place.first + page.row_count) return place;
    place.first += page.row_count;
  }
  return damage();
}

Result<const Entry*> CachedRows::entry() {
  RB_TRY(const Place place, place_of_row());
  if (decoded_page_ != place.page) {
    decoded_page_ = nullptr;
    RB_TRY(decoded_, decode_cached_page(place.page->object));
    decoded_page_ = place.page;
  }
  const std::size_t index = row_index_ - 1 - place.first;
  if (decoded_.entries.size() != place.page->row_count) return damage();
  const Entry& entry = decoded_.entries[index];
  if (entry.name != row_.name || entry.type != row_.type) return damage();
  return &entry;
}

Result<const CachedPage*> CachedRows::page() {
  if (skips_) return nullptr;
  RB_TRY(const Place place, place_of_row());
  if (place.first != row_index_ - 1 || place.page->id.is_zero()) return nullptr;
  whole_page_.id = place.page->id;
  whole_page_.object = place.page->object;
  whole_page_.rows.assign(1, row_);
  after_page_ = reader_;
  for (CachedRow row; whole_page_.rows.size() < place.page->row_count;) {
    if (!after_page_.next(row)) return damage();
    whole_page_.rows.push_back(row);
  }
  const std::size_t end = rows_.size() - after_page_.remaining();
  whole_page_.row_bytes = ByteView(rows_).subspan(row_begin_, end - row_begin_);
  whole_page_.last = frame_ == located_.frames.size() && place.page == &pages_->back();
  return &whole_page_;
}

void CachedRows::skip_page() {
  reader_ = after_page_;
  row_index_ += static_cast<std::uint32_t>(whole_page_.rows.size()) - 1;
  next();
}

}  // namespace rb
