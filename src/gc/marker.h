// The mark of a collection (docs/gc.md, "Mark"): reaches all that is live, beside any number of sessions. It
// reads only, and can be abandoned at any moment. Used by one thread; what it shares with sessions is in the
// CollectionGate.
//
// begin, take_roots, step until it says false, freeze; if that says false, step again. What is not frozen
// when the marker goes is abandoned.
#pragma once

#include "repository/repository_core.h"

namespace rb {

// An upload that nothing refers to outlives so many collections that begin after it: an interrupted backup
// that is tried again every day finds what it sent, though collections run daily too.
inline constexpr std::size_t kYoungCollections = 2;

struct MarkOptions {
  Timestamp judged_before;           // snapshots deleted before are no roots
  std::size_t stretch_pages = 1024;  // pages scanned in one step of the gate: 0.3 ms
  bool counts_as_begun = true;       // not so in a dry run: uploads grow no older by it
  bool though_damaged = false;       // snapshots that are not complete hinder nothing
};

class Marker {
 public:
  Marker(RepositoryCore& core, const MarkOptions& options) : core_(core), options_(options) {}
  Marker(const Marker&) = delete;
  Marker& operator=(const Marker&) = delete;
  ~Marker();

  Status begin();
  // Requires: begin() succeeded.
  Status take_roots();
  // Scans one stretch, or what is late. False: nothing is grey at the moment.
  Result<bool> step();
  // False: something became grey. An error after the freeze has happened; the dead set is published then.
  Result<bool> freeze();
  // Instead of freeze(): what it would find dead.
  DeadSet abandon();

 private:
  Status note_begin(const std::vector<ObjectNumber>& begins);
  Status take_snapshots();
  Status root_snapshots(std::uint32_t domain, std::span<const ObjectId> snapshots);
  Status scan_stretch();
  Status scan_late(const std::vector<ObjectNumber>& numbers);

  RepositoryCore& core_;
  const MarkOptions options_;
  ObjectNumber limit_ = 0;
  ObjectNumber young_from_ = 0;
  ObjectNumber below_ = 0;  // what the pass has still to visit
  bool marking_ = false;
  bool in_pass_ = false;
};

}  // namespace rb
