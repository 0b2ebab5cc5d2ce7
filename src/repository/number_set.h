// A set of object numbers in bounded memory, for pins. Numbers that a session touches lie close together, so
// runs are kept instead of members; when there are too many runs, the nearest are joined. The set may so come
// to hold more than was added, never less: pinning too much is harmless. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rb {

class NumberSet {
 public:
  explicit NumberSet(std::size_t runs_max = 65536) : runs_max_(runs_max) {}

  void add(std::uint64_t number);
  void add(std::span<const std::uint64_t> numbers);
  bool contains(std::uint64_t number) const;
  std::size_t run_count() const { return runs_.size() + recent_.size(); }

  struct Run {
    std::uint64_t first = 0, last = 0;
  };
  std::vector<Run> runs() const;  // that hold all members, in any order; some may be in several

 private:
  void absorb_recent();
  void join_nearest();

  std::size_t runs_max_;
  std::vector<Run> runs_;    // ascending, never touching
  std::vector<Run> recent_;  // in the order of add
};

}  // namespace rb
