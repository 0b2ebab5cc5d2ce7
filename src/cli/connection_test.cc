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
  for (const char* text :
       {"", "unix:", "http://host", "/run/x.sock", "file:", "https://", "https://host", "https://host:0",
        "https://host:70000", "https://a@b:1", "https://host:1/x", "https://::1:80"}) {
    const auto address = parse_server_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::invalid_argument);
  }
}

}  // namespace
}  // namespace rb::cli
