// What stands between the protocol's service and a repository: keys, links, and the state of the whole.
#include "daemon/repository_backend.h"

#include <gtest/gtest.h>

#include "api/service.h"
#include "net/tls_identity.h"
#include "support/fake_repository.h"
#include "support/temp_directory.h"

namespace rb::daemon {
namespace {

class RepositoryBackendTest : public testing::Test {
 protected:
  RepositoryBackendTest() {
    auto opened = LocalRepository::open(
        test::kFakeDirectory, test::fake_options(files_, std::make_shared<MemoryCatalogLog>(), clock_));
    EXPECT_TRUE(opened) << opened.error().message;
    repository_ = std::move(*opened);
  }

  RepositoryBackend backend(const Config& config) { return {*repository_, directory_.path(), config}; }
  static Config listening(const std::string& address) {
    Config config;
    config.listen = {address};
    return config;
  }

  FakeFileSystem files_;
  test::StoppedClock clock_;
  test::TempDirectory directory_;
  std::unique_ptr<LocalRepository> repository_;
};

TEST_F(RepositoryBackendTest, ALinkNeedsAListener) {
  RepositoryBackend without = backend({});
  const auto refused = without.reach("host:1");
  EXPECT_EQ(refused.error().code, Errc::unsupported);
  EXPECT_NE(refused.error().message.find("--listen"), std::string::npos);
}

TEST_F(RepositoryBackendTest, ALinksAddressIsTheOneAskedForThenThePublicOne) {
  Config config = listening("192.0.2.7:8420");
  EXPECT_EQ(backend(config).reach("")->address, "192.0.2.7:8420");
  config.public_address = "backup.example.org:1";
  EXPECT_EQ(backend(config).reach("")->address, "backup.example.org:1");
  EXPECT_EQ(backend(config).reach("other:2")->address, "other:2");
}

TEST_F(RepositoryBackendTest, ALinkPinsTheServersKey) {
  RepositoryBackend tested = backend(listening("192.0.2.7:8420"));
  const api::KeyPin pin = tested.reach("")->pin;
  const std::string certificate = net::tls_files_in(tls_directory(directory_.path())).certificate;
  EXPECT_EQ(pin, net::pin_of_certificate(certificate));
  EXPECT_EQ(tested.reach("")->pin, pin) << "made once";
}

TEST_F(RepositoryBackendTest, TheNextKeyIsAnnouncedAsSoonAsItIsMade) {
  RepositoryBackend tested = backend(listening("192.0.2.7:8420"));
  const api::KeyPin first = tested.reach("")->pin;
  EXPECT_EQ(tested.next_key(), std::nullopt);
  EXPECT_EQ(tested.switch_key().error().code, Errc::not_found);
  const api::KeyPin next = tested.make_next_key().value();
  EXPECT_NE(next, first);
  EXPECT_EQ(tested.next_key(), next);
  EXPECT_EQ(tested.switch_key(), next);
  EXPECT_EQ(tested.next_key(), std::nullopt);
  EXPECT_EQ(tested.reach("")->pin, next);
}

TEST_F(RepositoryBackendTest, KeysOfOnesOwnAreNotOurs) {
  Config config = listening("192.0.2.7:8420");
  config.tls_certificate = config.tls_key = "/elsewhere";
  RepositoryBackend tested = backend(config);
  EXPECT_EQ(tested.make_next_key().error().code, Errc::unsupported);
  EXPECT_EQ(tested.switch_key().error().code, Errc::unsupported);
  EXPECT_EQ(tested.next_key(), std::nullopt);
}

TEST_F(RepositoryBackendTest, CallersAreTheRepositorys) {
  RepositoryBackend tested = backend({});
  EXPECT_TRUE(tested.caller_of({.uid = 0, .user = "root"})->administrator);
  EXPECT_FALSE(tested.caller_of({.uid = 4711, .user = "u"})->administrator);
  EXPECT_EQ(tested.caller_of({.uid = 65534}).error().code, Errc::denied);
  EXPECT_EQ(tested.repository(), repository_->id());
  EXPECT_FALSE(tested.state().read_only);
  for (const api::NamedNumber& number : tested.transport().numbers)
    EXPECT_EQ(number.value, 0) << number.name << ", though nothing runs";
}

TEST(ReachableAddressTest, AWildcardStandsForThisMachine) {
  EXPECT_EQ(reachable_address("0.0.0.0:8420", "host"), "host:8420");
  EXPECT_EQ(reachable_address("[::]:8420", "host"), "host:8420");
  EXPECT_EQ(reachable_address("[2001:db8::1]:1", "host"), "[2001:db8::1]:1");
  EXPECT_EQ(reachable_address("127.0.0.1:1", "host"), "127.0.0.1:1");
}

}  // namespace
}  // namespace rb::daemon
