#include "repository/acceptance.h"

#include <algorithm>

#include "repository/id_places.h"

namespace rb {

namespace {

constexpr std::size_t kMaxNamedIds = 16;

// What the index says of every id in a block: asked once, for all of them together.
class Known {
 public:
  static Result<Known> load(ObjectIndex& index, std::uint32_t domain, const BlockDirectory& block) {
    thread_local IdPlaces places;
    std::size_t count = block.objects.size();
    for (const BlockObject& object : block.objects)
      count += object.refs.size();
    places.begin(count);
    for (const BlockObject& object : block.objects) {
      places.place_of(object.id);
      for (const ObjectId& ref : object.refs)
        places.place_of(ref);
    }
    RB_TRY(ObjectIndex::Answer answer, index.find(domain, places.ids()));
    return Known(places, std::move(answer));
  }

  // Of an id in the block; below size().
  std::size_t place_of(const ObjectId& id) const { return places_.place_of(id); }
  std::size_t size() const { return answer_.found.size(); }
  const std::optional<FoundObject>& find(std::size_t place) const { return answer_.found[place]; }
  bool has_dead_row(std::size_t place) const { return answer_.has_dead_row(place); }
  std::uint64_t generation() const { return answer_.generation; }
  std::uint64_t epoch() const { return answer_.epoch; }

 private:
  Known(IdPlaces& places, ObjectIndex::Answer answer) : places_(places), answer_(std::move(answer)) {}

  IdPlaces& places_;  // of this thread, until its next block
  ObjectIndex::Answer answer_;
};

class BlockCheck {
 public:
  BlockCheck(const Known& known, std::uint64_t session)
      : known_(known), session_(session), earlier_(known.size()) {
    result_.generation = known.generation();
    result_.epoch = known.epoch();
  }

  Status take(const BlockObject& object, std::uint32_t index);
  void number_fresh(ObjectNumber first);
  std::size_t fresh_without_number() const { return without_number_.size(); }
  Result<Acceptance> finish();

 private:
  // An object that a later one of this block may refer to: one of the store's, or one of the block's.
  struct Earlier {
    ObjectKind kind = ObjectKind::chunk;
    std::size_t fresh = 0;  // index into Acceptance::fresh
  };
  struct OpenChild {                    // its number is not known yet
    std::size_t parent = 0, child = 0;  // indices into Acceptance::fresh
  };
  Status resolve(const BlockObject& object, const ObjectId& ref, std::size_t parent);
  void await(const FoundObject& found) {
    result_.settle_first = std::max(result_.settle_first, found.ticket);
  }

  const Known& known_;
  const std::uint64_t session_;
  Acceptance result_;
  std::vector<std::optional<Earlier>> earlier_;  // by place
  std::vector<OpenChild> open_children_;
  std::vector<std::size_t> without_number_;  // indices into Acceptance::fresh
  std::vector<ObjectId> missing_;
};

Status BlockCheck::take(const BlockObject& object, std::uint32_t index) {
  const std::size_t place = known_.place_of(object.id);
  if (earlier_[place]) return {};  // twice in one block
  const auto& found = known_.find(place);
  if (found && found->complete()) {
    if (!found->durable) result_.depends_on = std::max(result_.depends_on, found->ticket);
    result_.present.push_back(found->held());
    return {};
  }
  const std::size_t fresh = result_.fresh.size();
  NewObject& added = result_.fresh.emplace_back();
  added.id = object.id;
  added.kind = object.kind;
  added.index = index;
  added.replaces = found.has_value();
  added.replaces_dead_row = known_.has_dead_row(place);
  if (found) added.number = found->row.number;
  if (!found) without_number_.push_back(fresh);
  for (const ObjectId& ref : object.refs)
    RB_TRY(resolve(object, ref, fresh));
  earlier_[place] = Earlier{object.kind, fresh};
  return {};
}

Status BlockCheck::resolve(const BlockObject& object, const ObjectId& ref, std::size_t parent) {
  std::optional<ObjectKind> kind;
  const std::size_t place = known_.place_of(ref);
  if (const auto& here = earlier_[place]) {
    kind = here->kind;
    open_children_.push_back({parent, here->fresh});
  } else if (const auto& found = known_.find(place); found && found->complete()) {
    // An earlier object of this session's own stream will do, durable or not: it is lost only together with
    // this one.
    if (!found->durable && found->session != session_) await(*found);
    kind = found->row.kind;
    result_.fresh[parent].children.push_back(found->row.number);
  }
  if (!kind) {
    missing_.push_back(ref);
  } else if (!may_refer(object.kind, *kind)) {
    return fail(Errc::invalid_argument, "object " + to_hex(object.id) + " refers to one of the wrong kind");
  }
  return {};
}

void BlockCheck::number_fresh(ObjectNumber first) {
  for (const std::size_t fresh : without_number_)
    result_.fresh[fresh].number = first++;
  for (const OpenChild& open : open_children_) {
    result_.fresh[open.parent].children.push_back(result_.fresh[open.child].number);
  }
}

Result<Acceptance> BlockCheck::finish() {
  if (!missing_.empty()) return fail_missing(missing_);
  return std::move(result_);
}

}  // namespace

std::uint32_t share_of(ByteView block, const BlockDirectory& directory) {
  return static_cast<std::uint32_t>(block.size() / std::max<std::size_t>(directory.objects.size(), 1));
}

std::unexpected<Error> fail_missing(std::span<const ObjectId> missing) {
  std::string text = "the block refers to objects that are not here:";
  for (const ObjectId& id : missing.first(std::min(missing.size(), kMaxNamedIds)))
    text += " " + to_hex(id);
  if (missing.size() > kMaxNamedIds) text += " ...";
  return fail(Errc::missing_refs, std::move(text));
}

Result<Acceptance> check_block(ObjectIndex& index, std::uint32_t domain, std::uint64_t session,
                               const BlockDirectory& block) {
  RB_TRY(const Known known, Known::load(index, domain, block));
  BlockCheck check(known, session);
  for (std::uint32_t i = 0; i < block.objects.size(); ++i)
    RB_TRY(check.take(block.objects[i], i));
  check.number_fresh(index.reserve_numbers(check.fresh_without_number()));
  return check.finish();
}

}  // namespace rb
