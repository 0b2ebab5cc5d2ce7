// What disks do to files, decided by a seed.
#pragma once

#include <optional>
#include <random>
#include <string>

#include "base/bytes.h"

namespace rb::test {

class Damager {
 public:
  explicit Damager(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  template <typename Container>
  const auto& one_of(const Container& list) {
    return list[below(list.size())];
  }

  // Flipped bits, lost sectors, runs of them, a sector written to the wrong place, a lost end; rarely the
  // whole file (nothing). What it gives differs from what it gets. Requires: not empty.
  std::optional<Bytes> damage(const Bytes& whole);
  // The same between two offsets, the length unchanged.
  Bytes damage_within(const Bytes& whole, std::size_t begin, std::size_t end);
  // What was done last, in words.
  const std::string& what() const { return what_; }

 private:
  Bytes attempt(const Bytes& whole);
  void flip(Bytes& bytes, std::size_t begin, std::size_t end);
  void overwrite(Bytes& bytes, std::size_t begin, std::size_t end);

  std::mt19937_64 random_;
  std::string what_;
};

}  // namespace rb::test
