// One directory of the cache, read row after row: one frame's rows in memory at a time, its pages only when
// an entry is asked for. Not thread-safe.
#pragma once

#include "scan/joined_cache.h"

namespace rb {

class CachedRows final : public CachedDirectory {
 public:
  CachedRows(std::shared_ptr<const CacheLogs> logs, LocatedDirectory located);

  std::optional<ObjectId> tree() const override;
  bool from_checkpoint() const override { return located_.from_checkpoint; }
  const std::vector<ObjectId>& page_ids() const override { return located_.page_ids; }
  const CachedRow* current() override { return at_row_ ? &row_ : nullptr; }
  void next() override;
  void rewind() override;
  Result<const Entry*> entry() override;
  Result<const CachedPage*> page() override;
  void skip_page() override;

 private:
  // Where the current row is in its frame.
  struct Place {
    const FramePage* page = nullptr;
    std::uint32_t first = 0;  // the page's first row
  };
  bool load_frame();
  Status load_pages();
  Result<Place> place_of_row();
  void damaged();
  bool is_old_news() const { return skips_ && !last_name_.empty() && row_.name <= last_name_; }

  const std::shared_ptr<const CacheLogs> logs_;  // the frames' logs live here
  LocatedDirectory located_;
  const bool skips_;  // several sources of rows: see LocatedDirectory
  bool damaged_ = false;

  std::size_t frame_ = 0;   // the one that is read next
  std::size_t loaded_ = 0;  // the one whose rows these are
  FrameHeader header_;
  Bytes rows_;
  RowReader reader_;
  std::uint32_t row_index_ = 0;  // rows read of that frame, row_ included
  std::uint32_t row_count_ = 0;  // how many there must be
  CachedRow row_;
  bool at_row_ = false;
  std::string last_name_;

  Bytes page_bytes_;
  std::optional<std::vector<FramePage>> pages_;  // of the frame that is loaded
  const FramePage* decoded_page_ = nullptr;      // whose entries these are
  TreePage decoded_;
  std::size_t row_begin_ = 0;  // of row_ in rows_
  CachedPage whole_page_;      // what page() gave
  RowReader after_page_;       // behind that page's rows
};

}  // namespace rb
