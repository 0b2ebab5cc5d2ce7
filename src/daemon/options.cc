#include "daemon/options.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "api/address.h"
#include "daemon/quantity.h"

namespace rb::daemon {

namespace {

constexpr std::string_view kHelp = R"(rbbackupd: keeps the backups that rbbackup makes.

  rbbackupd DIR [options]
      serves the repository in DIR, and creates it when DIR is new or empty

      --listen ADDR:PORT  listen on TCP, with TLS 1.3, for nodes that were invited; may be given several times
      --tls-cert FILE     a certificate and key of your own (default: DIR/tls, made when missing)
      --tls-key FILE
      --socket PATH       the Unix socket to listen on (default: $XDG_RUNTIME_DIR/rbbackupd.sock;
                          root: /run/rbbackupd.sock). Whoever calls is known by the kernel's word: root and the
                          owner of DIR share this machine's node, every other user has one of their own.
      --max-clients N     clients at work at a time (default 1000); the others wait their turn
      --log-format F      text or json
      --ready-fd FD       write a newline to FD once it listens
      -v, --verbose       log each session
      --version

      More settings are in DIR/config.toml; SIGHUP reads it and the certificate again. SIGTERM and SIGINT stop
      the server after the requests under way; after a crash just start it again.

  rbbackupd DIR invite NODE [--group GROUP] [--expires 1h] [--address HOST:PORT]
      prints a link with which 'rbbackup join LINK' makes another machine the node NODE, once. An existing node
      gets its history back on a new machine, and its old credential holds no more. Nodes of one group store
      what they have in common once.
  rbbackupd DIR nodes [--json]
  rbbackupd DIR remove NODE         lets NODE in no more; its copies stay
  rbbackupd DIR rename OLD NEW
  rbbackupd DIR new-key             makes the next TLS key; clients learn of it with each backup
  rbbackupd DIR new-key --switch    uses it from now on
  rbbackupd DIR admin-token [--name NAME]
      prints a token for /metrics, /healthz and administration over the network, this once
  rbbackupd DIR admin-tokens [--json]            the tokens that hold, by their ids and names
  rbbackupd DIR revoke-token ID     lets the token in no more, at once; the beginning of its id will do
  rbbackupd DIR check [--json]      whether everything is there: snapshots, references, the headers of the packs
  rbbackupd DIR check --data [--unpack] [--rate 50MiB/s]
      reads every byte of all contents too, against checksums, corrects what parity can correct, and tells which
      snapshots and files the rest belongs to; the next backups send it again. An interrupted one goes on where
      it was. With --unpack every block is unpacked as well, and each object held against its id
  rbbackupd DIR config              prints all settings, as DIR/config.toml explains them

  rbbackupd DIR snapshots [NODE] [--json]        the histories, with the deleted ones that can come back
  rbbackupd DIR prune [--node NODE] [--dry-run] [--json]
      deletes the snapshots that no rule of [retention] in DIR/config.toml keeps; --dry-run says which, and why
      the others stay. Without rules all stay. A running server does this once a day.
  rbbackupd DIR gc [--dry-run] [--json] [--though-damaged] [--damaged-copies]
      frees what no snapshot needs any more, beside backups and restores, and gives the space back; --dry-run only
      counts. A running server does this once a day. It refuses while a snapshot lacks something that may be found
      again, unless --though-damaged says to go on. --damaged-copies also removes the damaged files that repairs
      have kept, where nothing is missing any more.
  rbbackupd DIR pin|unpin NODE SNAPSHOT          keeps a snapshot whatever the rules say, or no more
  rbbackupd DIR undelete NODE SNAPSHOT           brings a deleted one back
  rbbackupd DIR stats [--json]                   how much the histories hold, by node and by age

