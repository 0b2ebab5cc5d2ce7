// How many bytes of blocks each node has in the packs. What is not settled yet is kept by ticket, as a failed
// sync takes it back. Not thread-safe: ObjectIndex guards it.
#pragma once

#include <cstdint>
#include <map>

namespace rb {

class StoredBytes {
 public:
  using ByNode = std::map<std::uint32_t, std::uint64_t>;

  StoredBytes() = default;
  explicit StoredBytes(ByNode moved) : moved_(std::move(moved)) {}

  // Tickets ascend; 0 is of what was found in the packs at start.
  void add(std::uint64_t ticket, std::uint32_t node, std::uint64_t bytes);
  void drop_after(std::uint64_t ticket);
  std::uint64_t of(std::uint32_t node) const;

  // What the catalog will say when it has everything up to this ticket; then moved() says that it has.
  ByNode up_to(std::uint64_t ticket) const;
  void moved(std::uint64_t ticket);

 private:
  struct Entry {
    std::uint32_t node = 0;
    std::uint64_t bytes = 0;
  };
  ByNode moved_;                                 // in the catalog
  ByNode pending_;                               // the sums of entries_
  std::multimap<std::uint64_t, Entry> entries_;  // by ticket
};

}  // namespace rb
