#include "daemon/administrator.h"

#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/client_codec.h"
#include "daemon/opening_report.h"
#include "daemon/repository_backend.h"
#include "daemon/serve.h"
#include "format/repository_format.h"
#include "net/http_client.h"

namespace rb::daemon {

namespace {

constexpr std::uint64_t kMaxMarkerBytes = 4096;

std::string note_path(const std::string& directory) {
  return directory + "/listening";
}

// Nothing where there is no note.
std::string noted_socket(const std::string& directory) {
  const std::unique_ptr<FileSystem> files = make_posix_file_system();
  const auto exists = files->exists(note_path(directory));
  if (!exists || !*exists) return {};
  const auto text = read_file(*files, note_path(directory), kMaxMarkerBytes);
  return text ? std::string(text->begin(), text->end()) : std::string();
}

// Asks a running server.
class RemoteAdministrator final : public Administrator {
 public:
  explicit RemoteAdministrator(net::HttpTarget target) : client_(std::move(target)) {}
  Result<api::Response> ask(const api::Request& request, std::chrono::seconds patience) override {
    net::Exchange exchange;
    exchange.request = &request;
    exchange.total = patience;
    return client_.perform(exchange);
  }

 private:
  net::HttpClient client_;
};

// Holds the repository's lock as long as it lives.
class DirectAdministrator final : public Administrator {
 public:
  DirectAdministrator(std::unique_ptr<LocalRepository> repository, const std::string& directory,
                      const Config& config)
      : repository_(std::move(repository)),
        care_(*repository_, config),
        collecting_(*repository_),
        backend_(*repository_, directory, config),
        service_(backend_, clock_, {}) {
    backend_.use_care(&care_);
    collecting_.use_copy_removal([this] { return care_.remove_copies(); });
    backend_.use_collecting(&collecting_);
  }
  Result<api::Response> ask(const api::Request& request, std::chrono::seconds) override {
    return service_.handle({.uid = ::geteuid(), .address = "local"}, request);
  }

 private:
  const SystemClock clock_;
  std::unique_ptr<LocalRepository> repository_;
  Care care_;
  Collecting collecting_;
  RepositoryBackend backend_;
  api::Service service_;
};

Result<RepositoryId> repository_in(const std::string& directory) {
  const std::unique_ptr<FileSystem> files = make_posix_file_system();
  const std::string marker = directory + "/" + kRepositoryMarkerName;
  RB_TRY(const bool exists, files->exists(marker));
  if (!exists) return fail(Errc::not_found, fmt::format("there is no repository in {}", directory));
  RB_TRY(const Bytes bytes, read_file(*files, marker, kMaxMarkerBytes));
  RB_TRY(const RepositoryFormat format, decode_repository_format(bytes));
  return format.id;
}

Result<std::uint32_t> owner_of(const std::string& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return fail_errno("looking at " + directory, errno);
  return info.st_uid;
}

// Nothing where no server answers, or one that serves another repository.
Result<std::unique_ptr<Administrator>> find_server(const std::string& socket, std::uint32_t owner,
                                                   const RepositoryId& repository) {
  net::HttpTarget target;
  target.socket_path = socket;
  target.socket_owner = owner;
  std::unique_ptr<Administrator> server = std::make_unique<RemoteAdministrator>(std::move(target));
  const Result<api::Response> answer = server->ask(api::hello_request());
  if (!answer && answer.error().code == Errc::unavailable) return nullptr;
  if (!answer) return std::unexpected(answer.error());
  RB_TRY(const api::ServerHello hello, api::parse_hello(*answer));
  if (hello.repository != repository) return nullptr;
  return server;
}

// What the owner's server could not use afterwards must not be made by root.
Status check_user(const std::string& directory, std::uint32_t owner) {
  if (::geteuid() == owner) return {};
  return fail(Errc::denied,
              fmt::format("no server runs on {}, and only its owner (uid {}) can open it: run this as that "
                          "user, or start the server",
                          directory, owner));
}

}  // namespace

Result<std::unique_ptr<Administrator>> find_administrator(const Options& options, const Config& config) {
  const std::string& directory = options.directory;
  RB_TRY(const RepositoryId repository, repository_in(directory));
  RB_TRY(const std::uint32_t owner, owner_of(directory));
  const std::string socket = config.socket.empty() ? default_socket() : config.socket;
  for (const std::string& place : {socket, noted_socket(directory)}) {
    if (place.empty()) continue;
    RB_TRY(std::unique_ptr<Administrator> server, find_server(place, owner, repository));
    if (server) return server;
  }
  RB_TRY(check_user(directory, owner));
  auto opened = LocalRepository::open(directory, repository_options(config));
  if (!opened && opened.error().code == Errc::denied) {
    return fail(Errc::denied,
                fmt::format("{}, but not by a server that answers at {}: say with --socket where "
                            "it listens",
                            opened.error().message, socket));
  }
  RB_TRY(auto repository_opened, std::move(opened));
  const RepositoryReport& report = repository_opened->report();
  if (report.catalog_rebuilt) fmt::print(stderr, "{}\n", describe_rebuild(report));
  return std::make_unique<DirectAdministrator>(std::move(repository_opened), directory, config);
}

Status note_socket(const std::string& directory, const std::string& socket) {
  std::error_code problem;
  const std::string absolute = std::filesystem::absolute(socket, problem).string();
  if (problem) return fail_errno("finding " + socket, problem.value());
  const std::unique_ptr<FileSystem> files = make_posix_file_system();
  return write_file_atomically(*files, note_path(directory), as_bytes(absolute));
}

}  // namespace rb::daemon
