#include "backup/deletion_guard.h"

#include <fmt/format.h>

namespace rb {

namespace {

// Small directories lose half of their entries every day.
constexpr std::uint64_t kManyEntries = 100;

}  // namespace

Status DeletionGuard::check(const std::string& path, bool is_source, bool is_empty) const {
  if (lost_ == 0) return {};
  if (is_source && is_empty) {
    return fail(Errc::invalid_argument,
                fmt::format("{}: is empty, and had {} entries; nothing was changed in the copy. If that is "
                            "as it should be, repeat with --force",
                            path, had_));
  }
  if (had_ < kManyEntries || lost_ * 2 <= had_) return {};
  return fail(Errc::invalid_argument,
              fmt::format("{}: {} of {} entries are gone; nothing was changed in the copy. If that is as it "
                          "should be, repeat with --force",
                          path, lost_, had_));
}

}  // namespace rb
