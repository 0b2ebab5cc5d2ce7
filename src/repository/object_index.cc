#include "repository/object_index.h"

#include <algorithm>

namespace rb {

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

FoundObject ObjectIndex::found_in_table(const TableRow& row) const {
  return {row.row, row.ticket, row.session, row.ticket <= settled_};
}

bool ObjectIndex::Answer::has_dead_row(std::size_t i) const {
  return std::binary_search(dead.begin(), dead.end(), i);
}

Result<ObjectIndex::Answer> ObjectIndex::find(std::uint32_t domain, std::span<const ObjectId> ids) {
  Answer answer;
  // First of all: an answer with rows of before a change of the dead set must not have the epoch of after it.
  const CollectionGate::View view = gate_.view();
  answer.epoch = view.epoch;
  answer.found.resize(ids.size());
  std::vector<std::size_t> open_questions;
  {
    const std::lock_guard lock(mutex_);
    answer.generation = generation_;
    const auto count = catalog_counts_.find(domain);
    const bool catalog_knows_some = count != catalog_counts_.end() && count->second > 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (const auto row = table_.find(Key{domain, ids[i]}); row != table_.end()) {
        answer.found[i] = found_in_table(row->second);
      } else if (catalog_knows_some) {
        open_questions.push_back(i);
      }
    }
  }
  if (open_questions.empty()) return answer;
  std::vector<ObjectId> asked;
  asked.reserve(open_questions.size());
  for (const std::size_t i : open_questions)
    asked.push_back(ids[i]);
  RB_TRY(const auto rows, catalog_.find(domain, asked));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (!rows[k]) continue;
    if (view.dead_set && view.dead_set->contains(rows[k]->number)) {
      answer.dead.push_back(open_questions[k]);
    } else {
      answer.found[open_questions[k]] = FoundObject{*rows[k]};
    }
  }
  if (quarantine_ != nullptr) quarantine_->apply(domain, ids, answer.found);
  return answer;
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
    return table_.contains(Key{domain, object.id});
  });
}

void ObjectIndex::insert(const AppendedBlock& block, std::vector<NewObject> objects) {
  const std::lock_guard lock(mutex_);
  for (NewObject& object : objects) {
    RB_ASSERT(object.number > 0 && object.number < next_number_);
    TableRow row;
    row.row = {object.number, object.kind, object.flags, block.at, object.index, block.share_bytes};
    row.ticket = block.ticket;
    row.session = block.session;
    row.counted = object.replaces || object.replaces_dead_row;
    row.children = std::move(object.children);
    if (!row.counted) ++table_counts_[block.owner.domain];
    const bool inserted = table_.emplace(Key{block.owner.domain, object.id}, std::move(row)).second;
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

void ObjectIndex::uncount(const Key& key, const TableRow& row) {
  if (!row.counted) --table_counts_[key.domain];
}

void ObjectIndex::drop_after(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  for (auto row = table_.begin(); row != table_.end();) {
    if (row->second.ticket <= ticket) {
      ++row;
      continue;
    }
    uncount(row->first, row->second);
    row = table_.erase(row);
  }
  stored_bytes_.drop_after(ticket);
  ++generation_;
}

CatalogBatch ObjectIndex::collect_durable(Ticket& settled) const {
  const std::lock_guard lock(mutex_);
  settled = settled_;
  CatalogBatch batch;
  batch.stored_bytes = stored_bytes_.up_to(settled_);
  for (auto& [pack, bytes] : stored_bytes_.packs_up_to(settled_))
    batch.pack_rows.push_back({.pack = pack, .bytes = std::move(bytes)});
  batch.counted = counted_;
  batch.object_counts = catalog_counts_;
  for (const auto& [key, row] : table_) {
    if (row.ticket > settled_) continue;
    batch.objects.push_back({key.domain, key.id, row.row, row.children});
    if (!row.counted) ++batch.object_counts[key.domain];
  }
  batch.packs = settled_end_;
  batch.next_number = next_number_;
  return batch;
}

void ObjectIndex::forget(const std::vector<CatalogObject>& moved) {
  for (const CatalogObject& object : moved) {
    const auto row = table_.find(Key{object.domain, object.id});
    RB_ASSERT(row != table_.end() && row->second.row == object.row);
    uncount(row->first, row->second);
    table_.erase(row);
  }
  ++generation_;
}

Status ObjectIndex::move_to_catalog() {
  Ticket settled = 0;
  CatalogBatch batch = collect_durable(settled);
  if (batch.objects.empty() && *batch.packs == catalog_end_ && *batch.counted == catalog_counted_) return {};
  std::sort(batch.objects.begin(), batch.objects.end(), [](const CatalogObject& a, const CatalogObject& b) {
    return a.domain != b.domain ? a.domain < b.domain : a.id < b.id;
  });
  RB_TRY(catalog_.apply(batch));
  const std::lock_guard lock(mutex_);
  catalog_counts_ = std::move(batch.object_counts);
  catalog_end_ = *batch.packs;
  catalog_counted_ = *batch.counted;
  stored_bytes_.moved(settled);
  forget(batch.objects);
  return {};
}

void ObjectIndex::dead_rows_removed(std::uint32_t domain, std::span<const ObjectId> ids) {
  const std::lock_guard lock(mutex_);
  catalog_counts_[domain] -= ids.size();
  for (const ObjectId& id : ids) {
    const auto row = table_.find(Key{domain, id});
    if (row == table_.end() || !row->second.counted) continue;
    row->second.counted = false;
    ++table_counts_[domain];
  }
  ++generation_;
}

std::size_t ObjectIndex::table_size() const {
  const std::lock_guard lock(mutex_);
  return table_.size();
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
