#include "repository/session_state.h"

#include <algorithm>

#include <fmt/format.h>

namespace rb {

void SessionState::note_put(BlockClass block_class, Ticket ticket) {
  const std::lock_guard lock(mutex_);
  (block_class == BlockClass::data ? data_ : metadata_).add(ticket);
}

TicketRange SessionState::unsettled_data() const {
  const std::lock_guard lock(mutex_);
  return data_;
}

TicketRange SessionState::unsettled() const {
  const std::lock_guard lock(mutex_);
  TicketRange both = data_;
  if (metadata_.empty()) return both;
  both.add(metadata_.first);
  both.add(metadata_.last);
  return both;
}

void SessionState::note_settled(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  data_.forget_up_to(ticket);
  metadata_.forget_up_to(ticket);
}

void SessionState::pin(std::span<const ObjectNumber> numbers) {
  const std::lock_guard lock(mutex_);
  pins_.add(numbers);
}

bool SessionState::pins(ObjectNumber object) const {
  const std::lock_guard lock(mutex_);
  return pins_.contains(object);
}

void SessionState::for_each_pin(const std::function<void(ObjectNumber, ObjectNumber)>& visit) const {
  std::vector<NumberSet::Run> runs;
  {
    const std::lock_guard lock(mutex_);
    runs = pins_.runs();
  }
  for (const NumberSet::Run& pinned : runs)
    visit(pinned.first, pinned.last + 1);
}

Status SessionList::check_room(const SessionOwner& owner) const {
  if (count_open() >= limits_.in_all) {
    return fail(Errc::busy, "as many sessions as allowed are open: try again in a while");
  }
  const auto is_theirs = [&](const auto& s) { return s.second->node == owner.node && !s.second->fenced; };
  const auto theirs = std::count_if(sessions_.begin(), sessions_.end(), is_theirs);
  if (static_cast<std::size_t>(theirs) < limits_.per_node) return {};
  return fail(Errc::busy,
              fmt::format("the node \"{}\" has as many sessions open as one may: try again in a while",
                          owner.node_name));
}

Result<std::shared_ptr<SessionState>> SessionList::begin(const SessionOwner& owner,
                                                         const BeginRequest& request, bool domain_is_empty) {
  const std::lock_guard lock(mutex_);
  if (request.purpose == SessionPurpose::write) {
    for (const auto& [number, other] : sessions_) {
      const bool replaced =
          other->node == owner.node && other->run == request.run && other->purpose == SessionPurpose::write;
      if (replaced) fence(*other);
    }
  }
  RB_TRY(check_room(owner));
  auto session = std::make_shared<SessionState>(++last_number_, owner, request);
  session->must_ask = !domain_is_empty;
  for (const auto& [number, other] : sessions_) {
    if (other->domain != owner.domain || other->fenced) continue;
    other->must_ask = true;
    session->must_ask = true;
  }
  sessions_.emplace(session->number, session);
  claims_.begin_session(session->number);
  return session;
}

void SessionList::end(const SessionState& session) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(session.number);
  claims_.end_session(session.number);
}

void SessionList::fence(SessionState& session) {
  session.fenced = true;
  claims_.end_session(session.number);
}

void SessionList::fence_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, session] : sessions_)
    fence(*session);
}

void SessionList::fence_node(std::uint32_t node) {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, session] : sessions_) {
    if (session->node == node) fence(*session);
  }
}

std::size_t SessionList::count_open() const {
  return static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [](const auto& s) { return !s.second->fenced; }));
}

void SessionList::for_each(const std::function<void(const SessionState&)>& visit) const {
  std::vector<std::shared_ptr<SessionState>> open;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, session] : sessions_) {
      if (!session->fenced) open.push_back(session);
    }
  }
  for (const auto& session : open)
    visit(*session);
}

std::size_t SessionList::open_count() const {
  const std::lock_guard lock(mutex_);
  return count_open();
}

}  // namespace rb
