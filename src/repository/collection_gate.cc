#include "repository/collection_gate.h"

#include <algorithm>

#include "repository/object_index.h"
#include "repository/session_state.h"

namespace rb {

CollectionGate::View CollectionGate::view() const {
  const std::lock_guard lock(mutex_);
  return {epoch_, dead_set_};
}

// Requires: mutex_, as all private functions.
void CollectionGate::shade(ObjectNumber number, bool metadata) {
  if (!mark_ || number >= mark_->limit) return;
  if (!mark_->marked.add(number)) return;
  if (metadata && number >= mark_->cursor) note_late(number);
}

void CollectionGate::note_late(ObjectNumber number) {
  if (mark_->late_highest == 0 && mark_->late.size() < kLateMax) {
    mark_->late.push_back(number);
    return;
  }
  // From here on only a pass can find them, and it finds the named ones too.
  for (const ObjectNumber named : mark_->late)
    mark_->late_highest = std::max(mark_->late_highest, named);
  mark_->late.clear();
  mark_->late_highest = std::max(mark_->late_highest, number);
}

Result<bool> CollectionGate::hold(SessionState& session, std::uint64_t epoch,
                                  std::span<const HeldObject> objects) {
  std::vector<ObjectNumber> numbers;
  numbers.reserve(objects.size());
  for (const HeldObject& object : objects)
    numbers.push_back(object.number);
  const std::lock_guard lock(mutex_);
  RB_TRY(session.check_open());
  if (epoch != epoch_) return false;
  session.pin(numbers);
  for (const HeldObject& object : objects)
    shade(object.number, object.metadata);
  return true;
}

void CollectionGate::born(SessionState& session, std::span<const NewObject> objects) {
  std::vector<ObjectNumber> numbers;
  numbers.reserve(objects.size());
  for (const NewObject& object : objects)
    numbers.push_back(object.number);
  const std::lock_guard lock(mutex_);
  session.pin(numbers);
  for (const NewObject& object : objects)
    shade_beneath(object.number, object.children);
}

void CollectionGate::healed(ObjectNumber number, std::span<const ObjectNumber> children) {
  const std::lock_guard lock(mutex_);
  shade_beneath(number, children);
}

// One with an older number than the mark's (reserved before it began, or of a row that was incomplete) is
// never grey: all that it refers to is shaded at once.
void CollectionGate::shade_beneath(ObjectNumber number, std::span<const ObjectNumber> children) {
  if (!mark_) return;
  if (number < mark_->limit) {
    mark_->marked.add(number);
    mark_->scanned.add(number);
  }
  for (const ObjectNumber child : children)
    shade(child, true);
}

bool CollectionGate::admit_root(std::uint64_t epoch, ObjectNumber number) {
  const std::lock_guard lock(mutex_);
  if (epoch != epoch_) return false;
  RB_ASSERT(!dead_set_ || !dead_set_->contains(number));
  shade(number, true);
  return true;
}

void CollectionGate::begin_mark(ObjectNumber limit) {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(!mark_ && !dead_set_ && limit > 0);
  mark_ = Mark{};
  mark_->limit = mark_->cursor = limit;
}

void CollectionGate::add_roots(std::span<const ObjectNumber> numbers) {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_);
  for (const ObjectNumber number : numbers)
    shade(number, true);
}

void CollectionGate::add_root_range(ObjectNumber first, ObjectNumber end) {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_);
  end = std::min(end, mark_->limit);
  if (first >= end) return;
  mark_->marked.add_range(first, end);
  if (end > mark_->cursor) mark_->late_highest = std::max(mark_->late_highest, end - 1);
}

ObjectNumber CollectionGate::begin_pass() {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_);
  // It may not begin below where an earlier one stands, which has still to visit what is beneath.
  mark_->cursor = std::max(mark_->cursor, mark_->late_highest + 1);
  mark_->late_highest = 0;
  return mark_->cursor;
}

void CollectionGate::scan_page(const MarkPage& page) {
  if (page.number >= mark_->limit || !mark_->marked.contains(page.number)) return;
  if (!mark_->scanned.add(page.number)) return;
  for (const ObjectNumber child : page.children)
    shade(child, true);
}

void CollectionGate::scan(std::span<const MarkPage> pages) {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_);
  for (const MarkPage& page : pages) {
    RB_ASSERT(page.number < mark_->cursor);
    mark_->cursor = page.number;
    scan_page(page);
  }
}

void CollectionGate::end_pass() {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_);
  mark_->cursor = 0;
}

CollectionGate::Late CollectionGate::take_late() {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_ && mark_->taken == 0);
  Late late;
  late.pass_again = mark_->late_highest != 0;
  late.numbers = std::exchange(mark_->late, {});
  mark_->taken = late.numbers.size();
  return late;
}

void CollectionGate::scan_late(std::span<const MarkPage> pages) {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_ && pages.size() <= mark_->taken);
  mark_->taken -= pages.size();
  for (const MarkPage& page : pages)
    scan_page(page);
}

bool CollectionGate::is_grey() const {
  return mark_->cursor != 0 || !mark_->late.empty() || mark_->late_highest != 0 || mark_->taken != 0;
}

bool CollectionGate::nothing_is_grey() const {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_);
  return !is_grey();
}

void CollectionGate::change_dead_set(std::shared_ptr<const DeadSet> dead_set) {
  dead_set_ = std::move(dead_set);
  ++epoch_;
}

bool CollectionGate::try_freeze() {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_ && !dead_set_);
  if (is_grey()) return false;
  auto dead = std::make_shared<DeadSet>();
  dead->limit = mark_->limit;
  dead->marked = std::move(mark_->marked);
  mark_.reset();
  change_dead_set(std::move(dead));
  return true;
}

DeadSet CollectionGate::abandon_mark() {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(mark_);
  DeadSet white{mark_->limit, std::move(mark_->marked)};
  mark_.reset();
  return white;
}

void CollectionGate::publish(std::shared_ptr<const DeadSet> dead_set) {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(!mark_ && !dead_set_);
  change_dead_set(std::move(dead_set));
}

void CollectionGate::lift() {
  const std::lock_guard lock(mutex_);
  RB_ASSERT(!mark_ && dead_set_);
  change_dead_set(nullptr);
}

}  // namespace rb
