// The serialised step that sessions and a collection share (docs/gc.md): who is told of an object, stores one
// or commits one, and the mark that decides what dies, meet here and nowhere else. Never held over I/O.
//
// Words: during a mark an object is white until it is reached, grey while its references are still to be
// shaded, and dead from the freeze that found it white until its row is gone. Thread-safe; comes after
// BlockWriter's locks and before a session's own.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "repository/dead_set.h"

namespace rb {

class SessionState;  // repository/session_state.h
struct NewObject;    // repository/object_index.h

// An object that a look-up found, and a session is about to be told of.
struct HeldObject {
  ObjectNumber number = 0;
  bool metadata = false;  // a chunk refers to nothing, so it is never grey
};

class CollectionGate {
 public:
  // What a look-up has to read before anything else. `dead_set` is null when nothing is dead.
  struct View {
    std::uint64_t epoch = 0;  // counted up whenever the dead set changes
    std::shared_ptr<const DeadSet> dead_set;
  };
  View view() const;
  std::uint64_t epoch() const { return view().epoch; }
  std::shared_ptr<const DeadSet> dead_set() const { return view().dead_set; }

  // For sessions.

  // Pins objects found by a look-up of `epoch`, so that the session may be told of them. False: the dead set
  // has changed since, look up again; nothing is pinned then. Errc::fenced.
  Result<bool> hold(SessionState& session, std::uint64_t epoch, std::span<const HeldObject> objects);
  // Objects that are about to enter the index: pins them, and keeps them and all they refer to. Requires:
  // the append mutex of BlockWriter, held since a hold() that succeeded.
  void born(SessionState& session, std::span<const NewObject> objects);
  // An object that is alive is about to name other numbers than it did, as BlockWriter's born ones do.
  // Requires: the catalog is still, and all of them are alive.
  void healed(ObjectNumber number, std::span<const ObjectNumber> children);
  // Makes an object found in `epoch` a root: it is about to be journalled as a commit or an undeletion.
  // False: look up again.
  bool admit_root(std::uint64_t epoch, ObjectNumber number);

  // Held by whoever runs a collection: there is one at a time. Comes before all other locks.
  std::mutex& collector() { return collector_; }

  // For the collector. Order: begin_mark, roots, begin_pass, scan..., end_pass, what is
  // late, try_freeze.

  // Objects of at least `limit` are alive. Requires: nothing is dead, no mark runs.
  void begin_mark(ObjectNumber limit);
  void add_roots(std::span<const ObjectNumber> numbers);
  void add_root_range(ObjectNumber first, ObjectNumber end);  // `end` is not in it

  struct MarkPage {
    ObjectNumber number = 0;
    std::vector<ObjectNumber> children;
  };
  // A pass visits all metadata below the number that it is given here.
  ObjectNumber begin_pass();
  // Requires: descending, none left out, from where the pass stands.
  void scan(std::span<const MarkPage> pages);
  void end_pass();

  // What became grey after the pass had gone by it.
  struct Late {
    std::vector<ObjectNumber> numbers;  // each to be given to scan_late
    bool pass_again = false;            // too many to name: another pass has to find them
  };
  Late take_late();
  void scan_late(std::span<const MarkPage> pages);

  bool nothing_is_grey() const;
  // Ends the mark and publishes what it did not reach as dead. False: something is grey. Requires: the locks
  // of BlockWriter; all roots were added.
  bool try_freeze();
  // Ends the mark without a trace. Gives what a freeze would have published now.
  DeadSet abandon_mark();

  void publish(std::shared_ptr<const DeadSet> dead_set);  // at start, before the first look-up
  // Requires: no row of a dead number is left.
  void lift();

 private:
  struct Mark {
    ObjectNumber limit = 0;
    NumberBitmap marked;
    NumberBitmap scanned;     // metadata of which the references are marked
    ObjectNumber cursor = 0;  // the pass has gone by what is not below it; 0: it is through
    std::vector<ObjectNumber> late;
    ObjectNumber late_highest = 0;  // 0: `late` has all of them
    std::size_t taken = 0;          // late ones that are being read
  };
  void shade(ObjectNumber number, bool metadata);
  void shade_beneath(ObjectNumber number, std::span<const ObjectNumber> children);
  void note_late(ObjectNumber number);
  void scan_page(const MarkPage& page);
  void change_dead_set(std::shared_ptr<const DeadSet> dead_set);
  bool is_grey() const;

  std::mutex collector_;
  mutable std::mutex mutex_;
  std::uint64_t epoch_ = 1;
  std::shared_ptr<const DeadSet> dead_set_;
  std::optional<Mark> mark_;
};

// Late ones beyond this are not named: 32 KB.
inline constexpr std::size_t kLateMax = 4096;

}  // namespace rb
