#include "cli/connection.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/key_keeper.h"
#include "cli/locations.h"
#include "cli/notice_store.h"
#include "net/remote_key.h"
#include "net/remote_store.h"

namespace rb::cli {

namespace {

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

LocalUser calling_user() {
  LocalUser user{.uid = ::geteuid(), .name = std::to_string(::geteuid())};
  if (const passwd* entry = ::getpwuid(user.uid)) user.name = entry->pw_name;
  return user;
}

Result<Connection> open_directory(ServerAddress address, const NoticeSink& on_notice) {
  RB_TRY(auto repository, LocalRepository::open(address.value, {}));
  RB_TRY(auto store, repository->store_for(calling_user()));
  store = make_notice_store(std::move(store), on_notice);
  return Connection{std::move(address), std::nullopt, std::move(repository), std::move(store)};
}

Connection open_socket(ServerAddress address, const NoticeSink& on_notice, std::uint64_t bytes_per_second) {
  net::RemoteOptions options;
  options.bytes_per_second = bytes_per_second;
  options.socket_path = address.value;
  options.on_notice = on_notice;
  auto store = make_notice_store(net::make_remote_store(std::move(options)), on_notice);
  return Connection{std::move(address), std::nullopt, nullptr, std::move(store)};
}

Result<Connection> open_https(const ServerAddress& address, const NoticeSink& on_notice,
                              std::uint64_t bytes_per_second) {
  RB_TRY(const auto joined, JoinedServerFile(config_directory()).load());
  if (!joined) {
    return fail(
        Errc::invalid_argument,
        fmt::format("this user has not joined {}: its administrator makes an invitation with 'rbbackupd "
                    "DIR invite NODE', and 'rbbackup join LINK' accepts it",
                    address.text()));
  }
  if (joined->address != address.value) {
    return fail(Errc::invalid_argument,
                fmt::format("this user has joined https://{}, not {}; if that is where the same server is "
                            "now: 'rbbackup join --new-address {}'",
                            joined->address, address.text(), address.value));
  }
  return connect_joined(*joined, on_notice, bytes_per_second);
}

}  // namespace

std::string ServerAddress::text() const {
  switch (kind) {
    case Kind::unix_socket:
      return "unix:" + value;
    case Kind::https:
      return "https://" + value;
    case Kind::directory:
      return "file:" + value;
  }
  return value;
}

Result<ServerAddress> parse_server_address(const std::string& text) {
  const auto after = [&](std::string_view prefix) -> std::optional<std::string> {
    if (!text.starts_with(prefix) || text.size() == prefix.size()) return std::nullopt;
    return text.substr(prefix.size());
  };
  if (auto path = after("unix:")) return ServerAddress{ServerAddress::Kind::unix_socket, *path};
  if (auto directory = after("file:")) return ServerAddress{ServerAddress::Kind::directory, *directory};
  if (auto host = after("https://"); host && valid_host_port(*host))
    return ServerAddress{ServerAddress::Kind::https, *host};
  return fail(Errc::invalid_argument,
              fmt::format("'{}' is no server address: write unix:PATH, https://HOST:PORT or file:DIR", text));
}

Result<ServerAddress> find_server(const std::string& option) {
  if (!option.empty()) return parse_server_address(option);
  if (const char* variable = std::getenv("RBBACKUP_SERVER"); variable != nullptr && *variable != '\0') {
    auto address = parse_server_address(variable);
    if (!address) return std::unexpected(address.error().with("RBBACKUP_SERVER"));
    return address;
  }
  RB_TRY(const auto joined, JoinedServerFile(config_directory()).load());
  if (joined) return ServerAddress{ServerAddress::Kind::https, joined->address};
  const std::string own = user_socket();
  if (!own.empty() && exists(own)) return ServerAddress{ServerAddress::Kind::unix_socket, own};
  return ServerAddress{ServerAddress::Kind::unix_socket, kSystemSocket};
}

Result<Connection> connect_joined(const JoinedServer& joined, const NoticeSink& on_notice,
                                  std::uint64_t bytes_per_second) {
  net::RemoteOptions options;
  options.bytes_per_second = bytes_per_second;
  options.address = joined.address;
  options.connections = net::kNetworkConnections;
  options.window_bytes = net::kNetworkWindowBytes;
  options.pins = joined.pins;
  options.credential = joined.credential;
  options.on_notice = on_notice;
  const auto keeper = std::make_shared<KeyKeeper>(
      JoinedServerFile(config_directory()), joined,
      [address = joined.address](const api::KeyPin& pin) { return net::server_has_key(address, pin); });
  options.on_next_key = [keeper](const api::KeyPin& pin) { keeper->note_announced(pin); };
  auto store = make_key_keeping_store(net::make_remote_store(std::move(options)), keeper, on_notice);
  store = make_notice_store(std::move(store), on_notice);
  return Connection{ServerAddress{ServerAddress::Kind::https, joined.address}, joined, nullptr,
                    std::move(store)};
}

Result<Connection> connect(const std::string& server_option, const NoticeSink& on_notice,
                           std::uint64_t bytes_per_second) {
  RB_TRY(auto address, find_server(server_option));
  if (address.kind == ServerAddress::Kind::https) return open_https(address, on_notice, bytes_per_second);
  if (address.kind == ServerAddress::Kind::unix_socket)
    return open_socket(std::move(address), on_notice, bytes_per_second);
  return open_directory(std::move(address), on_notice);
}

Result<std::unique_ptr<Session>> begin_reading(Store& store, const NoticeSink& on_notice) {
  BeginRequest request;
  request.run = random_id<RunId>();
  request.purpose = SessionPurpose::read;
  for (bool said = false;; said = true) {
    auto session = store.begin(request);
    if (session || session.error().code != Errc::busy) return session;
    if (!said && on_notice) on_notice("the server is busy with other clients; waiting for a turn");
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace rb::cli
