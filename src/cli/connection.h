// Finds the server that a command talks to, and opens it as a Store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/joined_server.h"
#include "repository/local_repository.h"
#include "store/store.h"

namespace rb::cli {

struct ServerAddress {
  enum class Kind { unix_socket, https, directory } kind = Kind::unix_socket;
  std::string value;  // a path, or HOST:PORT
  std::string text() const;
};

// `unix:PATH`, `https://HOST:PORT` or `file:DIR`.
Result<ServerAddress> parse_server_address(const std::string& text);

// From --server (when not empty), else RBBACKUP_SERVER, else what join wrote, else the user's own socket if
// it exists, else the system's.
Result<ServerAddress> find_server(const std::string& option);

// A Store and, for file:DIR, the repository behind it.
struct Connection {
  ServerAddress address;
  std::optional<JoinedServer> joined;  // for https://
  std::unique_ptr<LocalRepository> repository;
  std::unique_ptr<Store> store;
};

using NoticeSink = std::function<void(const std::string&)>;

// The store says what a server wants to have said to its user (SessionInfo::notices) on `on_notice`, each
// sentence once. At most so many bytes a second go to and come from a server; 0: no limit.
Result<Connection> connect(const std::string& server_option, const NoticeSink& on_notice,
                           std::uint64_t bytes_per_second = 0);
// The same over TLS, to a server that was joined.
Result<Connection> connect_joined(const JoinedServer& joined, const NoticeSink& on_notice,
                                  std::uint64_t bytes_per_second = 0);

// A session for reading; waits, and says so, while the server has no room.
Result<std::unique_ptr<Session>> begin_reading(Store& store, const NoticeSink& on_notice);

}  // namespace rb::cli
