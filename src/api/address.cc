#include "api/address.h"

#include <algorithm>
#include <charconv>

namespace rb::api {

namespace {

constexpr std::size_t kMaxHostBytes = 255;  // of a name in the DNS

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool stands_in_name(char c) {
  return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
}

// With a zone, as in fe80::1%eth0.
bool stands_in_ipv6(char c) {
  return stands_in_name(c) || c == ':' || c == '%';
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() > kMaxHostBytes) return std::nullopt;
  if (!std::all_of(host.begin(), host.end(), bracketed ? stands_in_ipv6 : stands_in_name))
    return std::nullopt;
  if (bracketed && host.find(':') == std::string_view::npos) return std::nullopt;
  Address address{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  return address;
}

std::string to_string(const Address& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace rb::api
