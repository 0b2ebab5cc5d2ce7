#include "restore/batch_worker.h"

#include <utility>

#include <fmt/format.h>

namespace rb {
namespace {

// One request to the store. Less than a batch, so that what other workers have written meanwhile is left out
// of the next, and that little comes twice when a connection breaks.
constexpr std::size_t kRequestBytes = 16 << 20;

}  // namespace

void BatchWorker::process(RestoreBatch& batch) {
  for (FileTask* task : batch.plain())
    make_plain(task);
  std::vector<RestoreBatch::Slot*> slots;
  std::size_t bytes = 0;
  // Of a few files, all in one request. Else what else is in a block has a place in the batch too.
  Neighbours neighbours = Neighbours::unwanted;
  for (RestoreBatch::Slot& slot : batch.slots()) {
    if (slot.is_taken()) continue;
    slots.push_back(&slot);
    bytes += batch.place(slot.first_place).length;
    if (bytes < kRequestBytes) continue;
    neighbours = Neighbours::welcome;
    fetch(batch, std::exchange(slots, {}), neighbours);
    bytes = 0;
  }
  fetch(batch, std::move(slots), neighbours);
}

void BatchWorker::make_plain(FileTask* task) {
  if (task->entry.type != EntryType::file) return writer_.make_special(task, lease_);
  const Bytes& content = task->entry.inline_content;
  if (!content.empty() && !context_.stopped()) writer_.write(*task, 0, content, lease_);
  writer_.release(task, lease_);
}

void BatchWorker::fetch(RestoreBatch& batch, std::vector<RestoreBatch::Slot*> slots, Neighbours neighbours) {
  const auto drop_taken = [&] {
    std::erase_if(slots, [](RestoreBatch::Slot* slot) { return slot->is_taken(); });
  };
  drop_taken();
  if (slots.empty()) return;
  std::vector<ObjectId> ids;
  ids.reserve(slots.size());
  for (const RestoreBatch::Slot* slot : slots)
    ids.push_back(slot->id);
  damage_.reset();
  Status status = fail(Errc::cancelled, "stopped");
  if (!context_.stopped())
    status = session_.read(ids, neighbours, [&](ByteView block) { return use_block(batch, block); });

  drop_taken();
  if (slots.empty()) return;
  Error error = status ? damage_.value_or(Error(Errc::not_found, "the store did not give what was asked for"))
                       : status.error();
  if (!concerns_object(error)) context_.stop(error);
  if (context_.stopped() || slots.size() == 1) {
    for (RestoreBatch::Slot* slot : slots)
      fail_slot(batch, *slot, error);
    return;
  }
  const auto middle = slots.begin() + static_cast<std::ptrdiff_t>(slots.size() / 2);
  fetch(batch, {slots.begin(), middle}, neighbours);
  fetch(batch, {middle, slots.end()}, neighbours);
}

Status BatchWorker::use_block(RestoreBatch& batch, ByteView block) {
  if (context_.stopped()) return fail(Errc::cancelled, "stopped");
  if (Status opened = reader_.open(block); !opened) {
    damage_ = opened.error();
    return {};  // the blocks that follow may be sound
  }
  const std::vector<std::shared_ptr<RestoreBatch>> others = queue_.others(batch);
  for (std::size_t i = 0; i < reader_.size(); ++i) {
    bool sound = use_item(batch, i);
    for (const std::shared_ptr<RestoreBatch>& other : others)
      sound = sound && use_item(*other, i);
  }
  return {};
}

// False: the object is not what its id says, and was left alone.
bool BatchWorker::use_item(RestoreBatch& batch, std::size_t index) {
  const BlockReader::Item item = reader_.item(index);
  RestoreBatch::Slot* slot = batch.find(item.object->id);
  if (slot == nullptr || slot->is_taken()) return true;
  if (Status verified = reader_.verify(index); !verified) {
    damage_ = verified.error();
    return false;
  }
  if (slot->take()) write_slot(batch, *slot, item.payload);
  return true;
}

void BatchWorker::write_slot(RestoreBatch& batch, RestoreBatch::Slot& slot, ByteView payload) {
  for (std::uint32_t at = slot.first_place; at != RestoreBatch::kNone;) {
    const RestoreBatch::Place& place = batch.place(at);
    at = place.next;
    if (place.length == payload.size()) {
      writer_.write(*place.file, place.offset, payload, lease_);
    } else {
      writer_.fail_task(*place.file, Error(Errc::corrupt, "a chunk is not as long as the file says"));
    }
    writer_.release(place.file, lease_);
  }
}

void BatchWorker::fail_slot(RestoreBatch& batch, RestoreBatch::Slot& slot, const Error& error) {
  if (!slot.take()) return;
  for (std::uint32_t at = slot.first_place; at != RestoreBatch::kNone;) {
    const RestoreBatch::Place& place = batch.place(at);
    at = place.next;
    writer_.fail_task(*place.file, error);
    writer_.release(place.file, lease_);
  }
}

}  // namespace rb
