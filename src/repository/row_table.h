// Rows of objects in memory, found by their keys. Rows keep the order in which they came, which is that of
// their tickets: so what is durable is a prefix, and what a failed sync loses a suffix; either goes in one
// step, without a look at each row. Open addressing over a plain array, for there is a row for each object
// that comes, and a node of its own for each took longer than all else. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "repository/catalog.h"
#include "repository/id_hash.h"

namespace rb {

struct TableRow {
  CatalogObject object;
  std::uint64_t ticket = 0;
  std::uint64_t session = 0;  // that put it
  bool counted = false;       // by the catalog: a row of the same key stands there

  DomainKey key() const { return {object.domain, object.id}; }
  bool has_key(const DomainKey& key) const { return object.id == key.id && object.domain == key.domain; }
};

class RowTable {
 public:
  const TableRow* find(const DomainKey& key) const;
  TableRow* find(const DomainKey& key);
  // False: there is one of this key. Requires: tickets don't descend.
  bool insert(TableRow row);

  // Moves the rows up to this ticket into another table, in their order. Requires: that one is empty.
  void move_up_to(std::uint64_t ticket, RowTable& to);
  // Takes out the rows after this ticket.
  std::vector<TableRow> take_after(std::uint64_t ticket);

  const std::vector<TableRow>& rows() const { return rows_; }
  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  // Keeps its memory for what comes next.
  void clear();

 private:
  std::vector<TableRow>::iterator first_after(std::uint64_t ticket);
  struct Slot {
    std::uint32_t place = 0;  // 1 + index into rows_; 0: free
    std::uint32_t tag = 0;    // half of the key's hash, so that other keys' rows are hardly ever looked at
  };
  // Where the key's row is named, or the free slot where it would be. Requires: there are slots.
  std::size_t slot_of(const DomainKey& key, std::uint64_t hash) const;
  void make_slots(std::size_t count);

  std::vector<TableRow> rows_;
  std::vector<Slot> slots_;  // a power of two of them, or none
};

}  // namespace rb
