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
#include <unordered_map>
#include <vector>

#include "repository/catalog.h"
#include "repository/collection_gate.h"
#include "repository/id_hash.h"
#include "repository/quarantine.h"
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
    std::uint64_t epoch = 0;  // of the dead set: whoever acts on the answer lets the gate compare it

    bool has_dead_row(std::size_t i) const;
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

  // Moves the durable rows into the catalog, and its mark to the end of what is settled. One caller at a
  // time; rows stay visible throughout.
  Status move_to_catalog();
  // Dead rows were removed from the catalog. Requires: insert() and move_to_catalog() are excluded.
  void dead_rows_removed(std::uint32_t domain, std::span<const ObjectId> ids);

  std::size_t table_size() const;
  std::uint64_t object_count(std::uint32_t domain) const;
  std::uint64_t object_count() const;  // of all domains
  std::uint64_t stored_bytes(std::uint32_t node) const;
  // The catalog says this of all nodes now, since packs came or went. Requires: move_to_catalog() is
  // excluded.
  void stored_bytes_changed(std::map<std::uint32_t, std::uint64_t> stored_bytes);

 private:
  using Key = DomainKey;
  struct TableRow {
    ObjectRow row;
    Ticket ticket = 0;
    std::uint64_t session = 0;
    bool counted = false;  // by the catalog: a row of the same key stands there
    std::vector<ObjectNumber> children;
  };

  ObjectIndex(Catalog& catalog, CollectionGate& gate) : catalog_(catalog), gate_(gate) {}
  void uncount(const Key& key, const TableRow& row);
  FoundObject found_in_table(const TableRow& row) const;
  CatalogBatch collect_durable(Ticket& settled) const;
  void forget(const std::vector<CatalogObject>& moved);

  Catalog& catalog_;
  CollectionGate& gate_;
  std::set<std::uint64_t> relocated_into_;  // of the packs that a tail can begin in
  const Quarantine* quarantine_ = nullptr;
  mutable std::mutex mutex_;  // guards the rest; never held while the catalog is called
  std::unordered_map<Key, TableRow, DomainKeyHash> table_;
  std::map<std::uint32_t, std::uint64_t> catalog_counts_, table_counts_;  // by domain
  ObjectNumber next_number_ = 1;
  std::uint64_t generation_ = 0;  // counts the times that rows left the table or the catalog
  Ticket settled_ = 0;
  PackPosition settled_end_, catalog_end_;
  StoredBytes stored_bytes_;
  PackPosition counted_, catalog_counted_;
};

}  // namespace rb
