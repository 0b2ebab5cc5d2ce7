#include "api/join_link.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "api/address.h"
#include "base/hash.h"

namespace rb::api {

namespace {

constexpr std::string_view kScheme = "rbbackup://";
constexpr std::string_view kBearer = "Bearer ";
// With six bytes the code is a multiple of three bytes, so that base64 has no spare bits; a mistyped link
// passes once in 2^48 times.
constexpr std::size_t kChecksumBytes = 6;
constexpr std::size_t kCodeBytes = KeyPin::kSize + CredentialId::kSize + SecretKey::kSize + kChecksumBytes;
static_assert(kCodeBytes % 3 == 0);
constexpr std::size_t kCodeDigits = kCodeBytes / 3 * 4;
constexpr std::size_t kMaxLinkBytes = 1024;

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Requires: bytes.size() % 3 == 0.
std::string to_base64url(ByteView bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group = static_cast<unsigned>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6)
      out += kDigits[(group >> shift) & 63];
  }
  return out;
}

// Requires: text.size() % 4 == 0.
std::optional<Bytes> from_base64url(std::string_view text) {
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    unsigned group = 0;
    for (const char c : text.substr(i, 4)) {
      const std::size_t value = kDigits.find(c);
      if (value == std::string_view::npos) return std::nullopt;
      group = group << 6 | static_cast<unsigned>(value);
    }
    for (int shift = 16; shift >= 0; shift -= 8)
      out.push_back(static_cast<std::uint8_t>(group >> shift));
  }
  return out;
}

// Over everything that stands before it, address and node included: a slip in any of them would otherwise
// show as a server that is not there or not ours.
std::array<std::uint8_t, kChecksumBytes> checksum_of(std::string_view address_and_node, ByteView secret) {
  static const HashKey key = derive_key("rbbackup v0 join link checksum", {});
  Hasher hasher(key);
  hasher.update(as_bytes(address_and_node)).update(secret);
  std::array<std::uint8_t, kChecksumBytes> sum;
  std::copy_n(hasher.digest().bytes.begin(), sum.size(), sum.begin());
  return sum;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::unexpected<Error> no_link() {
  return fail(Errc::invalid_argument,
              "this is no link: one looks like rbbackup://HOST:PORT/NODE#CODE, as 'rbbackupd DIR invite "
              "NODE' prints it");
}

std::unexpected<Error> mistyped() {
  return fail(Errc::invalid_argument,
              "the link is mistyped or incomplete: copy all of it, from 'rbbackup://' to its end");
}

}  // namespace

std::string encode_join_link(const JoinLink& link) {
  const std::string place = link.address + "/" + link.node;
  Bytes code;
  append(code, link.pin.view());
  append(code, link.invitation.id.view());
  append(code, link.invitation.secret.view());
  append(code, checksum_of(place, code));
  return fmt::format("{}{}#{}", kScheme, place, to_base64url(code));
}

// The text holds a secret, so no error repeats any of it.
Result<JoinLink> decode_join_link(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kScheme)) return no_link();
  text.remove_prefix(kScheme.size());
  const std::size_t slash = text.find('/');
  const std::size_t mark = text.find('#');
  const bool has_parts = mark != std::string_view::npos && slash < mark;
  if (!has_parts || text.size() > kMaxLinkBytes || text.size() - mark - 1 != kCodeDigits) return mistyped();
  const std::optional<Bytes> code = from_base64url(text.substr(mark + 1));
  if (!code) return mistyped();
  const ByteView sum = ByteView(*code).last(kChecksumBytes);
  if (!std::ranges::equal(
          sum, checksum_of(text.substr(0, mark), ByteView(*code).first(kCodeBytes - kChecksumBytes))))
    return mistyped();
  JoinLink link;
  link.address = text.substr(0, slash);
  link.node = text.substr(slash + 1, mark - slash - 1);
  ByteView rest = *code;
  link.pin = KeyPin::from(rest.first(KeyPin::kSize));
  rest = rest.subspan(KeyPin::kSize);
  link.invitation.id = CredentialId::from(rest.first(CredentialId::kSize));
  rest = rest.subspan(CredentialId::kSize);
  link.invitation.secret = SecretKey::from(rest.first(SecretKey::kSize));
  // Its checksum is right, so somebody made it so.
  if (!parse_address(link.address) || !valid_node_name(link.node)) return no_link();
  return link;
}

std::string encode_authorization(const Credential& credential) {
  return std::string(kBearer) + to_hex(credential.id) + to_hex(credential.secret);
}

std::optional<Credential> decode_authorization(std::string_view value) {
  const auto same_letter = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  // The scheme's name is case-insensitive (RFC 9110, 11.1).
  if (value.size() < kBearer.size()) return std::nullopt;
  if (!std::ranges::equal(value.substr(0, kBearer.size()), kBearer, same_letter)) return std::nullopt;
  const std::string_view digits = value.substr(kBearer.size());
  constexpr std::size_t kIdDigits = 2 * CredentialId::kSize;
  if (digits.size() != kIdDigits + 2 * SecretKey::kSize) return std::nullopt;
  const auto id = id_from_hex<CredentialId>(digits.substr(0, kIdDigits));
  const auto secret = id_from_hex<SecretKey>(digits.substr(kIdDigits));
  if (!id || !secret) return std::nullopt;
  return Credential{*id, *secret};
}

}  // namespace rb::api
