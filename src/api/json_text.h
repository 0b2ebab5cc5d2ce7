// One string of JSON, for those who write single lines and need no more of it.
#pragma once

#include <string>
#include <string_view>

namespace rb::api {

// In quotes. Bytes that are no UTF-8 are replaced.
std::string json_text(std::string_view text);

}  // namespace rb::api
