#include "daemon/options.h"

#include <gtest/gtest.h>

namespace rb::daemon {
namespace {

using std::chrono::seconds;

Options good_options(std::vector<std::string> arguments) {
  const auto options = parse_options(std::move(arguments));
  EXPECT_TRUE(options);
  return options.value_or(Options{});
}

int status_of(std::vector<std::string> arguments) {
  const auto options = parse_options(std::move(arguments));
  return options ? -1 : options.error();
}

TEST(OptionsTest, ServingNeedsADirectoryOnly) {
  const Options options = good_options({"/srv/x"});
  EXPECT_EQ(options.directory, "/srv/x");
  EXPECT_EQ(options.verb, Verb::serve);
  EXPECT_EQ(with_options({}, options), Config{});
}

TEST(OptionsTest, TheCommandLineWinsOverTheFile) {
  Config file;
  file.listen = {"1.2.3.4:1"};
  file.socket = "/file";
  file.max_clients = 5;
  const Options options =
      good_options({"--listen", "0.0.0.0:8420", "d", "--listen", "[::]:8420", "--socket", "s", "--tls-cert",
                    "c", "--tls-key", "k", "--log-format", "json", "-v"});
  EXPECT_EQ(options.directory, "d");
  const Config config = with_options(file, options);
  EXPECT_EQ(config.listen, (std::vector<std::string>{"0.0.0.0:8420", "[::]:8420"}));
  EXPECT_EQ(config.socket, "s");
  EXPECT_EQ(config.max_clients, 5u);
  EXPECT_EQ(config.tls_certificate + config.tls_key, "ck");
  EXPECT_EQ(config.log_format, LogFormat::json);
  EXPECT_EQ(config.log_level, "debug");
}

TEST(OptionsTest, VerbsStandBehindTheDirectory) {
  const Options invite =
      good_options({"d", "invite", "ana", "--group", "g", "--expires", "2h", "--address", "b:1"});
  EXPECT_EQ(invite.verb, Verb::invite);
  EXPECT_EQ(invite.words, std::vector<std::string>{"ana"});
  EXPECT_EQ(invite.expires, seconds(7200));
  EXPECT_EQ(good_options({"d", "rename", "a", "b"}).words.size(), 2u);
  EXPECT_TRUE(good_options({"d", "nodes", "--json"}).json);
  EXPECT_TRUE(good_options({"d", "new-key", "--switch"}).switch_key);
  EXPECT_EQ(good_options({"d", "admin-token", "--socket", "/s"}).socket_path, "/s");
  EXPECT_EQ(good_options({"d", "admin-token", "--name", "grafana"}).name, "grafana");
  EXPECT_TRUE(good_options({"d", "admin-tokens", "--json"}).json);
  EXPECT_EQ(good_options({"d", "revoke-token", "0f"}).verb, Verb::revoke_token);
  EXPECT_EQ(good_options({"d", "revoke-token", "0f"}).words, std::vector<std::string>{"0f"});
  EXPECT_EQ(good_options({"d", "config"}).verb, Verb::config);
}

TEST(OptionsTest, AChecksRateIsOfItsData) {
  EXPECT_EQ(good_options({"d", "check"}).verb, Verb::check);
  EXPECT_FALSE(good_options({"d", "check"}).data);
  const Options data = good_options({"d", "check", "--data", "--rate", "50MiB/s", "--json"});
  EXPECT_TRUE(data.data && data.json);
  EXPECT_EQ(data.rate, 50u << 20);
  EXPECT_EQ(good_options({"d", "check", "--data", "--rate", "1 KiB"}).rate, 1024u);
  EXPECT_FALSE(data.unpack);
  EXPECT_TRUE(good_options({"d", "check", "--data", "--unpack"}).unpack);
}

TEST(OptionsTest, MistakesAreStatus2) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"d", "nonsense"},
           {"d", "gc", "ana"},
           {"d", "prune", "--though-damaged"},
           {"d", "check", "ana"},
           {"d", "check", "--rate", "50MiB/s"},
           {"d", "check", "--unpack"},
           {"d", "check", "--data", "--rate", "fast"},
           {"d", "gc", "--data"},
           {"d", "pin", "ana"},
           {"d", "snapshots", "ana", "ben"},
           {"d", "nodes", "--dry-run"},
           {"d", "admin-token", "grafana"},
           {"d", "admin-token", "--json"},
           {"d", "admin-tokens", "--name", "x"},
           {"d", "revoke-token"},
           {"d", "revoke-token", "0f", "1e"},
           {"d", "invite"},
           {"d", "invite", "a", "b"},
           {"d", "rename", "a"},
           {"d", "nodes", "x"},
           {"d", "invite", "a", "--expires", "soon"},
           {"d", "invite", "a", "--expires", "0"},
           {"d", "invite", "a", "--address", "host"},
           {"d", "invite", "a", "--address", "host:0"},
           {"d", "--listen", "8420"},
           {"d", "--listen"},
           {"d", "--tls-cert", "c"},
           {"d", "--max-clients", "0"},
           {"d", "--log-format", "xml"},
           {"d", "--json"},
           {"d", "nodes", "--group", "g"},
           {"d", "nodes", "--listen", "0.0.0.0:1"},
           {"d", "--unknown"},
       }) {
    EXPECT_EQ(status_of(arguments), 2) << (arguments.empty() ? "" : arguments.back());
  }
}

TEST(OptionsTest, HelpAndVersionAreStatus0) {
  EXPECT_EQ(status_of({"-h"}), 0);
  EXPECT_EQ(status_of({"--version"}), 0);
}

}  // namespace
}  // namespace rb::daemon
