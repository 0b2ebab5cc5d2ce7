#include "cli/connection.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/locations.h"
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

Result<Connection> open_directory(ServerAddress address) {
  RB_TRY(auto repository, LocalRepository::open(address.value, {}));
  RB_TRY(auto store, repository->store_for(calling_user()));
  return Connection{std::move(address), std::move(repository), std::move(store)};
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
  if (auto host = after("https://")) return ServerAddress{ServerAddress::Kind::https, *host};
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
  const std::string own = user_socket();
  if (!own.empty() && exists(own)) return ServerAddress{ServerAddress::Kind::unix_socket, own};
  return ServerAddress{ServerAddress::Kind::unix_socket, kSystemSocket};
}

Result<Connection> connect(const std::string& server_option, const NoticeSink& on_notice) {
  RB_TRY(auto address, find_server(server_option));
  switch (address.kind) {
    case ServerAddress::Kind::directory:
      return open_directory(std::move(address));
    case ServerAddress::Kind::https:
      return fail(Errc::unsupported, "https:// servers come with a later version; use unix:PATH or file:DIR");
    case ServerAddress::Kind::unix_socket:
      break;
  }
  net::RemoteOptions options;
  options.socket_path = address.value;
  options.on_notice = on_notice;
  auto store = net::make_remote_store(std::move(options));
  return Connection{std::move(address), nullptr, std::move(store)};
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
