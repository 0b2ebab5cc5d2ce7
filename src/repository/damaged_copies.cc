#include "repository/damaged_copies.h"

#include <algorithm>

#include "format/pack_format.h"

namespace rb {

std::optional<std::uint64_t> damaged_copy_of(std::string_view file_name) {
  constexpr std::string_view kInfix = ".damaged-";
  const std::size_t at = file_name.rfind(kInfix);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view number = file_name.substr(at + kInfix.size());
  const bool is_number = !number.empty() && number.size() <= 4 &&
                         std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? pack_number_of(file_name.substr(0, at)) : std::nullopt;
}

Result<std::vector<DamagedCopy>> find_damaged_copies(FileSystem& fs, const std::string& packs) {
  std::vector<DamagedCopy> copies;
  RB_TRY(const std::vector<std::string> names, fs.list(packs));
  for (const std::string& name : names) {
    const std::optional<std::uint64_t> pack = damaged_copy_of(name);
    if (!pack) continue;
    DamagedCopy copy{.path = packs + "/" + name, .pack = *pack};
    RB_TRY(const auto file, fs.open(copy.path, OpenMode::read));
    RB_TRY(copy.bytes, file->size());
    copies.push_back(std::move(copy));
  }
  return copies;
}

}  // namespace rb
