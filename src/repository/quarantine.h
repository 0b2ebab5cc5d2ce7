// Objects whose bytes are damaged beyond what parity can repair, and which are wanted again from the nodes
// that may still have them.
//
// An object is quarantined at one place: the index says of a row there that it is incomplete, so that it is
// never "have" and nothing new refers to it, and a good copy takes its row and its number. With another place
// the row is good again, and the entry is done with. What refers to it stays as it is: nothing else becomes
// unreadable.
//
// A file of its own, replaced atomically. It can be lost without harm: the next reading of the packs finds
// the damage again. Thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "format/pack_format.h"
#include "repository/id_hash.h"

namespace rb {

class ObjectIndex;
struct FoundObject;

struct QuarantinedObject {
  std::uint32_t domain = 0;
  ObjectId id;
  PackPosition at;
  bool operator==(const QuarantinedObject&) const = default;
};
// The place of an object that is not there at all, and wanted all the same.
inline constexpr PackPosition kNowhere{};

class Quarantine {
 public:
  // A missing or damaged file is an empty quarantine.
  Quarantine(FileSystem& fs, std::string path);

  // Durable when it returns. Gives how many were new. Errc::no_space: there are too many to list; the rest of
  // the damage is reported again by the next reading.
  Result<std::size_t> add(std::span<const QuarantinedObject> objects);
  // Flags what was found at a quarantined place.
  void apply(std::uint32_t domain, std::span<const ObjectId> ids,
             std::span<std::optional<FoundObject>> found) const;

  // It was judged again at this place, and is good. Durable when it returns.
  Status forget(const QuarantinedObject& object);

  // What a session of the node is to be told that it may send again. Forgets what has come meanwhile.
  std::vector<ObjectId> wanted(ObjectIndex& index, std::uint32_t domain, std::uint32_t node);
  // A run of the node that was told has ended well. After some of them a node is not asked again for what it
  // did not send: each makes it read everything it has.
  void note_run(std::uint32_t domain, std::uint32_t node);

  // Forgets what has come meanwhile.
  std::vector<QuarantinedObject> unresolved(ObjectIndex& index);
  std::size_t size() const;

 private:
  struct Entry {
    PackPosition at;
    std::map<std::uint32_t, unsigned> runs;  // by node, that did not bring it
  };
  void load();
  Status save() const;
  void forget_resolved(ObjectIndex& index, std::uint32_t domain);

  FileSystem& fs_;
  const std::string path_;
  mutable std::mutex mutex_;
  std::map<DomainKey, Entry> entries_;
  std::atomic<bool> is_empty_ = true;  // spares look-ups the mutex
};

}  // namespace rb
