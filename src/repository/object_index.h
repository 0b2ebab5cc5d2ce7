// Where every object is: a bounded table in memory of what came lately, and the catalog beneath it. Look-ups
// read the table first; a row leaves the table only after the catalog has it, so that what exists is always
// found.
//
// Blocks are numbered by tickets in the order in which they are appended to the packs. A sync settles all
// tickets up to one: their rows are durable from then on, or, when it failed, they are dropped. A row that is
// not durable answers no question of another session.
//
// What a collection found dead is never found, though its row may still be in the catalog. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "repository/catalog.h"
#include "repository/collection_gate.h"
#include "repository/id_filter.h"
#include "repository/quarantine.h"
#include "repository/row_cache.h"
#include "repository/row_table.h"
#include "repository/stored_bytes.h"

namespace rb {

using Ticket = std::uint64_t;  // from 1; 0: from before this process, durable

struct FoundObject {
  ObjectRow row;
  Ticket ticket = 0;
  std::uint64_t session = 0;  // that put it, while the row is not durable
  bool durable = true;

  bool complete() const { return (row.flags & kRowIncomplete) == 0; }
  HeldObject held() const { return {row.number, is_metadata(row.kind)}; }
};

// An object about to be inserted.
struct NewObject {
  ObjectId id;
  ObjectKind kind = ObjectKind::chunk;
  std::uint8_t flags = 0;
  std::uint32_t index = 0;  // in its block
  ObjectNumber number = 0;
  bool replaces = false;           // an incomplete row, whose number it keeps
  bool replaces_dead_row = false;  // of the catalog, which counts that one
  std::vector<ObjectNumber> children;
};

// The record that objects came in.
struct AppendedBlock {
  PackRecordOwner owner;
  PackPosition at;
  Ticket ticket = 0;
  std::uint64_t session = 0;
  std::uint32_t share_bytes = 0;  // of each of its objects
};

class ObjectIndex {
 public:
  static Result<std::unique_ptr<ObjectIndex>> open(Catalog& catalog, CollectionGate& gate);

  struct Answer {
    std::vector<std::optional<FoundObject>> found;  // one per id, in order
    std::vector<std::size_t> dead;  // ascending, indices into `found`: the catalog still has a dead row
    std::uint64_t generation = 0;
    std::uint64_t epoch = 0;        // of the dead set: whoever acts on the answer lets the gate compare it
    bool has_catalog_rows = false;  // of which some may be quarantined

    bool has_dead_row(std::size_t i) const;

   private:
    friend class ObjectIndex;
    void take_catalog_row(std::size_t i, const ObjectRow& row, const DeadSet* dead_set);
  };
  // Holds nothing: what it finds may be dead by the time it returns.
  Result<Answer> find(std::uint32_t domain, std::span<const ObjectId> ids);

  // What is quarantined is found as incomplete. Call it before the first find().
  void use(const Quarantine& quarantine) { quarantine_ = &quarantine; }

  // Gives numbers that were never used.
  ObjectNumber reserve_numbers(std::size_t count);
  ObjectNumber next_number() const;

  // Whether what was looked up in `generation` and found missing is missing still. Requires: insert() is
  // excluded.
  bool still_missing(std::uint64_t generation, std::uint32_t domain,
                     std::span<const NewObject> objects) const;
  void insert(const AppendedBlock& block, std::vector<NewObject> objects);
  // Counts a record as its node's: each once, in the order of the packs.
  void count_bytes(const AppendedBlock& block, std::uint64_t bytes);
  // Every record before it is counted.
  PackPosition counted_until() const;
  // Whether this catalog relocated rows into the pack. Then every object of it has its row already, here or
  // elsewhere, and its bytes are counted. One of the collector's that no batch of this catalog relocated into
  // is read like any other: nothing else may hold what is in it, when the catalog is being made anew.
  bool was_relocated_into(std::uint64_t pack) const { return relocated_into_.contains(pack); }