      These ask the running server, or open DIR themselves where none runs.

Exit status: 0 done, 1 failed, 2 usage, 3 a check found damage.
)";

struct VerbForm {
  std::string_view name;
  Verb verb;
  std::size_t words;
  std::string_view usage;
  std::size_t more_words = 0;  // that may follow
};

constexpr VerbForm kVerbs[] = {
    {"invite", Verb::invite, 1, "invite NODE"},
    {"nodes", Verb::nodes, 0, "nodes"},
    {"remove", Verb::remove, 1, "remove NODE"},
    {"rename", Verb::rename, 2, "rename OLD NEW"},
    {"new-key", Verb::new_key, 0, "new-key"},
    {"admin-token", Verb::admin_token, 0, "admin-token"},
    {"admin-tokens", Verb::admin_tokens, 0, "admin-tokens"},
    {"revoke-token", Verb::revoke_token, 1, "revoke-token ID"},
    {"config", Verb::config, 0, "config"},
    {"prune", Verb::prune, 0, "prune"},
    {"snapshots", Verb::snapshots, 0, "snapshots [NODE]", 1},
    {"pin", Verb::pin, 2, "pin NODE SNAPSHOT"},
    {"unpin", Verb::unpin, 2, "unpin NODE SNAPSHOT"},
    {"undelete", Verb::undelete, 2, "undelete NODE SNAPSHOT"},
    {"stats", Verb::stats, 0, "stats"},
    {"gc", Verb::gc, 0, "gc"},
    {"check", Verb::check, 0, "check"},
};

// Words of later versions that stand behind DIR.
constexpr std::array<std::string_view, 1> kLaterVerbs = {"scrub"};

int usage(const std::string& what) {
  fmt::print(stderr, "rbbackupd: {}\nTry 'rbbackupd -h'.\n", what);
  return 2;
}

// What stands on the command line, before it is known to make sense together.
struct Line {
  Options options;
  std::vector<std::string> words;
  std::string expires, log_format, rate;
  bool wants_help = false, wants_version = false;
};

// Which verbs an option belongs to.
struct Owner {
  const char* option;
  std::vector<Verb> verbs;
};

const std::vector<Owner>& owners() {
  static const std::vector<Owner> all = {
      {"--listen", {Verb::serve}},
      {"--tls-cert", {Verb::serve}},
      {"--tls-key", {Verb::serve}},
      {"--max-clients", {Verb::serve}},
      {"--log-format", {Verb::serve}},
      {"--ready-fd", {Verb::serve}},
      {"--group", {Verb::invite}},
      {"--address", {Verb::invite}},
      {"--expires", {Verb::invite}},
      {"--json",
       {Verb::nodes, Verb::admin_tokens, Verb::check, Verb::prune, Verb::snapshots, Verb::stats, Verb::gc}},
      {"--name", {Verb::admin_token}},
      {"--node", {Verb::prune}},
      {"--dry-run", {Verb::prune, Verb::gc}},
      {"--though-damaged", {Verb::gc}},
      {"--damaged-copies", {Verb::gc}},
      {"--data", {Verb::check}},
      {"--unpack", {Verb::check}},
      {"--rate", {Verb::check}},
      {"--switch", {Verb::new_key}}};
  return all;
}

void describe(CLI::App& app, Line& line) {
  Options& options = line.options;
  app.set_help_flag();
  app.add_flag("-h,--help", line.wants_help);
  app.add_flag("--version", line.wants_version);
  app.add_option("--listen", options.listen)->allow_extra_args(false);
  app.add_option("--tls-cert", options.tls_certificate);
  app.add_option("--tls-key", options.tls_key);
  app.add_option("--socket", options.socket_path);
  app.add_option("--max-clients", options.max_clients)->check(CLI::Range(std::size_t{1}, kMaxClientsLimit));
  app.add_option("--log-format", line.log_format)->check(CLI::IsMember({"text", "json"}));
  app.add_option("--ready-fd", options.ready_fd);
  app.add_flag("-v,--verbose", options.verbose);
  app.add_option("--group", options.group);
  app.add_option("--address", options.address);
  app.add_option("--expires", line.expires);
  app.add_flag("--json", options.json);
  app.add_option("--name", options.name);
  app.add_option("--node", options.node);
  app.add_flag("--dry-run", options.dry_run);
  app.add_flag("--switch", options.switch_key);
  app.add_flag("--data", options.data);
  app.add_flag("--unpack", options.unpack);
  app.add_flag("--though-damaged", options.though_damaged);
  app.add_flag("--damaged-copies", options.damaged_copies);
  app.add_option("--rate", line.rate);
  app.add_option("DIR", line.words);
}

std::optional<std::string> take_words(Line& line) {
  std::vector<std::string>& words = line.words;
  if (words.empty()) return "which directory? usage: rbbackupd DIR";
  line.options.directory = words[0];
  if (words.size() == 1) return std::nullopt;
  for (const VerbForm& form : kVerbs) {
    if (form.name != words[1]) continue;
    line.options.verb = form.verb;
    line.options.words.assign(words.begin() + 2, words.end());
    const std::size_t count = line.options.words.size();
    if (count < form.words || count > form.words + form.more_words)
      return fmt::format("usage: rbbackupd DIR {}", form.usage);
    return std::nullopt;
  }
  const bool later = std::find(kLaterVerbs.begin(), kLaterVerbs.end(), words[1]) != kLaterVerbs.end();
  return later ? fmt::format("'{}' is a command of a later version", words[1])
               : fmt::format("what is '{}'?", words[1]);
}

std::optional<std::string> take_values(Line& line) {
  Options& options = line.options;
  for (const std::string& address : options.listen) {
    if (!api::parse_address(address))
      return fmt::format("'--listen {}' is no ADDR:PORT (an IPv6 address stands in brackets)", address);
  }
  if (options.tls_certificate.has_value() != options.tls_key.has_value())
    return "--tls-cert and --tls-key belong together";
  if (const auto address = api::parse_address(options.address);
      !options.address.empty() && (!address || address->port == 0))
    return fmt::format("'--address {}' is no HOST:PORT", options.address);
  if (!line.expires.empty()) {
    options.expires = parse_duration(line.expires);
    if (!options.expires || options.expires->count() == 0)
      return fmt::format("'--expires {}' is no time such as 30m, 1h or 2d", line.expires);
  }
  if (options.unpack && !options.data) return "'--unpack' goes with --data";
  if (!line.rate.empty()) {
    std::optional<std::uint64_t> rate = parse_rate(line.rate);
    if (!rate) rate = parse_bytes(line.rate);
    if (!rate || !options.data)
      return fmt::format("'--rate {}' is no rate such as 50MiB/s, or without --data", line.rate);
    options.rate = *rate;
  }
  if (!line.log_format.empty())
    options.log_format = line.log_format == "json" ? LogFormat::json : LogFormat::text;
  return std::nullopt;
}

std::optional<std::string> stray_option(const CLI::App& app, const Line& line) {
  for (const Owner& owner : owners()) {
    if (app.count(owner.option) == 0) continue;
    if (std::find(owner.verbs.begin(), owner.verbs.end(), line.options.verb) == owner.verbs.end())
      return fmt::format("{} does not belong to this command", owner.option);
  }
  return std::nullopt;
}

}  // namespace

