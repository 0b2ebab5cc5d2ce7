#include "restore/batch_worker.h"

#include <fmt/format.h>

namespace rb {

void BatchWorker::process(RestoreBatch& batch) {
  for (FileTask* task : batch.plain())
    make_plain(task);
  std::vector<RestoreBatch::Slot*> slots;
  slots.reserve(batch.slots().size());
  for (RestoreBatch::Slot& slot : batch.slots())
    slots.push_back(&slot);
  if (!slots.empty()) fetch(batch, std::move(slots));
}

void BatchWorker::make_plain(FileTask* task) {
  if (task->entry.type != EntryType::file) return writer_.make_special(task, lease_);
  const Bytes& content = task->entry.inline_content;
  if (!content.empty() && !context_.stopped()) writer_.write(*task, 0, content, lease_);
  writer_.release(task, lease_);
}

void BatchWorker::fetch(RestoreBatch& batch, std::vector<RestoreBatch::Slot*> slots) {
  std::vector<ObjectId> ids;
  ids.reserve(slots.size());
  for (const RestoreBatch::Slot* slot : slots)
    ids.push_back(slot->id);
  damage_.reset();
  Status status = fail(Errc::cancelled, "stopped");
  if (!context_.stopped())
    status = session_.read(ids, [&](ByteView block) { return use_block(batch, block); });

  std::erase_if(slots, [](const RestoreBatch::Slot* slot) { return slot->done; });
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
  fetch(batch, {slots.begin(), middle});
  fetch(batch, {middle, slots.end()});
}

Status BatchWorker::use_block(RestoreBatch& batch, ByteView block) {
  if (context_.stopped()) return fail(Errc::cancelled, "stopped");
  if (Status opened = reader_.open(block); !opened) {
    damage_ = opened.error();
    return {};  // the blocks that follow may be sound
  }
  for (std::size_t i = 0; i < reader_.size(); ++i) {
    const BlockReader::Item item = reader_.item(i);
    RestoreBatch::Slot* slot = batch.find(item.object->id);
    if (slot == nullptr || slot->done) continue;
    if (Status verified = reader_.verify(i); !verified) {
      damage_ = verified.error();
      continue;
    }
    write_slot(batch, *slot, item.payload);
  }
  return {};
}

void BatchWorker::write_slot(RestoreBatch& batch, RestoreBatch::Slot& slot, ByteView payload) {
  slot.done = true;
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
  slot.done = true;
  for (std::uint32_t at = slot.first_place; at != RestoreBatch::kNone;) {
    const RestoreBatch::Place& place = batch.place(at);
    at = place.next;
    writer_.fail_task(*place.file, error);
    writer_.release(place.file, lease_);
  }
}

}  // namespace rb
