// What `rbbackup join` leaves behind: which server this user's backups go to, the keys it may have, and the
// credential that makes us a node of it. Two files of the configuration directory, each mode 0600 and
// replaced whole: server.json is in force; joining.json is a join under way, written before the server is
// asked, so that one whose answer was lost can be repeated with the same credential, which the server answers
// alike. An earlier join stays in force until the new one has succeeded.
//
// A file that others can read or change is refused: whoever reads it can pose as this node. A damaged one is
// an error, never taken for none: the backup would go to some other server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/join_link.h"

namespace rb::cli {

// The present key of the server and the next one it has announced.
inline constexpr std::size_t kMaxPins = 2;

struct JoinedServer {
  std::string address;            // HOST:PORT
  std::string node, group;        // as they were when we joined: labels, the server knows better
  std::vector<api::KeyPin> pins;  // 1 to kMaxPins, oldest first
  Credential credential;
  bool operator==(const JoinedServer&) const = default;
};

// `directory` is config_directory(); "" (no home) has no file, and can't get one. Calls of several processes
// at once leave one of their results.
class JoinedServerFile {
 public:
  explicit JoinedServerFile(std::string directory) : directory_(std::move(directory)) {}

  std::string path() const { return directory_ + "/server.json"; }

  // Nothing: never joined.
  Result<std::optional<JoinedServer>> load() const;

  // The credential to redeem `link` with: the one that an earlier attempt with this very link has drawn, else
  // a new one, on stable storage when this returns.
  Result<Credential> draw_credential(const api::JoinLink& link) const;
  // Puts `server` in force and ends the join under way.
  Status save(const JoinedServer& server) const;

  // Trusts these keys from now on. Does nothing unless `joined` is what is in force still, pins included:
  // somebody else has changed them meanwhile, or joined anew.
  Status replace_pins(const JoinedServer& joined, const std::vector<api::KeyPin>& pins) const;

 private:
  std::string pending_path() const { return directory_ + "/joining.json"; }
  Status store(const JoinedServer& server) const;

  const std::string directory_;
};

// The file's text. Decoding is strict about what it needs and ignores the rest.
std::string encode_joined_server(const JoinedServer& server);
Result<JoinedServer> decode_joined_server(std::string_view text);

// Where a server can be: HOST:PORT, an IPv6 host in brackets, port 0 excluded.
bool valid_host_port(std::string_view text);

}  // namespace rb::cli
