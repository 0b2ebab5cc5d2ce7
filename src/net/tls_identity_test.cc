#include "net/tls_identity.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "net/server.h"
#include "net/tls_context.h"
#include "support/temp_directory.h"

namespace rb::net {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

class TlsIdentityTest : public testing::Test {
 protected:
  api::KeyPin pin() const {
    const auto pin = pin_of_certificate(dir_ / "cert.pem");
    EXPECT_TRUE(pin) << pin.error().message;
    return *pin;
  }
  Status loads() const {
    const auto context = TlsContext::load(tls_files_in(dir_.path()));
    if (!context) return std::unexpected(context.error());
    return {};
  }
  test::TempDirectory dir_;
};

TEST_F(TlsIdentityTest, IsMadeOnceAndKept) {
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  EXPECT_EQ(mode_of(dir_ / "key.pem"), 0600u);
  EXPECT_EQ(mode_of(dir_ / "cert.pem"), 0644u);
  EXPECT_TRUE(loads());
  const api::KeyPin first = pin();
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  EXPECT_EQ(pin(), first);
}

TEST_F(TlsIdentityTest, TwoServersHaveTwoKeys) {
  const test::TempDirectory other;
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  ASSERT_TRUE(ensure_tls_identity(other.path()));
  EXPECT_NE(pin(), *pin_of_certificate(other / "cert.pem"));
}

TEST_F(TlsIdentityTest, ARenewedCertificateKeepsThePin) {
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  const api::KeyPin first = pin();
  ASSERT_EQ(::unlink((dir_ / "cert.pem").c_str()), 0);
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  EXPECT_EQ(pin(), first);
  EXPECT_TRUE(loads());
}

TEST_F(TlsIdentityTest, AMissingKeyIsNeverReplaced) {
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  ASSERT_EQ(::unlink((dir_ / "key.pem").c_str()), 0);
  const Status refused = ensure_tls_identity(dir_.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::not_found);
  EXPECT_NE(refused.error().message.find("key.pem is missing"), std::string::npos);
}

TEST_F(TlsIdentityTest, TheNextKeyIsAnnouncedAndThenUsed) {
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  const api::KeyPin old_pin = pin();
  EXPECT_EQ(*pin_of_next_tls_key(dir_.path()), std::nullopt);
  EXPECT_EQ(switch_to_next_tls_key(dir_.path()).error().code, Errc::not_found);
  ASSERT_TRUE(make_next_tls_key(dir_.path()));
  const auto next = pin_of_next_tls_key(dir_.path());
  ASSERT_TRUE(next && *next);
  EXPECT_NE(**next, old_pin);
  ASSERT_TRUE(make_next_tls_key(dir_.path()));
  EXPECT_EQ(*pin_of_next_tls_key(dir_.path()), *next) << "an announced key stays";
  EXPECT_EQ(pin(), old_pin);

  ASSERT_TRUE(switch_to_next_tls_key(dir_.path()));
  EXPECT_EQ(pin(), **next);
  EXPECT_EQ(*pin_of_next_tls_key(dir_.path()), std::nullopt);
  EXPECT_TRUE(loads());
}

TEST_F(TlsIdentityTest, ASwitchCutInTheMiddleIsFinished) {
  ASSERT_TRUE(make_next_tls_key(dir_.path()));
  const auto next = pin_of_next_tls_key(dir_.path());
  ASSERT_EQ(::rename((dir_ / "next-key.pem").c_str(), (dir_ / "key.pem").c_str()), 0);
  EXPECT_FALSE(loads());
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  EXPECT_EQ(pin(), **next);
  EXPECT_TRUE(loads());
}

TEST_F(TlsIdentityTest, FilesOfTheWrongKindAreNamed) {
  const auto check = [&](Errc code, const std::string& words) {
    const Status status = loads();
    ASSERT_FALSE(status) << words;
    EXPECT_EQ(status.error().code, code) << status.error().message;
    EXPECT_NE(status.error().message.find(words), std::string::npos) << status.error().message;
  };
  check(Errc::not_found, "cert.pem");
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  const test::TempDirectory other;
  ASSERT_TRUE(ensure_tls_identity(other.path()));
  ASSERT_EQ(::rename((other / "cert.pem").c_str(), (dir_ / "cert.pem").c_str()), 0);
  check(Errc::invalid_argument, "is not that of the certificate");
  dir_.write("cert.pem", "no certificate at all");
  check(Errc::invalid_argument, "holds no certificate");
  EXPECT_FALSE(pin_of_certificate(dir_ / "cert.pem"));
  ASSERT_EQ(::unlink((dir_ / "cert.pem").c_str()), 0);
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  dir_.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  check(Errc::invalid_argument, "holds no private key");
}

TEST_F(TlsIdentityTest, AKeyThatOthersMayReadIsWorthAWarning) {
  ASSERT_TRUE(ensure_tls_identity(dir_.path()));
  std::string said;
  set_log_sink([&](LogLevel, const std::string& text) { said += text; });
  ASSERT_EQ(::chmod((dir_ / "key.pem").c_str(), 0640), 0);
  EXPECT_TRUE(loads());
  set_log_sink(nullptr);
  EXPECT_NE(said.find("key.pem"), std::string::npos) << said;
}

}  // namespace
}  // namespace rb::net