  // All tickets up to `ticket` are durable, and so is every record before `end`.
  void settle(Ticket ticket, const PackPosition& end) { settle(ticket, end, end); }
  // The same, with `counted` for what was counted: at start, records are counted before their objects can be
  // taken.
  void settle(Ticket ticket, const PackPosition& end, const PackPosition& counted);
  // Drops the rows of all later tickets: their blocks are lost.
  void drop_after(Ticket ticket);
  Ticket settled() const;

  // From now on until end_load() rows go to the catalog in bulk, and ids that were never seen are not asked
  // of it. First what it has is read. Requires: nobody else uses the index.
  Status begin_load(std::uint64_t expected_objects);
  Status end_load();

  // Moves the durable rows into the catalog, and its mark to the end of what is settled. One caller at a
  // time; rows stay visible throughout.
  Status move_to_catalog();
  // Rows of the catalog are about to be changed, other than by move_to_catalog(), which is excluded until
  // they are.
  void catalog_changes();
  // Dead rows were removed from the catalog. Requires: insert() and move_to_catalog() are excluded.
  void dead_rows_removed(std::uint32_t domain, std::span<const ObjectId> ids);

  std::size_t table_size() const;  // with what is on its way to the catalog
  std::uint64_t object_count(std::uint32_t domain) const;
  std::uint64_t object_count() const;  // of all domains
  std::uint64_t stored_bytes(std::uint32_t node) const;
  // The catalog says this of all nodes now, since packs came or went. Requires: move_to_catalog() is
  // excluded.
  void stored_bytes_changed(std::map<std::uint32_t, std::uint64_t> stored_bytes);

 private:
  using Key = DomainKey;
  ObjectIndex(Catalog& catalog, CollectionGate& gate) : catalog_(catalog), gate_(gate) {}
  // The answer as far as memory has it; indices into the ids of what the catalog is to be asked.
  std::vector<std::size_t> find_in_memory(std::uint32_t domain, std::span<const ObjectId> ids,
                                          const DeadSet* dead_set, Answer& answer);
  Status ask_catalog(std::uint32_t domain, std::span<const ObjectId> ids,
                     std::span<const std::size_t> open_questions, const DeadSet* dead_set, Answer& answer);
  // What is in memory. Here and below: requires mutex_, unless it locks by itself.
  const TableRow* in_table(const Key& key) const;
  FoundObject found_in_table(const TableRow& row) const;
  // These lock by themselves, and make up move_to_catalog().
  CatalogBatch begin_move(Ticket& settled);
  Status write(CatalogBatch& batch);
  void end_move(CatalogBatch batch, Ticket settled);
  RowTable take_moved();
  void take_move_back();

  Catalog& catalog_;
  CollectionGate& gate_;
  std::set<std::uint64_t> relocated_into_;  // of the packs that a tail can begin in
  const Quarantine* quarantine_ = nullptr;
  mutable std::mutex mutex_;  // guards the rest; never held while the catalog is called
  RowTable table_;
  // On its way to the catalog. Who moves it may read it without the mutex; the others change nothing in it.
  RowTable moving_;
  // What the catalog got last, and still has: pages that come refer to what came shortly before, and spare a
  // look-up each. Empty during a load.
  RowTable moved_;
  struct Load {
    IdFilter seen;    // all ids that there are
    RowCache recent;  // complete rows of the catalog: the same directories are referred to again and again
  };
  std::optional<Load> load_;  // between begin_load() and end_load()
  std::map<std::uint32_t, std::uint64_t> catalog_counts_, table_counts_;  // by domain; with moving_
  ObjectNumber next_number_ = 1;
  std::uint64_t generation_ = 0;  // counts the times that rows left the table or the catalog
  Ticket settled_ = 0;
  PackPosition settled_end_, catalog_end_;
  StoredBytes stored_bytes_;
  PackPosition counted_, catalog_counted_;
};

}  // namespace rb
