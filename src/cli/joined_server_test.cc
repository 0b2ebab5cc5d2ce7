#include "cli/joined_server.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/private_file.h"
#include "support/temp_directory.h"

namespace rb::cli {
namespace {

JoinedServer sample() {
  return {.address = "backup.example:4433",
          .node = "ana",
          .group = "lab",
          .pins = {random_id<api::KeyPin>()},
          .credential = {random_id<CredentialId>(), random_id<SecretKey>()}};
}

api::JoinLink sample_link() {
  return {.address = "backup.example:4433",
          .node = "ana",
          .pin = random_id<api::KeyPin>(),
          .invitation = {random_id<CredentialId>(), random_id<SecretKey>()}};
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

class JoinedServerTest : public testing::Test {
 protected:
  test::TempDirectory scratch_;
  const std::string directory_ = scratch_.path() + "/config/rbbackup";
  const JoinedServerFile file_{directory_};
};

TEST_F(JoinedServerTest, NeverJoinedIsNoError) {
  const auto loaded = file_.load();
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(*loaded);
  EXPECT_FALSE(*JoinedServerFile("").load());
}

TEST_F(JoinedServerTest, KeepsWhatItIsGivenForItsOwnerOnly) {
  const JoinedServer server = sample();
  ASSERT_TRUE(file_.save(server));
  const auto loaded = file_.load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(**loaded, server);
  EXPECT_EQ(mode_of(file_.path()), 0600u);
  EXPECT_EQ(mode_of(directory_), 0700u);
}

TEST_F(JoinedServerTest, RefusesAFileThatOthersCanRead) {
  ASSERT_TRUE(file_.save(sample()));
  for (const mode_t mode : {0640, 0604, 0620, 0602}) {
    ASSERT_EQ(::chmod(file_.path().c_str(), mode), 0);
    const auto loaded = file_.load();
    ASSERT_FALSE(loaded) << mode;
    EXPECT_NE(loaded.error().message.find(file_.path()), std::string::npos);
    EXPECT_NE(loaded.error().message.find("chmod 600"), std::string::npos);
  }
}

TEST_F(JoinedServerTest, ADamagedFileIsAnErrorAndNotNone) {
  const std::string good = encode_joined_server(sample());
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
        good.substr(0, good.size() / 2),
        std::string(good).replace(good.find("backup.example:4433"), 19, "backup.example/4433"),
        std::string(1 << 20, ' ')}) {
    ASSERT_TRUE(write_private_file(file_.path(), text));
    const auto loaded = file_.load();
    ASSERT_FALSE(loaded) << text.substr(0, 100);
    EXPECT_EQ(loaded.error().code, Errc::corrupt);
    EXPECT_NE(loaded.error().message.find(file_.path()), std::string::npos);
  }
}

TEST_F(JoinedServerTest, AnUnknownVersionIsNotGuessedAt) {
  std::string text = encode_joined_server(sample());
  text.replace(text.find("\"version\": 1"), 12, "\"version\": 2");
  const auto decoded = decode_joined_server(text);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::unsupported);
}

TEST_F(JoinedServerTest, TheSameLinkDrawsTheSameCredential) {
  const api::JoinLink link = sample_link();
  const auto first = file_.draw_credential(link);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*file_.draw_credential(link), *first);
  EXPECT_EQ(mode_of(directory_ + "/joining.json"), 0600u);

  // Another link, were it for the same node, gets another one: its server must not learn the first.
  api::JoinLink other = link;
  other.pin = random_id<api::KeyPin>();
  EXPECT_NE(*file_.draw_credential(other), *first);
}

TEST_F(JoinedServerTest, AJoinUnderWayLeavesTheOneInForce) {
  const JoinedServer server = sample();
  ASSERT_TRUE(file_.save(server));
  ASSERT_TRUE(file_.draw_credential(sample_link()));
  EXPECT_EQ(**file_.load(), server);
  ASSERT_TRUE(file_.save(server));
  EXPECT_NE(::access((directory_ + "/joining.json").c_str(), F_OK), 0);
}

TEST_F(JoinedServerTest, ADamagedJoinUnderWayIsReplaced) {
  const api::JoinLink link = sample_link();
  ASSERT_TRUE(write_private_file(directory_ + "/joining.json", "{\"version\":1"));
  const auto drawn = file_.draw_credential(link);
  ASSERT_TRUE(drawn);
  EXPECT_EQ(*file_.draw_credential(link), *drawn);
}

TEST_F(JoinedServerTest, ReplacesThePinsOfWhatIsInForce) {
  const JoinedServer server = sample();
  ASSERT_TRUE(file_.save(server));
  const std::vector pins{server.pins[0], random_id<api::KeyPin>()};
  ASSERT_TRUE(file_.replace_pins(server, pins));
  EXPECT_EQ((*file_.load())->pins, pins);
  EXPECT_EQ((*file_.load())->credential, server.credential);
}

TEST_F(JoinedServerTest, ThePinsOfAServerThatWasLeftAreForgotten) {
  const JoinedServer server = sample(), left = sample();
  ASSERT_TRUE(file_.save(server));
  ASSERT_TRUE(file_.replace_pins(left, {random_id<api::KeyPin>()}));
  EXPECT_EQ(**file_.load(), server);
}

TEST(HostPortTest, TakesWhatALinkMayHold) {
  for (const char* text : {"host:1", "192.0.2.7:65535", "[::1]:443", "[fe80::1%eth0]:8", "a-b.example:4433"})
    EXPECT_TRUE(valid_host_port(text)) << text;
  for (const char* text : {"", "host", "host:", ":1", "host:0", "host:65536", "host:1x", "host:-1", "a/b:1",
                           "a b:1", "u@h:1", "::1:80", "[]:1", "h\n:1"})
    EXPECT_FALSE(valid_host_port(text)) << text;
}

}  // namespace
}  // namespace rb::cli
