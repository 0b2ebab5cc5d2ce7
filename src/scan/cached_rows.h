// One directory of the cache, read row after row: one page's rows in memory at a time, the page itself only
// when an entry is asked for. Not thread-safe.
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

 private:
  bool load_page();
  void damaged();
  bool is_old_news() const { return skips_ && !last_name_.empty() && row_.name <= last_name_; }

  const std::shared_ptr<const CacheLogs> logs_;  // the pages' logs live here
  LocatedDirectory located_;
  const bool skips_;  // several sources of rows: see LocatedDirectory
  bool damaged_ = false;

  std::size_t page_ = 0;    // the one that is read next
  std::size_t loaded_ = 0;  // the one whose rows these are
  FrameHeader header_;
  Bytes rows_;
  RowReader reader_;
  std::uint32_t row_index_ = 0;  // rows read of that page, row_ included
  std::uint32_t row_count_ = 0;  // how many there must be
  CachedRow row_;
  bool at_row_ = false;
  std::string last_name_;
  std::optional<TreePage> decoded_;  // of the page that is loaded
};

}  // namespace rb
