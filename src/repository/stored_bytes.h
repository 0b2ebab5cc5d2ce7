// How many bytes of blocks each node has in the packs, and in each pack, to be taken off when it goes. What
// is not settled yet is kept by ticket, as a failed sync takes it back. Not thread-safe: ObjectIndex guards
// it.
#pragma once

#include <cstdint>
#include <map>

namespace rb {

class StoredBytes {
 public:
  using ByNode = std::map<std::uint32_t, std::uint64_t>;
  using ByPack = std::map<std::uint64_t, ByNode>;

  StoredBytes() = default;
  // `packs`: what the catalog says of those that may get more.
  StoredBytes(ByNode moved, ByPack packs) : moved_(std::move(moved)), packs_(std::move(packs)) {}

  // Tickets ascend, and packs with them.
  void add(std::uint64_t ticket, std::uint64_t pack, std::uint32_t node, std::uint64_t bytes);
  void drop_after(std::uint64_t ticket);
  std::uint64_t of(std::uint32_t node) const;

  // What the catalog will say when it has everything up to this ticket; then moved() says that it has.
  ByNode up_to(std::uint64_t ticket) const;
  // Likewise, of the packs that something was added to since.
  ByPack packs_up_to(std::uint64_t ticket) const;
  void moved(std::uint64_t ticket);
  // Packs came or went: this is what the catalog says now.
  void set_moved(ByNode moved) { moved_ = std::move(moved); }

 private:
  struct Entry {
    std::uint64_t pack = 0;
    std::uint32_t node = 0;
    std::uint64_t bytes = 0;
  };
  ByNode moved_;                                 // in the catalog
  ByPack packs_;                                 // in the catalog: the latest one, and later ones
  ByNode pending_;                               // the sums of entries_
  std::multimap<std::uint64_t, Entry> entries_;  // by ticket
};

}  // namespace rb
