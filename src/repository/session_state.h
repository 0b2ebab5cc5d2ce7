// What the store remembers of one session, and the list of all of them. Both thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "format/block.h"
#include "repository/claim_table.h"
#include "repository/number_set.h"
#include "repository/object_index.h"
#include "repository/quota.h"
#include "store/store.h"

namespace rb {

// The first and last ticket of what a session put and has not yet seen settled. Empty when last is 0.
struct TicketRange {
  Ticket first = 0, last = 0;

  bool empty() const { return last == 0; }
  void add(Ticket ticket) {
    first = empty() ? ticket : std::min(first, ticket);
    last = std::max(last, ticket);
  }
  void forget_up_to(Ticket ticket) {
    if (last <= ticket) *this = {};
    if (first <= ticket && !empty()) first = ticket + 1;
  }
};

// Whose session it is, settled when it begins.
struct SessionOwner {
  std::uint32_t node = 0;
  std::uint32_t domain = 0;
  std::string node_name;
  bool in_group = false;  // other nodes share the domain
  Quota quota;
};

class SessionState {
 public:
  SessionState(std::uint64_t its_number, SessionOwner owner, const BeginRequest& request)
      : number(its_number),
        node(owner.node),
        domain(owner.domain),
        node_name(std::move(owner.node_name)),
        in_group(owner.in_group),
        quota(owner.quota),
        run(request.run),
        purpose(request.purpose) {}

  const std::uint64_t number;
  const std::uint32_t node, domain;
  const std::string node_name;
  const bool in_group;
  const Quota quota;
  const RunId run;
  const SessionPurpose purpose;

  // Looked at inside the steps that accept, commit and answer; set from outside, see SessionList::fence_all.
  std::atomic<bool> fenced = false;
  std::atomic<bool> must_ask = true;

  // Held while one metadata block is checked and appended: they form one ordered stream.
  std::mutex metadata_stream;

  Status check_open() const {
    if (fenced) return fail(Errc::fenced, "the session has ended: begin again under the same run id");
    return {};
  }

  void note_put(BlockClass block_class, Ticket ticket);
  TicketRange unsettled_data() const;
  TicketRange unsettled() const;  // of both classes
  void note_settled(Ticket ticket);

  // Keeps objects, and what is beneath them, from being collected while the session lives.
  void pin(std::span<const ObjectNumber> numbers);
  void pin(ObjectNumber object) { pin(std::span(&object, 1)); }
  bool pins(ObjectNumber object) const;
  // Calls visit(first, end) for runs of pinned numbers, a few others among them; `end` is not in it.
  void for_each_pin(const std::function<void(ObjectNumber, ObjectNumber)>& visit) const;

 private:
  mutable std::mutex mutex_;  // guards the rest
  TicketRange data_, metadata_;
  NumberSet pins_;
};

struct SessionLimits {
  std::size_t in_all = 1000;
  std::size_t per_node = 64;
};

class SessionList {
 public:
  SessionList(ClaimTable& claims, SessionLimits limits) : claims_(claims), limits_(limits) {}

  // Errc::busy when there are as many as allowed. A writing session of the same node and run is fenced and
  // replaced: its client lost the answer. Other sessions of the domain must ask from now on; so must this
  // one, unless it is alone and `domain_is_empty`.
  Result<std::shared_ptr<SessionState>> begin(const SessionOwner& owner, const BeginRequest& request,
                                              bool domain_is_empty);
  void end(const SessionState& session);
  void fence_all();
  void fence_node(std::uint32_t node);
  // Those that are open now.
  void for_each(const std::function<void(const SessionState&)>& visit) const;
  std::size_t open_count() const;

 private:
  void fence(SessionState& session);
  std::size_t count_open() const;
  Status check_room(const SessionOwner& owner) const;

  ClaimTable& claims_;
  const SessionLimits limits_;
  mutable std::mutex mutex_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::shared_ptr<SessionState>> sessions_;
};

}  // namespace rb
