#include "model/state_search.h"

#include <algorithm>

namespace rb::model {

namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::uint32_t kNone = 0xffffffff;

std::uint64_t hash_of(const State& state) {
  std::uint64_t words[sizeof(State) / 8];
  std::memcpy(words, &state, sizeof state);
  std::uint64_t hash = 0x9e3779b97f4a7c15;
  for (const std::uint64_t word : words) {
    const Wide product = static_cast<Wide>(hash ^ word) * 0xd6e8feb86659fd93;
    hash = static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
    hash = (hash ^ (hash >> 32)) * 0xff51afd7ed558ccd + 0x2545f4914f6cdd1d;
  }
  return hash == 0 ? 1 : hash;
}

// Open addressing; 0 is a free place.
class SeenStates {
 public:
  bool add(std::uint64_t hash) {
    if (size_ * 2 >= places_.size()) grow();
    const bool is_new = put(hash);
    if (is_new) ++size_;
    return is_new;
  }

 private:
  bool put(std::uint64_t hash) {
    for (std::size_t at = hash & (places_.size() - 1);; at = (at + 1) & (places_.size() - 1)) {
      if (places_[at] == hash) return false;
      if (places_[at] == 0) {
        places_[at] = hash;
        return true;
      }
    }
  }
  void grow() {
    std::vector<std::uint64_t> before(std::max<std::size_t>(1024, places_.size() * 2), 0);
    before.swap(places_);
    for (const std::uint64_t hash : before) {
      if (hash != 0) put(hash);
    }
  }
  std::vector<std::uint64_t> places_;
  std::size_t size_ = 0;
};

class Search {
 public:
  explicit Search(const Model& model) : model_(model) {}

  SearchResult run(std::uint64_t states_max) {
    visit(model_.initial(), kNone, {});
    while (!frontier_.empty() && !found_ && reached_.size() < states_max) {
      const std::vector<State> level = std::move(frontier_);
      frontier_.clear();
      std::uint32_t index = static_cast<std::uint32_t>(reached_.size() - level.size());
      for (const State& state : level)
        expand(state, index++);
      ++result_.depth;
    }
    result_.states = reached_.size();
    result_.complete = frontier_.empty() && !found_;
    return std::move(result_);
  }

 private:
  struct Reached {
    std::uint32_t from = kNone;
    Action by;
  };

  void expand(const State& state, std::uint32_t index) {
    for (const Action action : model_.all_actions()) {
      if (!Model::is_in_season(state, action)) continue;
      State next = state;
      if (!model_.take(next, action)) continue;
      ++result_.steps;
      ++result_.taken[static_cast<int>(action.act)];
      model_.make_canonical(next);
      visit(next, index, action);
      if (found_) return;
    }
  }

  void visit(const State& state, std::uint32_t from, Action by) {
    if (!seen_.add(hash_of(state))) return;
    reached_.push_back({from, by});
    frontier_.push_back(state);
    auto violation = model_.find_violation(state);
    if (!violation && !model_.collector_can_move(state)) violation = "the collector is stuck";
    if (!violation && Model::is_quiet(state)) violation = model_.find_leak(state);
    if (!violation) return;
    found_ = true;
    result_.violation = *violation;
    for (std::uint32_t at = static_cast<std::uint32_t>(reached_.size() - 1); at != 0; at = reached_[at].from)
      result_.way.push_back(reached_[at].by);
    std::reverse(result_.way.begin(), result_.way.end());
  }

  const Model& model_;
  SeenStates seen_;
  std::vector<Reached> reached_;
  std::vector<State> frontier_;
  bool found_ = false;
  SearchResult result_;
};

}  // namespace

SearchResult search(const Model& model, std::uint64_t states_max) {
  return Search(model).run(states_max);
}

std::string SearchResult::describe(const Model& model) const {
  std::string text = std::to_string(states) + " states, " + std::to_string(steps) + " steps, depth " +
                     std::to_string(depth) + (complete ? "" : ", not complete");
  if (!violation.empty()) text += "; " + violation;
  for (const Action action : way)
    text += "\n  " + model.describe(action);
  return text;
}

}  // namespace rb::model
