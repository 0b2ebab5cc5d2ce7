#include "cli/connection.h"

#include <gtest/gtest.h>

namespace rb::cli {
namespace {

TEST(ServerAddressTest, RoundTrips) {
  for (const char* text : {"unix:/run/x.sock", "https://host:1234", "file:/srv/b"}) {
    const auto address = parse_server_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(ServerAddressTest, RefusesWhatIsNone) {
  for (const char* text : {"", "unix:", "http://host", "/run/x.sock", "file:", "https://"}) {
    const auto address = parse_server_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::invalid_argument);
  }
}

}  // namespace
}  // namespace rb::cli
