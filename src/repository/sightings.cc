#include "repository/sightings.h"

#include <algorithm>

namespace rb {

namespace {

// Labels are a client's, and are shown to people.
constexpr std::size_t kLabelBytesMax = 128;
constexpr std::size_t kBootIdBytesMax = 64;  // the kernel's has 36
constexpr std::size_t kBootsMax = 16;
// Machines that back up once a week still alternate within this; after it the episode counts as over.
constexpr std::chrono::hours kEpisode{24 * 14};

std::string label_of(const std::string& given) {
  std::string label = given.substr(0, kLabelBytesMax);
  std::ranges::replace_if(
      label, [](char c) { return c < ' ' || c > '~'; }, '?');
  return label;
}

}  // namespace

// A boot id that is none says nothing.
bool Sightings::alternates(Seen& seen, const std::string& boot_id) {
  if (boot_id.empty() || boot_id.size() > kBootIdBytesMax) return false;
  if (!seen.boots.empty() && seen.boots.back() == boot_id) return false;
  const auto earlier = std::ranges::find(seen.boots, boot_id);
  const bool known = earlier != seen.boots.end();
  if (known) seen.boots.erase(earlier);
  seen.boots.push_back(boot_id);
  if (seen.boots.size() > kBootsMax) seen.boots.pop_front();
  return known;
}

bool Sightings::is_cloned(const Seen& seen, std::chrono::nanoseconds now) {
  return seen.alternated && now - *seen.alternated < kEpisode;
}

Sightings::Clone Sightings::note(std::uint32_t node, const BeginRequest& request, const Timestamp& wall,
                                 std::chrono::nanoseconds monotonic) {
  const std::lock_guard lock(mutex_);
  Seen& seen = seen_[node];
  seen.last = {.address = label_of(request.client_address),
               .client_version = label_of(request.client_version),
               .seen = wall};
  const bool was_cloned = is_cloned(seen, monotonic);
  if (alternates(seen, request.boot_id)) seen.alternated = monotonic;
  if (!is_cloned(seen, monotonic)) return Clone::none;
  return was_cloned ? Clone::known : Clone::noticed;
}

std::optional<Sighting> Sightings::last(std::uint32_t node, std::chrono::nanoseconds monotonic) const {
  const std::lock_guard lock(mutex_);
  const auto seen = seen_.find(node);
  if (seen == seen_.end()) return std::nullopt;
  Sighting last = seen->second.last;
  last.cloned = is_cloned(seen->second, monotonic);
  return last;
}

void Sightings::forget(std::uint32_t node) {
  const std::lock_guard lock(mutex_);
  seen_.erase(node);
}

}  // namespace rb
