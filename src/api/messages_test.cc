#include "api/messages.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace rb::api {
namespace {

template <typename Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

SnapshotInfo sample_snapshot(std::uint64_t sequence) {
  SnapshotInfo info;
  info.id = filled<SnapshotId>(1);
  info.sequence = sequence;
  info.received = {-5, 999'999'999};
  info.run = filled<RunId>(2);
  info.object = filled<ObjectId>(3);
  return info;
}

BeginAnswer sample_answer() {
  BeginAnswer answer;
  answer.session = filled<SessionKey>(9);
  answer.lease = std::chrono::seconds(300);
  answer.info.node = "ana's \xff laptop";
  answer.info.repository = filled<RepositoryId>(4);
  answer.info.chunk_params.key.fill(7);
  answer.info.head = sample_snapshot(UINT64_MAX);
  answer.info.cache_holds = true;
  answer.info.dont_ask = true;
  answer.info.wanted = {filled<ObjectId>(5), filled<ObjectId>(6)};
  answer.info.notices = {"two machines use this node's credential", ""};
  answer.next_key = filled<KeyPin>(8);
  return answer;
}

TEST(MessagesTest, ABeginSurvivesTheWire) {
  BeginRequest request;
  request.run = filled<RunId>(1);
  request.purpose = SessionPurpose::read;
  BeginRequest back = decode_begin(as_bytes(encode_begin(request))).value();
  EXPECT_EQ(back.run, request.run);
  EXPECT_EQ(back.purpose, SessionPurpose::read);
  EXPECT_FALSE(back.cached_tree || back.base);

  request.purpose = SessionPurpose::write;
  request.cached_tree = filled<ObjectId>(2);
  request.base = filled<SnapshotId>(3);
  back = decode_begin(as_bytes(encode_begin(request))).value();
  EXPECT_EQ(back.purpose, SessionPurpose::write);
  EXPECT_EQ(back.cached_tree, request.cached_tree);
  EXPECT_EQ(back.base, request.base);
  EXPECT_EQ(back.client_version + back.boot_id, "");

  request.client_version = "1.2.3";
  request.boot_id = "0b7e63c7-11ec-4b0a-9d4e-3c2b3c6a3a56";
  request.client_address = "not the client's to say";
  back = decode_begin(as_bytes(encode_begin(request))).value();
  EXPECT_EQ(back.client_version, request.client_version);
  EXPECT_EQ(back.boot_id, request.boot_id);
  EXPECT_EQ(back.client_address, "");
}

TEST(MessagesTest, LabelsAreShortAndPrintable) {
  for (const std::string& label : {std::string(101, 'x'), std::string("a\nb"), std::string("\x1b[31m")}) {
    BeginRequest request;
    request.client_version = label;
    EXPECT_FALSE(decode_begin(as_bytes(encode_begin(request))));
    request.client_version = "";
    request.boot_id = label;
    EXPECT_FALSE(decode_begin(as_bytes(encode_begin(request))));
  }
}

TEST(MessagesTest, ItsAnswerSurvivesTheWire) {
  const BeginAnswer answer = sample_answer();
  const BeginAnswer back = decode_begin_answer(as_bytes(encode_begin_answer(answer))).value();
  EXPECT_EQ(back.session, answer.session);
  EXPECT_EQ(back.lease, answer.lease);
  EXPECT_EQ(back.info.repository, answer.info.repository);
  EXPECT_EQ(back.info.chunk_params, answer.info.chunk_params);
  EXPECT_EQ(back.info.head, answer.info.head);
  EXPECT_EQ(back.info.already_committed, std::nullopt);
  EXPECT_TRUE(back.info.cache_holds);
  EXPECT_FALSE(back.info.base_held);
  EXPECT_TRUE(back.info.dont_ask);
  EXPECT_EQ(back.info.wanted, answer.info.wanted);
  EXPECT_EQ(back.info.notices, answer.info.notices);
  EXPECT_EQ(back.next_key, answer.next_key);
  EXPECT_EQ(back.info.node, "ana's \xEF\xBF\xBD laptop") << "JSON has no bytes, only text";
}

TEST(MessagesTest, CommitsAndTheirResultsSurviveTheWire) {
  const CommitMessage message{filled<RunId>(1), filled<ObjectId>(2)};
  EXPECT_EQ(decode_commit(as_bytes(encode_commit(message))).value(), message);
  for (const CommitResult& result :
       {CommitResult{true, sample_snapshot(7)}, CommitResult{false, sample_snapshot(8)},
        CommitResult{false, std::nullopt}}) {
    const CommitResult back = decode_commit_result(as_bytes(encode_commit_result(result))).value();
    EXPECT_EQ(back.committed, result.committed);
    EXPECT_EQ(back.head, result.head);
  }
  EXPECT_FALSE(decode_commit_result(as_bytes(R"({"committed":true,"head":null})")));
}

TEST(MessagesTest, ListsStatusAndHelloSurviveTheWire) {
  const std::vector<SnapshotInfo> list = {sample_snapshot(3), sample_snapshot(1)};
  EXPECT_EQ(decode_snapshots(as_bytes(encode_snapshots(list))).value(), list);
  EXPECT_TRUE(decode_snapshots(as_bytes(encode_snapshots({})))->empty());

  StoreStatus status;
  status.node = "n";
  status.server_version = "1.2";
  status.stored_bytes = UINT64_MAX;
  status.node_stored_bytes = 5;
  status.quota_stored_bytes = 6;
  status.node_logical_bytes = 7;
  status.quota_logical_bytes = 8;
  status.read_only = true;
  status.read_only_reason = "two journals differ";
  const StoreStatus back = decode_status(as_bytes(encode_status(status))).value();
  EXPECT_EQ(back.stored_bytes, UINT64_MAX);
  EXPECT_EQ(back.node_stored_bytes, 5u);
  EXPECT_EQ(back.quota_stored_bytes, 6u);
  EXPECT_EQ(back.node_logical_bytes, 7u);
  EXPECT_EQ(back.quota_logical_bytes, 8u);
  EXPECT_TRUE(back.read_only);
  EXPECT_EQ(back.read_only_reason, status.read_only_reason);

  const ServerHello hello{"0.1", {1, 2}};
  EXPECT_EQ(decode_hello(as_bytes(encode_hello(hello))).value(), hello);
  EXPECT_EQ(decode_count("next", as_bytes(encode_count("next", 12))).value(), 12u);
}

TEST(MessagesTest, UnknownFieldsAreIgnored) {
  const std::string text =
      R"({"run":"000102030405060708090a0b0c0d0e0f","purpose":"write","colour":{"a":[1]}})";
  EXPECT_TRUE(decode_begin(as_bytes(text)));
}

TEST(MessagesTest, BadMessagesAreRefused) {
  const std::string run = R"("run":"000102030405060708090a0b0c0d0e0f")";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("null"), std::string("[]"), std::string("7"),
        std::string(R"({"purpose":"write"})"), "{" + run + "}", "{" + run + R"(,"purpose":"steal"})",
        "{" + run + R"(,"purpose":1})", std::string(R"({"run":"00","purpose":"write"})"),
        std::string(R"({"run":"zz0102030405060708090a0b0c0d0e0f","purpose":"write"})"),
        std::string(R"({"run":17,"purpose":"write"})"), "{" + run + R"(,"purpose":"write","base":"12"})",
        "{" + run + R"(,"purpose":"write","cached_tree":{}})",
        "{" + run + R"(,"purpose":"write"} trailing)"}) {
    const auto decoded = decode_begin(as_bytes(text));
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, Errc::protocol);
  }
}

