#include "store/node_registry.h"

#include <algorithm>

namespace rb {

namespace {

constexpr std::size_t kNodeNameMax = 64;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool may_stand_inside(char c) {
  return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool valid_node_name(std::string_view name) {
  if (name.empty() || name.size() > kNodeNameMax || name.front() == '.' || name.front() == '-') return false;
  return std::all_of(name.begin(), name.end(), may_stand_inside);
}

}  // namespace rb
