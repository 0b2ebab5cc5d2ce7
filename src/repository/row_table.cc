#include "repository/row_table.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "base/error.h"

namespace rb {

namespace {

constexpr std::size_t kFewestSlots = 64;

std::uint32_t tag_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

std::size_t RowTable::slot_of(const DomainKey& key, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].place != 0; at = (at + 1) & mask) {
    if (slots_[at].tag == tag_of(hash) && rows_[slots_[at].place - 1].has_key(key)) break;
  }
  return at;
}

const TableRow* RowTable::find(const DomainKey& key) const {
  if (rows_.empty()) return nullptr;
  const std::uint32_t place = slots_[slot_of(key, DomainKeyHash()(key))].place;
  return place == 0 ? nullptr : &rows_[place - 1];
}

TableRow* RowTable::find(const DomainKey& key) {
  return const_cast<TableRow*>(std::as_const(*this).find(key));
}

bool RowTable::insert(TableRow row) {
  RB_ASSERT(rows_.empty() || rows_.back().ticket <= row.ticket);
  // At most half of the slots are taken.
  if (2 * (rows_.size() + 1) > slots_.size()) make_slots(std::max(kFewestSlots, 2 * slots_.size()));
  const std::uint64_t hash = DomainKeyHash()(row.key());
  Slot& slot = slots_[slot_of(row.key(), hash)];
  if (slot.place != 0) return false;
  rows_.push_back(std::move(row));
  slot = {static_cast<std::uint32_t>(rows_.size()), tag_of(hash)};
  return true;
}

void RowTable::make_slots(std::size_t count) {
  slots_.assign(count, {});
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const DomainKey key = rows_[i].key();
    const std::uint64_t hash = DomainKeyHash()(key);
    slots_[slot_of(key, hash)] = {static_cast<std::uint32_t>(i + 1), tag_of(hash)};
  }
}

void RowTable::clear() {
  rows_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
}

std::vector<TableRow>::iterator RowTable::first_after(std::uint64_t ticket) {
  return std::upper_bound(rows_.begin(), rows_.end(), ticket,
                          [](std::uint64_t limit, const TableRow& row) { return limit < row.ticket; });
}

// Where all of them go, as in a load, nothing is touched.
void RowTable::move_up_to(std::uint64_t ticket, RowTable& to) {
  RB_ASSERT(to.empty());
  std::vector<TableRow> later = take_after(ticket);
  std::swap(*this, to);
  for (TableRow& row : later)
    insert(std::move(row));
}

std::vector<TableRow> RowTable::take_after(std::uint64_t ticket) {
  const auto end = first_after(ticket);
  if (end == rows_.end()) return {};
  std::vector<TableRow> taken(std::make_move_iterator(end), std::make_move_iterator(rows_.end()));
  rows_.erase(end, rows_.end());
  make_slots(slots_.size());
  return taken;
}

}  // namespace rb
