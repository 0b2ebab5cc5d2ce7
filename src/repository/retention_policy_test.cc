#include "repository/retention_policy.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace rb {
namespace {

using std::chrono::hours;

constexpr hours kDay = hours(24);

void expect_policy(std::string_view text, const RetentionPolicy& expected) {
  const auto parsed = parse_retention_policy(text);
  ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
  EXPECT_EQ(*parsed, expected) << text << " is " << to_text(*parsed);
}

// `why` is part of what is said.
void expect_refused(std::string_view text, std::string_view why) {
  const auto parsed = parse_retention_policy(text);
  ASSERT_FALSE(parsed) << text << " is " << to_text(*parsed);
  EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
  EXPECT_NE(parsed.error().message.find(why), std::string::npos) << parsed.error().message;
}

TEST(RetentionPolicyTest, ReadsWhatAdministratorsWrite) {
  expect_policy("last=3 daily=7 weekly=4 monthly=12 within=30d",
                {.last = 3, .daily = 7, .weekly = 4, .monthly = 12, .within = kDay * 30});
  expect_policy("  keep-hourly=24,keep-yearly=all\n", {.hourly = 24, .yearly = kKeepAll});
  expect_policy("last=all", {.last = kKeepAll});
  expect_policy("floor=2w within=12h", {.within = hours(12), .floor = kDay * 14});
  expect_policy("daily=1 floor=0", {.daily = 1, .floor = hours(0)});
  expect_policy("within=1y", {.within = kDay * 365});
  expect_policy("within=1000y", {.within = kRetentionDurationMax});
}

TEST(RetentionPolicyTest, SaysWhatIsWrong) {
  expect_refused("", "keeps nothing");
  expect_refused("daily=0 within=0", "keeps nothing");
  expect_refused("floor=30d", "keeps nothing");
  expect_refused("daily", "\"daily\" is no rule");
  expect_refused("dayly=7", "no rule \"dayly\": the rules are last, hourly");
  expect_refused("daily=7 daily=8", "\"daily\" is there twice");
  expect_refused("daily=7 keep-daily=7", "twice");
  for (const char* count :
       {"", "-1", "7.5", "seven", "0x7", " 7", "7d", "4294967295", "99999999999999999999"})
    expect_refused(std::string("daily=") + count, "write");
  for (const char* duration :
       {"", "d", "7", "7m", "-7d", "1y6d", "7 d", "1001y", "18446744073709551615y", "all"})
    expect_refused(std::string("within=") + duration, "write");
}

TEST(RetentionPolicyTest, RefusesDurationsThatNobodyWrote) {
  EXPECT_FALSE(check_retention_policy({.last = 1, .within = hours(-1)}));
  EXPECT_FALSE(check_retention_policy({.last = 1, .floor = kRetentionDurationMax + hours(1)}));
  EXPECT_TRUE(check_retention_policy({.last = 1}));
}

TEST(RetentionPolicyTest, TextAndPolicySayTheSame) {
  EXPECT_TRUE(rc::check([] {
    const auto count = [] {
      const auto n = *rc::gen::inRange<std::uint32_t>(0, 40);
      return n == 39 ? kKeepAll : n;
    };
    const auto duration = [] { return hours(*rc::gen::inRange<std::int64_t>(0, 20'000)); };
    RetentionPolicy policy;
    policy.last = count();
    policy.hourly = count();
    policy.daily = count();
    policy.weekly = count();
    policy.monthly = count();
    policy.yearly = count();
    policy.within = duration();
    policy.floor = duration();
    RC_PRE(check_retention_policy(policy).has_value());
    const auto again = parse_retention_policy(to_text(policy));
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == policy);
  }));
}

TEST(RetentionPolicyTest, AnyTextIsReadOrRefused) {
  EXPECT_TRUE(rc::check([] {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("daily=within7y, -\xff")));
    const auto parsed = parse_retention_policy(text);
    RC_ASSERT(!parsed || *parse_retention_policy(to_text(*parsed)) == *parsed);
  }));
}

}  // namespace
}  // namespace rb