TEST(MessagesTest, NumbersOutOfRangeAreRefused) {
  const std::string good = encode_begin_answer(sample_answer());
  struct Change {
    const char* from;
    const char* to;
  };
  for (const Change& change :
       {Change{R"("lease_seconds":300)", R"("lease_seconds":-1)"},
        Change{R"("lease_seconds":300)", R"("lease_seconds":1e99)"},
        Change{R"("lease_seconds":300)", R"("lease_seconds":99999999999)"},
        Change{R"("lease_seconds":300)", R"("lease_seconds":3.5)"},
        Change{R"("nanoseconds":999999999)", R"("nanoseconds":1000000000)"},
        Change{R"("seconds":-5)", R"("seconds":9223372036854775808)"},
        Change{R"("algorithm":2)", R"("algorithm":257)"}, Change{R"("algorithm":2)", R"("algorithm":99)"},
        Change{R"("min_bytes":57344)", R"("min_bytes":0)"},
        Change{R"("dont_ask":true)", R"("dont_ask":"yes")"}}) {
    std::string text = good;
    const std::size_t at = text.find(change.from);
    ASSERT_NE(at, std::string::npos) << change.from << " in " << text;
    text.replace(at, std::string(change.from).size(), change.to);
    EXPECT_FALSE(decode_begin_answer(as_bytes(text))) << change.to;
  }
}

TEST(MessagesTest, NoCutOrFlippedMessageIsMoreThanRefused) {
  const std::string good = encode_begin_answer(sample_answer());
  for (std::size_t i = 0; i < good.size(); i++) {
    EXPECT_FALSE(decode_begin_answer(as_bytes(good.substr(0, i))));
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x20);
    (void)decode_begin_answer(as_bytes(flipped));  // must come back, whatever it says
  }
}

TEST(MessagesTest, DeepNestingDoesNotExhaustTheStack) {
  const std::string text = R"({"x":)" + std::string(1 << 20, '[');
  EXPECT_FALSE(decode_begin(as_bytes(text)));
}

}  // namespace
}  // namespace rb::api
