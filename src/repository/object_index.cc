#include "repository/object_index.h"

#include <algorithm>

#include "repository/id_order.h"

namespace rb {

namespace {

constexpr std::size_t kRecentRows = 128 << 10;  // 10 MB, during a load

// What is sorted instead of the rows: small, and it rarely needs to look at them.
struct RowPlace {
  std::uint32_t domain = 0;
  std::uint64_t front = 0;  // of the id
  const TableRow* row = nullptr;

  bool operator<(const RowPlace& other) const {
    if (domain != other.domain) return domain < other.domain;
    return front != other.front ? front < other.front : row->object.id < other.row->object.id;
  }
};

std::vector<RowPlace> sorted_places(const RowTable& table) {
  std::vector<RowPlace> places;
  places.reserve(table.size());
  for (const TableRow& row : table.rows())
    places.push_back({row.object.domain, front_of(row.object.id), &row});
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

Result<std::unique_ptr<ObjectIndex>> ObjectIndex::open(Catalog& catalog, CollectionGate& gate) {
  auto index = std::unique_ptr<ObjectIndex>(new ObjectIndex(catalog, gate));
  RB_TRY(const CatalogState state, catalog.state());
  RB_TRY(index->catalog_counts_, catalog.object_counts());
  index->next_number_ = state.next_number;
  index->settled_end_ = index->catalog_end_ = state.packs;
  RB_TRY(auto stored_bytes, catalog.stored_bytes());
  RB_TRY(const auto packs, catalog.pack_rows());
  StoredBytes::ByPack growing;  // nothing is counted for packs before
  for (const CatalogPack& pack : packs) {
    if (pack.pack >= state.counted.pack) growing[pack.pack] = pack.bytes;
    if (pack.pack >= state.packs.pack && pack.writer == PackWriter::collector)
      index->relocated_into_.insert(pack.pack);
  }
  index->stored_bytes_ = StoredBytes(std::move(stored_bytes), std::move(growing));
  index->counted_ = index->catalog_counted_ = state.counted;
  return index;
}

const TableRow* ObjectIndex::in_table(const Key& key) const {
  const TableRow* row = table_.find(key);
  return row != nullptr ? row : moving_.find(key);
}

FoundObject ObjectIndex::found_in_table(const TableRow& row) const {
  return {row.object.row, row.ticket, row.session, row.ticket <= settled_};
}

bool ObjectIndex::Answer::has_dead_row(std::size_t i) const {
  return std::binary_search(dead.begin(), dead.end(), i);
}

void ObjectIndex::Answer::take_catalog_row(std::size_t i, const ObjectRow& row, const DeadSet* dead_set) {
  has_catalog_rows = true;
  if (dead_set != nullptr && dead_set->contains(row.number)) {
    dead.push_back(i);
  } else {
    found[i] = FoundObject{row};
  }
}

std::vector<std::size_t> ObjectIndex::find_in_memory(std::uint32_t domain, std::span<const ObjectId> ids,
                                                     const DeadSet* dead_set, Answer& answer) {
  std::vector<std::size_t> open_questions;
  const std::lock_guard lock(mutex_);
  answer.generation = generation_;
  const auto count = catalog_counts_.find(domain);
  const bool catalog_knows_some = count != catalog_counts_.end() && count->second > 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Key key{domain, ids[i]};
    if (load_ && !load_->seen.may_contain(key)) continue;
    if (const TableRow* row = in_table(key)) {
      answer.found[i] = found_in_table(*row);
    } else if (const ObjectRow* known = load_ ? load_->recent.find(key) : nullptr) {
      answer.found[i] = FoundObject{*known};
      answer.has_catalog_rows = true;
    } else if (const TableRow* moved = moved_.find(key)) {
      answer.take_catalog_row(i, moved->object.row, dead_set);
    } else if (catalog_knows_some) {
      open_questions.push_back(i);
    }
  }
  return open_questions;
}

Result<ObjectIndex::Answer> ObjectIndex::find(std::uint32_t domain, std::span<const ObjectId> ids) {
  Answer answer;
  // First of all: an answer with rows of before a change of the dead set must not have the epoch of after it.
  const CollectionGate::View view = gate_.view();
  answer.epoch = view.epoch;
  answer.found.resize(ids.size());
  const std::vector<std::size_t> open_questions = find_in_memory(domain, ids, view.dead_set.get(), answer);
  if (!open_questions.empty()) RB_TRY(ask_catalog(domain, ids, open_questions, view.dead_set.get(), answer));
  std::ranges::sort(answer.dead);
  if (answer.has_catalog_rows && quarantine_ != nullptr) quarantine_->apply(domain, ids, answer.found);
  return answer;
}

Status ObjectIndex::ask_catalog(std::uint32_t domain, std::span<const ObjectId> ids,
                                std::span<const std::size_t> open_questions, const DeadSet* dead_set,
                                Answer& answer) {
  std::vector<ObjectId> asked;
  asked.reserve(open_questions.size());
  for (const std::size_t i : open_questions)
    asked.push_back(ids[i]);
  RB_TRY(const auto rows, catalog_.find(domain, asked));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (!rows[k]) continue;
    const std::size_t i = open_questions[k];
    answer.take_catalog_row(i, *rows[k], dead_set);
    // Only recovery looks up during a load, so nobody changes it at the same time.
    if (load_ && answer.found[i] && answer.found[i]->complete())
      load_->recent.put(Key{domain, asked[k]}, *rows[k]);
  }
  return {};
}

ObjectNumber ObjectIndex::reserve_numbers(std::size_t count) {
  const std::lock_guard lock(mutex_);
  const ObjectNumber first = next_number_;
  next_number_ += count;
  return first;
}

ObjectNumber ObjectIndex::next_number() const {
  const std::lock_guard lock(mutex_);
  return next_number_;
}

bool ObjectIndex::still_missing(std::uint64_t generation, std::uint32_t domain,
                                std::span<const NewObject> objects) const {
  const std::lock_guard lock(mutex_);
  if (generation != generation_) return false;
  return std::none_of(objects.begin(), objects.end(), [&](const NewObject& object) {
    return in_table(Key{domain, object.id}) != nullptr;
  });
}

void ObjectIndex::insert(const AppendedBlock& block, std::vector<NewObject> objects) {
  const std::lock_guard lock(mutex_);
  for (NewObject& object : objects) {
    RB_ASSERT(object.number > 0 && object.number < next_number_);
    TableRow row;
    row.object.domain = block.owner.domain;
    row.object.id = object.id;
    row.object.row = {object.number, object.kind, object.flags, block.at, object.index, block.share_bytes};
    row.object.children = std::move(object.children);
    row.ticket = block.ticket;
    row.session = block.session;
    row.counted = object.replaces || object.replaces_dead_row;
    if (!row.counted) ++table_counts_[block.owner.domain];
    if (load_) {
      load_->seen.add(row.key());
      load_->recent.forget(row.key());
    }
    const bool inserted = table_.insert(std::move(row));
    RB_ASSERT(inserted);
  }
}

void ObjectIndex::count_bytes(const AppendedBlock& block, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  stored_bytes_.add(block.ticket, block.at.pack, block.owner.node, bytes);
}

PackPosition ObjectIndex::counted_until() const {
  const std::lock_guard lock(mutex_);
  return counted_;
}

std::uint64_t ObjectIndex::stored_bytes(std::uint32_t node) const {
  const std::lock_guard lock(mutex_);
  return stored_bytes_.of(node);
}

void ObjectIndex::stored_bytes_changed(std::map<std::uint32_t, std::uint64_t> stored_bytes) {
  const std::lock_guard lock(mutex_);
  stored_bytes_.set_moved(std::move(stored_bytes));
}

void ObjectIndex::settle(Ticket ticket, const PackPosition& end, const PackPosition& counted) {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(ticket >= settled_ && end >= settled_end_ && counted >= counted_);
  settled_ = ticket;
  settled_end_ = end;
  counted_ = counted;
}

void ObjectIndex::drop_after(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  for (const TableRow& row : table_.take_after(ticket))
    if (!row.counted) --table_counts_[row.object.domain];
  stored_bytes_.drop_after(ticket);
  ++generation_;
}

Ticket ObjectIndex::settled() const {
  const std::lock_guard lock(mutex_);
  return settled_;
}

Status ObjectIndex::begin_load(std::uint64_t expected_objects) {
  Load load{IdFilter(expected_objects), RowCache(kRecentRows)};
  for (const auto& [domain, count] : catalog_counts_) {
    RB_TRY(catalog_.visit_objects(domain, std::nullopt, SIZE_MAX,
                                  [&, in = domain](const ObjectId& id, const ObjectRow&) -> Status {
                                    load.seen.add({in, id});
                                    return {};
                                  }));
  }
  const std::lock_guard lock(mutex_);
  for (const TableRow& row : table_.rows())
    load.seen.add(row.key());
  load_ = std::move(load);
  return {};
}

Status ObjectIndex::end_load() {
  RB_TRY(catalog_.end_load());
  const std::lock_guard lock(mutex_);
  load_.reset();
  moved_ = {};  // tables were larger than they will be again
  if (table_.empty()) table_ = {};
  return {};
}

CatalogBatch ObjectIndex::begin_move(Ticket& settled) {
  RowTable free = take_moved();
  const std::lock_guard lock(mutex_);
  settled = settled_;
  CatalogBatch batch;
  batch.stored_bytes = stored_bytes_.up_to(settled_);
  for (auto& [pack, bytes] : stored_bytes_.packs_up_to(settled_))
    batch.pack_rows.push_back({.pack = pack, .bytes = std::move(bytes)});
  batch.counted = counted_;
  batch.object_counts = catalog_counts_;
  batch.packs = settled_end_;
  batch.next_number = next_number_;
  moving_ = std::move(free);
  table_.move_up_to(settled_, moving_);
  return batch;
}

Status ObjectIndex::write(CatalogBatch& batch) {
  const std::vector<RowPlace> places = sorted_places(moving_);
  batch.objects.reserve(places.size());
  for (const RowPlace& place : places) {
    batch.objects.push_back(place.row->object);
    if (!place.row->counted) ++batch.object_counts[place.domain];
  }
  return load_ ? catalog_.load(batch) : catalog_.apply(batch);
}

void ObjectIndex::end_move(CatalogBatch batch, Ticket settled) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [domain, count] : batch.object_counts) {
      const std::uint64_t added = count - catalog_counts_[domain];
      if (added > 0) table_counts_[domain] -= added;
    }
    catalog_counts_ = std::move(batch.object_counts);
    catalog_end_ = *batch.packs;
    catalog_counted_ = *batch.counted;
    stored_bytes_.moved(settled);
    std::swap(moving_, moved_);
    ++generation_;
  }
  if (load_) moved_.clear();
}

