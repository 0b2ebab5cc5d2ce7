// Links and credentials as text: what is handed over is what arrives, and every slip is noticed.
#include "api/join_link.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "api/address.h"
#include "base/random.h"

namespace rb::api {
namespace {

JoinLink sample() {
  JoinLink link;
  link.address = "backup.example.org:8420";
  link.node = "ana-laptop";
  link.pin = random_id<KeyPin>();
  link.invitation = {random_id<CredentialId>(), random_id<SecretKey>()};
  return link;
}

std::string why_not(std::string_view text) {
  const Result<JoinLink> link = decode_join_link(text);
  if (link) return "it is a link";
  EXPECT_EQ(link.error().code, Errc::invalid_argument);
  return link.error().message;
}

TEST(JoinLinkTest, ALinkIsOneLineAndComesBack) {
  for (const char* address : {"192.0.2.7:1", "[2001:db8::7]:65535", "host:8420", "[fe80::1%eth0]:8420"}) {
    JoinLink link = sample();
    link.address = address;
    const std::string text = encode_join_link(link);
    EXPECT_TRUE(text.starts_with(std::string("rbbackup://") + address + "/ana-laptop#"));
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; }));
    EXPECT_EQ(decode_join_link(text), link);
    EXPECT_EQ(decode_join_link("  " + text + "\r\n"), link);
  }
}

TEST(JoinLinkTest, EveryMistypedCharacterIsNoticed) {
  const std::string text = encode_join_link(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string wrong = text;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(decode_join_link(wrong)) << wrong;
    wrong = text;
    wrong.erase(i, 1);
    EXPECT_FALSE(decode_join_link(wrong)) << wrong;
    EXPECT_FALSE(decode_join_link(text.substr(0, i)));
  }
}

TEST(JoinLinkTest, SaysWhetherItIsNoLinkOrAMistypedOne) {
  const std::string text = encode_join_link(sample());
  EXPECT_NE(why_not("hello").find("no link"), std::string::npos);
  EXPECT_NE(why_not("https://example.org/x#y").find("no link"), std::string::npos);
  EXPECT_NE(why_not("").find("no link"), std::string::npos);
  EXPECT_NE(why_not(text.substr(0, text.size() - 1)).find("mistyped"), std::string::npos);
  EXPECT_NE(why_not(text + "A").find("mistyped"), std::string::npos);
  EXPECT_NE(why_not(text.substr(0, text.find('#'))).find("mistyped"), std::string::npos);
}

TEST(JoinLinkTest, AnErrorRepeatsNothingOfTheSecret) {
  const std::string text = encode_join_link(sample());
  const std::string code = text.substr(text.find('#') + 1);
  EXPECT_EQ(why_not(text + "x").find(code.substr(0, 8)), std::string::npos);
}

TEST(JoinLinkTest, AWellMadeLinkToNowhereIsNone) {
  for (const char* address :
       {"", "host", "host:", ":1", "host:65536", "host:x", "2001:db8::1:1", "[]:1", "a b:1", "a@b:1"}) {
    JoinLink link = sample();
    link.address = address;
    EXPECT_FALSE(decode_join_link(encode_join_link(link))) << address;
  }
  for (const char* node : {"", "..", "a/b", "-x", "a#b", "a b", "a\nb"}) {
    JoinLink link = sample();
    link.node = node;
    EXPECT_FALSE(decode_join_link(encode_join_link(link))) << node;
  }
}

TEST(JoinLinkTest, AnyTextIsSurvived) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    RC_ASSERT(!decode_join_link(text));
    RC_ASSERT(!decode_join_link("rbbackup://" + text));
    RC_ASSERT(!decode_join_link("rbbackup://a:1/b#" + text));
    if (const auto address = parse_address(text)) RC_ASSERT(parse_address(to_string(*address)) == address);
  }));
}

TEST(AddressTest, HostAndPort) {
  EXPECT_EQ(parse_address("example.org:8420"), (Address{"example.org", 8420}));
  EXPECT_EQ(parse_address("[::1]:0"), (Address{"::1", 0}));
  EXPECT_EQ(to_string(Address{"::1", 5}), "[::1]:5");
  EXPECT_EQ(to_string(Address{"a", 5}), "a:5");
  EXPECT_FALSE(parse_address("[example]:1"));
  EXPECT_FALSE(parse_address("h:-1"));
  EXPECT_FALSE(parse_address(std::string(300, 'a') + ":1"));
}

TEST(AuthorizationTest, ACredentialComesBack) {
  const Credential credential{random_id<CredentialId>(), random_id<SecretKey>()};
  const std::string value = encode_authorization(credential);
  EXPECT_EQ(value.size(), 7u + 80u);
  EXPECT_EQ(decode_authorization(value), credential);
  EXPECT_EQ(decode_authorization("bearer " + value.substr(7)), credential);
  for (std::size_t i = 0; i < value.size(); ++i)
    EXPECT_FALSE(decode_authorization(value.substr(0, i)));
  EXPECT_FALSE(decode_authorization(value + "0"));
  EXPECT_FALSE(decode_authorization("Basic  " + value.substr(7)));
  std::string wrong = value;
  wrong.back() = 'g';
  EXPECT_FALSE(decode_authorization(wrong));
}

}  // namespace
}  // namespace rb::api
