#include "daemon/log_output.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace rb::daemon {
namespace {

TEST(LogOutputTest, NoMessageBreaksOutOfItsLine) {
  EXPECT_EQ(json_log_fields("plain", 0), R"("message":"plain")");
  EXPECT_EQ(json_log_fields("a\"b\\c\nd\x1b", 31), R"("message":"a\"b\\c\nd\u001b","request":"1f")");
  EXPECT_EQ(json_log_fields("\xff", 0), "\"message\":\"\xEF\xBF\xBD\"");
}

TEST(LogOutputTest, ARequestIsNamedWhileItIsWorkedOn) {
  EXPECT_EQ(LogRequest::current(), 0u);
  {
    const LogRequest named(7);
    EXPECT_EQ(LogRequest::current(), 7u);
  }
  EXPECT_EQ(LogRequest::current(), 0u);
}

}  // namespace
}  // namespace rb::daemon
