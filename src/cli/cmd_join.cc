// rbbackup join
#include <algorithm>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/joined_server.h"
#include "cli/locations.h"
#include "cli/text.h"
#include "net/remote_join.h"

namespace rb::cli {

namespace {

constexpr std::string_view kJoinHelp =
    R"(rbbackup join: makes this machine, for the user who types it, a node of a server; backups go there from now on.

  rbbackup join LINK              LINK: what 'rbbackupd DIR invite NODE' printed on the server; good for once
  rbbackup join -                 reads it from standard input, so that no list of processes shows it
      --force                     also when another server was joined before; its credential here is lost
  rbbackup join --new-address HOST:PORT
                                  the server that was joined is there now (it must have the same key)
      --json, -q

The credential is kept in /etc/rbbackup/server.json for root, else in ~/.config/rbbackup/server.json.
)";

struct JoinArguments {
  CommonOptions common;
  std::string link, new_address;
  bool force = false;
};

// Far above any link: a whole file piped in by mistake need not fit.
constexpr std::size_t kMaxLinkBytes = 4096;

// A link comes from a mail or a chat, with what the mouse caught around it.
std::string trimmed(std::string text) {
  const auto is_space = [](unsigned char c) { return c <= ' '; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  return text;
}

std::string read_standard_input() {
  std::string text(kMaxLinkBytes, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  return text;
}

// Whether `link` leads to the server that was joined: the key tells, whatever its address.
bool is_same_server(const JoinedServer& joined, const api::JoinLink& link) {
  return std::find(joined.pins.begin(), joined.pins.end(), link.pin) != joined.pins.end();
}

Status may_replace(const JoinedServerFile& file, const api::JoinLink& link, Terminal& terminal) {
  const auto joined = file.load();
  if (!joined) {
    // Joining is the cure for a file that is damaged or was open to others.
    terminal.note(joined.error().message);
    return {};
  }
  if (!*joined || is_same_server(**joined, link)) return {};
  return fail(
      Errc::invalid_argument,
      fmt::format("this user has joined https://{} as node {}, which is another server; to leave it for "
                  "the one of this link, add --force",
                  (*joined)->address, printable((*joined)->node)));
}

net::RemoteOptions options_for(Terminal& terminal) {
  net::RemoteOptions options;
  options.on_notice = [&terminal](const std::string& text) { terminal.note(text); };
  return options;
}

Result<JoinedServer> join(const JoinArguments& a, Terminal& terminal) {
  RB_TRY(const api::JoinLink link,
         api::decode_join_link(trimmed(a.link == "-" ? read_standard_input() : a.link)));
  if (!valid_host_port(link.address))
    return fail(Errc::invalid_argument, "the link's address is no HOST:PORT");
  const JoinedServerFile file(config_directory());
  if (!a.force) RB_TRY(may_replace(file, link, terminal));
  RB_TRY(const Credential credential, file.draw_credential(link));
  // From here on the same link gives the same credential, whatever happens on the way.
  RB_TRY(JoinAnswer answer, net::remote_join(link, credential, options_for(terminal)));
  JoinedServer server;
  server.address = link.address;
  server.node = std::move(answer.node);
  server.group = std::move(answer.group);
  server.pins = {link.pin};
  server.credential = credential;
  RB_TRY(file.save(server));
  if (answer.has_history) terminal.note("this node has a history already: see 'rbbackup log'");
  return server;
}

// The key decides whether it is the same server, so asking it something under our credential proves both.
Result<JoinedServer> move_to(const std::string& address, Terminal& terminal) {
  if (!valid_host_port(address))
    return fail(Errc::invalid_argument, fmt::format("'{}' is no HOST:PORT", address));
  const JoinedServerFile file(config_directory());
  RB_TRY(auto joined, file.load());
  if (!joined) return fail(Errc::invalid_argument, "no server was joined yet: 'rbbackup join LINK'");
  joined->address = address;
  const NoticeSink notice = [&terminal](const std::string& text) { terminal.note(text); };
  RB_TRY(const auto connection, connect_joined(*joined, notice));
  RB_TRY(const auto session, begin_reading(*connection.store, notice));
  joined->node = session->info().node;
  RB_TRY(file.save(*joined));
  return *joined;
}

void show(Terminal& terminal, const JoinedServer& server) {
  if (terminal.json()) {
    const nlohmann::json line = {{"type", "summary"},
                                 {"server", "https://" + server.address},
                                 {"node", server.node},
                                 {"group", server.group}};
    return terminal.object(line);
  }
  if (terminal.verbosity() == Verbosity::quiet) return;
  const std::string group = server.group.empty() ? "" : fmt::format(", group {}", printable(server.group));
  terminal.result(
      fmt::format("joined https://{} as node {}{}", server.address, printable(server.node), group));
}

}  // namespace

int cmd_join(Arguments arguments) {
  JoinArguments a;
  CLI::App app;
  app.add_flag("--json", a.common.json);
  app.add_flag("-q,--quiet", a.common.quiet);
  app.add_flag("-v,--verbose", a.common.verbose);
  app.add_flag("--force", a.force);
  auto* new_address = app.add_option("--new-address", a.new_address);
  app.add_option("LINK", a.link)->excludes(new_address);
  if (const auto status = parse(app, std::move(arguments), kJoinHelp)) return *status;
  Terminal terminal(a.common.verbosity(), a.common.json);
  if (a.link.empty() && a.new_address.empty()) {
    terminal.error("join what? 'rbbackup join LINK', with the link that 'rbbackupd DIR invite NODE' printed");
    return kUsage;
  }
  const auto server = a.link.empty() ? move_to(a.new_address, terminal) : join(a, terminal);
  if (!server) return report(terminal, server.error());
  show(terminal, *server);
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace rb::cli
