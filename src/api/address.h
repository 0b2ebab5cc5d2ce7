// HOST:PORT, as links, options and configurations write it; an IPv6 host stands in brackets. Says whether the
// form is right and nothing else: resolving is the transport's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rb::api {

struct Address {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  bool operator==(const Address&) const = default;
};

// Nothing for anything that is no address. Port 0 ("take a free one") is one.
std::optional<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);

}  // namespace rb::api
