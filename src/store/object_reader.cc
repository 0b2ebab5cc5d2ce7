#include "store/object_reader.h"

#include "base/limits.h"
#include "chunk/block_codec.h"

namespace rb {

namespace {

using ObjectPointer = std::shared_ptr<const Object>;

std::size_t cost_of(const Object& object) {
  constexpr std::size_t kBookkeeping = 160;  // list and map nodes, shared count
  return object.payload.size() + object.refs.size() * ObjectId::kSize + kBookkeeping;
}

// The objects used last, up to a number of bytes. Not thread-safe.
class ObjectCache {
 public:
  explicit ObjectCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  ObjectPointer find(const ObjectId& id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->object;
  }
  bool contains(const ObjectId& id) const { return places_.contains(id); }
  void insert(const ObjectId& id, ObjectPointer object) {
    if (contains(id)) return;
    bytes_ += cost_of(*object);
    order_.push_front({id, std::move(object)});
    places_.emplace(id, order_.begin());
    while (bytes_ > bytes_max_ && order_.size() > 1)
      drop_oldest();
  }

 private:
  struct Kept {
    ObjectId id;
    ObjectPointer object;
  };
  void drop_oldest() {
    bytes_ -= cost_of(*order_.back().object);
    places_.erase(order_.back().id);
    order_.pop_back();
  }

  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Kept> order_;  // used last: at the front
  std::unordered_map<ObjectId, std::list<Kept>::iterator> places_;
};

}  // namespace

struct ObjectReader::Impl {
  Impl(Session& s, std::size_t cache_bytes) : session(s), cache(cache_bytes) {}

  Session& session;
  std::mutex mutex;  // guards the cache; never held while the session is called
  ObjectCache cache;

  Status fetch(const std::vector<ObjectId>& ids, Neighbours neighbours,
               std::unordered_map<ObjectId, ObjectPointer>& wanted);
  Status keep(BlockReader& reader, std::unordered_map<ObjectId, ObjectPointer>& wanted);
};

// Takes the wanted objects of a block, and its other metadata as far as the cache likes them. Chunks that
// nobody asked for are left alone: hashing them would cost more than it could ever save.
Status ObjectReader::Impl::keep(BlockReader& reader, std::unordered_map<ObjectId, ObjectPointer>& wanted) {
  for (std::size_t i = 0; i < reader.size(); ++i) {
    const BlockReader::Item item = reader.item(i);
    const auto asked = wanted.find(item.object->id);
    if (asked == wanted.end() && !is_metadata(item.object->kind)) continue;
    if (const Status good = reader.verify(i); !good) {
      if (asked != wanted.end()) return good;
      continue;  // a damaged neighbour is nobody's concern until it is asked for
    }
    auto object = std::make_shared<const Object>(
        Object{item.object->kind, item.object->refs, Bytes(item.payload.begin(), item.payload.end())});
    if (asked != wanted.end()) asked->second = object;
    const std::lock_guard lock(mutex);
    cache.insert(item.object->id, std::move(object));
  }
  return {};
}

Status ObjectReader::Impl::fetch(const std::vector<ObjectId>& ids, Neighbours neighbours,
                                 std::unordered_map<ObjectId, ObjectPointer>& wanted) {
  BlockReader reader;
  return session.read(ids, neighbours, [&](ByteView block) -> Status {
    RB_TRY(reader.open(block));
    return keep(reader, wanted);
  });
}

ObjectReader::ObjectReader(Session& session, std::size_t cache_bytes)
    : impl_(std::make_unique<Impl>(session, cache_bytes)) {}

ObjectReader::~ObjectReader() = default;

Result<std::shared_ptr<const Object>> ObjectReader::load(const ObjectId& id) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (ObjectPointer found = impl_->cache.find(id)) return found;
  }
  std::unordered_map<ObjectId, ObjectPointer> wanted{{id, nullptr}};
  RB_TRY(impl_->fetch({id}, Neighbours::welcome, wanted));
  if (!wanted[id]) return fail(Errc::protocol, "the store's answer does not hold object " + to_hex(id));
  return std::move(wanted[id]);
}

void ObjectReader::prefetch(std::span<const ObjectId> ids, Neighbours neighbours) {
  std::vector<ObjectId> missing;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const ObjectId& id : ids) {
      if (!impl_->cache.contains(id)) missing.push_back(id);
    }
  }
  if (missing.size() > kMaxReadIds) missing.resize(kMaxReadIds);
  if (missing.empty()) return;
  std::unordered_map<ObjectId, ObjectPointer> wanted;
  for (const ObjectId& id : missing)
    wanted.emplace(id, nullptr);
  (void)impl_->fetch(missing, neighbours, wanted);  // an error shows when the object is loaded
}

}  // namespace rb
