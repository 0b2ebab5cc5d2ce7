#include "cli/joined_server.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "api/address.h"
#include "base/hash.h"
#include "base/random.h"
#include "cli/private_file.h"

namespace rb::cli {

namespace {

using nlohmann::json;

constexpr int kFileVersion = 1;
constexpr std::size_t kMaxFileBytes = 64 << 10;
constexpr std::size_t kMaxLabelBytes = 1024;
constexpr char kLockName[] = ".lock";

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Errc::corrupt, fmt::format("it is damaged ({})", what));
}

Result<json> parse_object(std::string_view text) {
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return damaged("no JSON object");
  const auto version = value.find("version");
  if (version == value.end() || !version->is_number_integer()) return damaged("no version");
  if (*version != kFileVersion) {
    return fail(Errc::unsupported, "another version of rbbackup wrote it");
  }
  return value;
}

Result<std::string> text_field(const json& object, const char* name) {
  const auto field = object.find(name);
  if (field == object.end() || !field->is_string()) return damaged(fmt::format("no {}", name));
  auto text = field->get<std::string>();
  if (text.size() > kMaxLabelBytes) return damaged(fmt::format("{} is too long", name));
  return text;
}

template <typename Id>
Result<Id> id_field(const json& object, const char* name) {
  RB_TRY(const std::string hex, text_field(object, name));
  const std::optional<Id> id = id_from_hex<Id>(hex);
  if (!id) return damaged(fmt::format("{} is none", name));
  return *id;
}

json credential_json(const Credential& credential) {
  return {{"id", to_hex(credential.id)}, {"secret", to_hex(credential.secret)}};
}

Result<Credential> credential_field(const json& object) {
  const auto field = object.find("credential");
  if (field == object.end() || !field->is_object()) return damaged("no credential");
  RB_TRY(const auto id, id_field<CredentialId>(*field, "id"));
  RB_TRY(const auto secret, id_field<SecretKey>(*field, "secret"));
  return Credential{id, secret};
}

Result<std::vector<api::KeyPin>> pins_field(const json& object) {
  const auto field = object.find("pins");
  if (field == object.end() || !field->is_array()) return damaged("no pins");
  if (field->empty() || field->size() > kMaxPins) return damaged("the number of pins");
  std::vector<api::KeyPin> pins;
  for (const json& item : *field) {
    const auto pin = item.is_string() ? id_from_hex<api::KeyPin>(item.get<std::string>()) : std::nullopt;
    if (!pin) return damaged("a pin is none");
    pins.push_back(*pin);
  }
  return pins;
}

// Names a link without holding its secret.
Digest fingerprint(const api::JoinLink& link) {
  return hash(as_bytes(api::encode_join_link(link)));
}

// The credential of the join under way, if it was for this link. A damaged file is no join under way: all it
// could have saved is the answer to an invitation that can be made anew.
std::optional<Credential> drawn_before(std::string_view text, const Digest& link) {
  const auto object = parse_object(text);
  if (!object) return std::nullopt;
  const auto for_link = id_field<Digest>(*object, "link");
  const auto credential = credential_field(*object);
  if (!for_link || !credential || *for_link != link) return std::nullopt;
  return *credential;
}

Status need_directory(const std::string& directory) {
  if (!directory.empty()) return {};
  return fail(Errc::invalid_argument, "no place for the configuration: set HOME or XDG_CONFIG_HOME");
}

}  // namespace

bool valid_host_port(std::string_view text) {
  const auto address = api::parse_address(text);
  return address && address->port != 0;
}

std::string encode_joined_server(const JoinedServer& server) {
  json pins = json::array();
  for (const api::KeyPin& pin : server.pins)
    pins.push_back(to_hex(pin));
  const json object = {{"version", kFileVersion}, {"address", server.address},
                       {"node", server.node},     {"group", server.group},
                       {"pins", std::move(pins)}, {"credential", credential_json(server.credential)}};
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<JoinedServer> decode_joined_server(std::string_view text) {
  RB_TRY(const json object, parse_object(text));
  JoinedServer server;
  RB_TRY(server.address, text_field(object, "address"));
  if (!valid_host_port(server.address)) return damaged("address is no HOST:PORT");
  RB_TRY(server.node, text_field(object, "node"));
  RB_TRY(server.group, text_field(object, "group"));
  RB_TRY(server.pins, pins_field(object));
  RB_TRY(server.credential, credential_field(object));
  return server;
}

Result<std::optional<JoinedServer>> JoinedServerFile::load() const {
  if (directory_.empty()) return std::optional<JoinedServer>();
  RB_TRY(const auto text, read_private_file(path(), kMaxFileBytes));
  if (!text) return std::optional<JoinedServer>();
  auto server = decode_joined_server(*text);
  if (!server) {
    Error error = server.error().with(path());
    error.message += "; join again with a new invitation";
    return std::unexpected(std::move(error));
  }
  return std::optional(std::move(*server));
}

Result<Credential> JoinedServerFile::draw_credential(const api::JoinLink& link) const {
  RB_TRY(need_directory(directory_));
  RB_TRY(const UniqueFd lock, lock_directory(directory_, kLockName));
  const Digest name = fingerprint(link);
  // One that can't be trusted is no join under way either, and replaced.
  const auto text = read_private_file(pending_path(), kMaxFileBytes);
  if (text && *text) {
    if (const auto before = drawn_before(**text, name)) return *before;
  }
  const Credential drawn{random_id<CredentialId>(), random_id<SecretKey>()};
  const json object = {
      {"version", kFileVersion}, {"link", to_hex(name)}, {"credential", credential_json(drawn)}};
  RB_TRY(write_private_file(pending_path(), object.dump(2) + "\n"));
  return drawn;
}

Status JoinedServerFile::store(const JoinedServer& server) const {
  return write_private_file(path(), encode_joined_server(server));
}

Status JoinedServerFile::save(const JoinedServer& server) const {
  RB_TRY(need_directory(directory_));
  RB_TRY(const UniqueFd lock, lock_directory(directory_, kLockName));
  RB_TRY(store(server));
  // Left behind it would do no harm: it counts for its own link only.
  (void)::unlink(pending_path().c_str());
  return {};
}

Status JoinedServerFile::replace_pins(const JoinedServer& joined,
                                      const std::vector<api::KeyPin>& pins) const {
  RB_ASSERT(!pins.empty() && pins.size() <= kMaxPins);
  RB_TRY(const UniqueFd lock, lock_directory(directory_, kLockName));
  RB_TRY(auto now, load());
  if (!now || *now != joined) return {};
  now->pins = pins;
  return store(*now);
}

}  // namespace rb::cli