// Emptied, for its memory. Not under the mutex: it is work.
RowTable ObjectIndex::take_moved() {
  RowTable moved;
  {
    const std::lock_guard lock(mutex_);
    std::swap(moved, moved_);
  }
  moved.clear();
  return moved;
}

void ObjectIndex::catalog_changes() {
  const RowTable forgotten = take_moved();
}

// What has come meanwhile has later tickets.
void ObjectIndex::take_move_back() {
  const std::lock_guard lock(mutex_);
  for (const TableRow& row : table_.rows()) {
    const bool inserted = moving_.insert(row);
    RB_ASSERT(inserted);
  }
  std::swap(table_, moving_);
  moving_.clear();
}

Status ObjectIndex::move_to_catalog() {
  Ticket settled = 0;
  CatalogBatch batch = begin_move(settled);
  // Whoever looks up does not change moving_, so it is read here without the mutex.
  if (moving_.empty() && *batch.packs == catalog_end_ && *batch.counted == catalog_counted_) return {};
  const Status written = write(batch);
  if (!written) {
    take_move_back();
    return written;
  }
  end_move(std::move(batch), settled);
  return {};
}

void ObjectIndex::dead_rows_removed(std::uint32_t domain, std::span<const ObjectId> ids) {
  const std::lock_guard lock(mutex_);
  catalog_counts_[domain] -= ids.size();
  for (const ObjectId& id : ids) {
    TableRow* row = table_.find(Key{domain, id});
    if (row == nullptr || !row->counted) continue;
    row->counted = false;
    ++table_counts_[domain];
  }
  ++generation_;
}

std::size_t ObjectIndex::table_size() const {
  const std::lock_guard lock(mutex_);
  return table_.size() + moving_.size();
}

std::uint64_t ObjectIndex::object_count() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  for (const auto& [domain, in_domain] : catalog_counts_)
    count += in_domain;
  for (const auto& [domain, in_domain] : table_counts_)
    count += in_domain;
  return count;
}

std::uint64_t ObjectIndex::object_count(std::uint32_t domain) const {
  const std::lock_guard lock(mutex_);
  const auto count_in = [domain](const auto& counts) {
    const auto found = counts.find(domain);
    return found == counts.end() ? 0 : found->second;
  };
  return count_in(catalog_counts_) + count_in(table_counts_);
}

}  // namespace rb
