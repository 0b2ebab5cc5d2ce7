// Many clients in one process: the client's library as it is, a run each, at most so many at a time.
//
//   load_generator CLIENTS AT-ONCE
//
// CLIENTS is a file with a line for each client: its server (`unix:PATH`, or `joined:DIR` with what `rbbackup
// join` wrote there), its cache directory and the path to back up, separated by tabs. When everything is
// prepared it writes a line "ready", waits for a line on its standard input, and runs all of them once. Then
// one JSON object: how many succeeded, the seconds of all and of the median and slowest run; what failed goes
// to standard error.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>

#include "backup/backup.h"
#include "cli/joined_server.h"
#include "net/remote_store.h"

namespace rb {
namespace {

struct ClientSpec {
  std::string server, cache, tree;
};

std::vector<ClientSpec> read_clients(const std::string& path) {
  std::vector<ClientSpec> clients;
  std::ifstream file(path);
  ClientSpec client;
  while (std::getline(file, client.server, '\t') && std::getline(file, client.cache, '\t') &&
         std::getline(file, client.tree)) {
    clients.push_back(client);
  }
  return clients;
}

// The program's own defaults would be two connections for data; a small tree has no use for the second.
Result<net::RemoteOptions> remote_options(const ClientSpec& client) {
  net::RemoteOptions options;
  options.connections = 1;
  options.window_bytes = 4 << 20;
  options.patience = std::chrono::minutes(5);
  if (client.server.starts_with("unix:")) {
    options.socket_path = client.server.substr(5);
    return options;
  }
  RB_TRY(const auto joined, cli::JoinedServerFile(client.server.substr(7)).load());
  if (!joined) return fail(Errc::not_found, client.server + ": not joined");
  options.address = joined->address;
  options.pins = joined->pins;
  options.credential = joined->credential;
  return options;
}

Status back_up(const ClientSpec& client) {
  RB_TRY(const net::RemoteOptions remote, remote_options(client));
  const std::unique_ptr<Store> store = net::make_remote_store(remote);
  BackupOptions options;
  options.paths = {client.tree};
  options.recursive = true;
  options.cache_directory = client.cache;
  options.threads = 1;
  const SystemClock clock;
  RB_TRY(const BackupReport report, BackupRun(*store, options, {}, clock).run());
  if (report.incomplete) return fail(Errc::io, "some files could not be read");
  return {};
}

// Linux gives a process few buckets for the threads that wait in it, and searches them one by one: a thousand
// clients that were processes of their own would not share them. Older kernels have one table for all, and
// refuse this.
void ask_for_futex_buckets() {
  constexpr int kFutexHash = 78, kSetSlots = 1;  // of linux/prctl.h since Linux 6.16
  ::prctl(kFutexHash, kSetSlots, 4096UL, 0UL, 0UL);
}

struct Outcome {
  std::size_t succeeded = 0;
  std::vector<double> seconds;
};

Outcome run_all(const std::vector<ClientSpec>& clients, std::size_t at_once) {
  Outcome outcome;
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < clients.size(); i = next++) {
      const auto began = std::chrono::steady_clock::now();
      const Status status = back_up(clients[i]);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      const std::lock_guard lock(mutex);
      outcome.seconds.push_back(took.count());
      outcome.succeeded += status.has_value();
      if (!status) fmt::print(stderr, "{}: {}\n", clients[i].tree, status.error().message);
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min(at_once, clients.size()); ++i)
    threads.emplace_back(work);
  threads.clear();
  std::sort(outcome.seconds.begin(), outcome.seconds.end());
  return outcome;
}

}  // namespace
}  // namespace rb

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: load_generator CLIENTS AT-ONCE\n");
    return 2;
  }
  const auto clients = rb::read_clients(argv[1]);
  if (clients.empty()) {
    std::fprintf(stderr, "load_generator: no clients in %s\n", argv[1]);
    return 2;
  }
  rb::ask_for_futex_buckets();
  fmt::print("ready\n");
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  const auto began = std::chrono::steady_clock::now();
  const rb::Outcome outcome = rb::run_all(clients, static_cast<std::size_t>(std::atol(argv[2])));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("{{\"clients\":{},\"succeeded\":{},\"seconds\":{:.3f},\"median\":{:.3f},\"slowest\":{:.3f}}}\n",
             clients.size(), outcome.succeeded, took.count(), outcome.seconds[outcome.seconds.size() / 2],
             outcome.seconds.back());
  return outcome.succeeded == clients.size() ? 0 : 1;
}
