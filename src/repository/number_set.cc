#include "repository/number_set.h"

#include <algorithm>

namespace rb {

namespace {
constexpr std::size_t kRecentMax = 4096;  // sorting them in costs little more than one pass over the runs
}

void NumberSet::add(std::uint64_t number) {
  if (!recent_.empty()) {
    Run& latest = recent_.back();
    if (number >= latest.first && number <= latest.last) return;
    if (number == latest.last + 1) {
      latest.last = number;
      return;
    }
  }
  recent_.push_back({number, number});
  if (recent_.size() >= kRecentMax) absorb_recent();
}

void NumberSet::add(std::span<const std::uint64_t> numbers) {
  for (const std::uint64_t number : numbers)
    add(number);
}

bool NumberSet::contains(std::uint64_t number) const {
  const auto holds = [number](const Run& run) { return run.first <= number && number <= run.last; };
  if (std::any_of(recent_.begin(), recent_.end(), holds)) return true;
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), number,
                                      [](std::uint64_t n, const Run& run) { return n < run.first; });
  return after != runs_.begin() && holds(*std::prev(after));
}

std::vector<NumberSet::Run> NumberSet::runs() const {
  std::vector<Run> all = runs_;
  all.insert(all.end(), recent_.begin(), recent_.end());
  return all;
}

void NumberSet::absorb_recent() {
  runs_.insert(runs_.end(), recent_.begin(), recent_.end());
  recent_.clear();
  std::sort(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (const Run& run : runs_) {
    if (kept > 0 && run.first <= runs_[kept - 1].last + 1) {
      runs_[kept - 1].last = std::max(runs_[kept - 1].last, run.last);
    } else {
      runs_[kept++] = run;
    }
  }
  runs_.resize(kept);
  if (runs_.size() > runs_max_) join_nearest();
}

// Closes the smallest gaps, until half of the allowed runs are left: then there is room for a while.
void NumberSet::join_nearest() {
  std::vector<std::uint64_t> gaps;
  gaps.reserve(runs_.size() - 1);
  for (std::size_t i = 1; i < runs_.size(); ++i)
    gaps.push_back(runs_[i].first - runs_[i - 1].last);
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() - runs_max_ / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  const std::uint64_t closed = *middle;
  std::size_t kept = 1;
  for (std::size_t i = 1; i < runs_.size(); ++i) {
    if (runs_[i].first - runs_[kept - 1].last <= closed) {
      runs_[kept - 1].last = runs_[i].last;
    } else {
      runs_[kept++] = runs_[i];
    }
  }
  runs_.resize(kept);
}

}  // namespace rb
