#include "daemon/token_table.h"

#include <gtest/gtest.h>

#include "daemon/node_table.h"

namespace rb::daemon {
namespace {

TEST(TokenTableTest, ALineForEach) {
  const CredentialId id = *id_from_hex<CredentialId>("0011223344556677");
  const std::string time = local_time({1'700'000'000, 0});
  EXPECT_EQ(token_table({}), "TOKEN             MADE                 LAST USED            NAME\n");
  EXPECT_EQ(token_table({{id, "grafana", {1'700'000'000, 0}, {}},
                         {id, "x\x1b[2J", {1'700'000'000, 0}, Timestamp{1'700'000'000, 0}}}),
            token_table({}) + "0011223344556677  " + time + "  -                    grafana\n" +
                "0011223344556677  " + time + "  " + time + "  x?[2J\n");
}

}  // namespace
}  // namespace rb::daemon