std::string default_socket() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (::geteuid() != 0 && runtime != nullptr && runtime[0] == '/')
    return std::string(runtime) + "/rbbackupd.sock";
  return "/run/rbbackupd.sock";
}

std::expected<Options, int> parse_options(std::vector<std::string> arguments) {
  Line line;
  CLI::App app;
  describe(app, line);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes a stack
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage(error.what()));
  }
  if (line.wants_help) {
    fmt::print("{}", kHelp);
    return std::unexpected(0);
  }
  if (line.wants_version) {
    fmt::print("rbbackupd {}\n", RB_VERSION);
    return std::unexpected(0);
  }
  std::optional<std::string> problem = take_words(line);
  if (!problem) problem = take_values(line);
  if (!problem) problem = stray_option(app, line);
  if (problem) return std::unexpected(usage(*problem));
  return std::move(line.options);
}

Config with_options(Config config, const Options& options) {
  if (options.socket_path) config.socket = *options.socket_path;
  if (!options.listen.empty()) config.listen = options.listen;
  if (options.tls_certificate) config.tls_certificate = *options.tls_certificate;
  if (options.tls_key) config.tls_key = *options.tls_key;
  if (options.max_clients) config.max_clients = *options.max_clients;
  if (options.log_format) config.log_format = *options.log_format;
  if (options.verbose) config.log_level = "debug";
  return config;
}

}  // namespace rb::daemon
