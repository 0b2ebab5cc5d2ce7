// Where every object is: a bounded table in memory of what came lately, and the catalog beneath it. Look-ups
// read the table first; a row leaves the table only after the catalog has it, so that what exists is always
// found.
//
// Blocks are numbered by tickets in the order in which they are appended to the packs. A sync settles all
// tickets up to one: their rows are durable from then on, or, when it failed, they are dropped. A row that is
// not durable answers no question of another session. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "repository/catalog.h"
#include "repository/id_hash.h"
#include "repository/stored_bytes.h"

namespace rb {

using Ticket = std::uint64_t;  // from 1; 0: from before this process, durable

struct FoundObject {
  ObjectRow row;
  Ticket ticket = 0;
  std::uint64_t session = 0;  // that put it, while the row is not durable
  bool durable = true;

  bool complete() const { return (row.flags & kRowIncomplete) == 0; }
};

// An object about to be inserted.
struct NewObject {
  ObjectId id;
  ObjectKind kind = ObjectKind::chunk;
  std::uint8_t flags = 0;
  std::uint32_t index = 0;  // in its block
  ObjectNumber number = 0;
  bool replaces = false;  // an incomplete row, whose number it keeps
  std::vector<ObjectNumber> children;
};

// The record that objects came in.
struct AppendedBlock {
  PackRecordOwner owner;
  PackPosition at;
  Ticket ticket = 0;
  std::uint64_t session = 0;
};

class ObjectIndex {
 public:
  static Result<std::unique_ptr<ObjectIndex>> open(Catalog& catalog);

  struct Answer {
    std::vector<std::optional<FoundObject>> found;  // one per id, in order
    std::uint64_t generation = 0;
  };
  Result<Answer> find(std::uint32_t domain, std::span<const ObjectId> ids);

  // Gives numbers that were never used.
  ObjectNumber reserve_numbers(std::size_t count);

  // Whether what was looked up in `generation` and found missing is missing still. Requires: insert() is
  // excluded.
  bool still_missing(std::uint64_t generation, std::uint32_t domain,
                     std::span<const NewObject> objects) const;
  void insert(const AppendedBlock& block, std::vector<NewObject> objects);
  // Counts a record as its node's: each once, in the order of the packs.
  void count_bytes(const AppendedBlock& block, std::uint64_t bytes);
  // Every record before it is counted.
  PackPosition counted_until() const;

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

  std::size_t table_size() const;
  std::uint64_t object_count(std::uint32_t domain) const;
  std::uint64_t object_count() const;  // of all domains
  std::uint64_t stored_bytes(std::uint32_t node) const;

 private:
  using Key = DomainKey;
  struct TableRow {
    ObjectRow row;
    Ticket ticket = 0;
    std::uint64_t session = 0;
    bool replaces = false;
    std::vector<ObjectNumber> children;
  };

  explicit ObjectIndex(Catalog& catalog) : catalog_(catalog) {}
  FoundObject found_in_table(const TableRow& row) const;
  CatalogBatch collect_durable(Ticket& settled) const;
  void forget(const std::vector<CatalogObject>& moved);

  Catalog& catalog_;
  mutable std::mutex mutex_;  // guards the rest; never held while the catalog is called
  std::unordered_map<Key, TableRow, DomainKeyHash> table_;
  std::map<std::uint32_t, std::uint64_t> catalog_counts_, table_counts_;  // by domain
  ObjectNumber next_number_ = 1;
  std::uint64_t generation_ = 0;  // counts the times that rows left the table
  Ticket settled_ = 0;
  PackPosition settled_end_, catalog_end_;
  StoredBytes stored_bytes_;
  PackPosition counted_, catalog_counted_;
};

}  // namespace rb
