#include "format/journal_format.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/byte_codec.h"

namespace rb {
namespace {

const RepositoryId kRepository = *id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f");

template <typename Id>
Id counted_id(std::uint8_t first) {
  Id id;
  for (std::size_t i = 0; i < Id::kSize; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(first + i);
  return id;
}

const NodeRecord kNode{.node = 1, .domain = 2, .name = "ana@casa", .uid = 1000, .user = "ana"};
const NodeRecord kRemoteNode{.node = 300, .domain = 2, .name = "x"};
const CommitRecord kCommit{.node = 1,
                           .domain = 2,
                           .sequence = 300,
                           .received = {.seconds = -5, .nanoseconds = 999999999},
                           .run = counted_id<RunId>(16),
                           .snapshot = counted_id<ObjectId>(64)};

DomainRecord domain_record() {
  DomainRecord domain{.domain = 2, .group = "lab"};
  domain.chunk_params.algorithm = 1;
  domain.chunk_params.min_bytes = 64 << 10;
  domain.chunk_params.key.fill(0xab);
  return domain;
}

const InvitationRecord kInvitation{.made = {.seconds = 1'700'000'000},
                                   .id = counted_id<CredentialId>(1),
                                   .secret = counted_id<SecretHash>(32),
                                   .node = "printer",
                                   .group = "lab",
                                   .expires = {.seconds = 1'700'003'600, .nanoseconds = 5}};
const JoinRecord kJoin{.made = {.seconds = 1'700'000'060},
                       .invitation = counted_id<CredentialId>(1),
                       .node = 300,
                       .credential = counted_id<CredentialId>(9),
                       .secret = counted_id<SecretHash>(64)};
const RemovalRecord kRemoval{.made = {.seconds = 1'700'000'120}, .node = 300, .name = "printer"};
const RenamingRecord kRenaming{.made = {.seconds = 1'700'000'180}, .node = 300, .name = "press"};
const AdministratorRecord kAdministrator{.made = {.seconds = 1'700'000'240},
                                         .credential = counted_id<CredentialId>(17),
                                         .secret = counted_id<SecretHash>(96),
                                         .name = "grafana"};

const DeletionRecord kDeletion{.made = {.seconds = 1'700'000'300}, .node = 300, .sequence = 7};
const UndeletionRecord kUndeletion{
    .made = {.seconds = 1'700'000'360, .nanoseconds = 1}, .node = 300, .sequence = 7};
const PinRecord kPin{.made = {.seconds = 1'700'000'420},
                     .node = 300,
                     .sequence = 200,
                     .pinned = true,
                     .by = PinAuthority::administrator};
const PinRecord kUnpin{.made = {.seconds = 1'700'000'420}, .node = 1, .sequence = 2};
const CollectionRecord kCollection{.made = {.seconds = 1'700'000'480},
                                   .judged_before = {.seconds = 1'699'000'000, .nanoseconds = 300}};
const PruningRecord kPruning{.made = {.seconds = 1'700'000'540}, .deleted = 130};
const RevocationRecord kRevocation{.made = {.seconds = 1'700'000'600},
                                   .credential = counted_id<CredentialId>(17)};

std::vector<JournalRecord> samples() {
  return {kNode,    kRemoteNode, domain_record(), kCommit,    kInvitation, kJoin,
          kRemoval, kRenaming,   kAdministrator,  kDeletion,  kUndeletion, kPin,
          kUnpin,   kCollection, kPruning,        kRevocation};
}

Bytes encode(const JournalRecord& record) {
  return encode_journal_record(5, counted_id<Digest>(128), record);
}

// Replaces the hash, as somebody who knows the format could.
Bytes rehash(Bytes record) {
  record.resize(record.size() - Digest::kSize);
  const Digest digest = hash(record);
  append(record, digest.view());
  return record;
}

Result<JournalRecord> decode(ByteView bytes) {
  RB_TRY(const JournalFrame frame, decode_journal_frame(bytes));
  return decode_journal_payload(frame.kind, frame.payload);
}

TEST(JournalFormatTest, FileNames) {
  EXPECT_EQ(journal_file_name(42), "0000002a.journal");
  for (const std::uint32_t number : {1u, 42u, 0xffffffffu}) {
    EXPECT_EQ(journal_number_of(journal_file_name(number)), number);
  }
  for (const char* name : {"", "2a.journal", "0000002A.journal", "00000000.journal", "0000002a.journal.new",
                           "00000002a.journal", "0000002g.journal"}) {
    EXPECT_EQ(journal_number_of(name), std::nullopt) << name;
  }
}

TEST(JournalFormatTest, SegmentHeaderGoldenBytes) {
  const Bytes bytes = encode_journal_segment_header({.repository = kRepository, .number = 42});
  EXPECT_EQ(to_hex(bytes),
            "e772626a7365670a"                                                    // magic
            "00000000"                                                            // version
            "2a000000"                                                            // number
            "000102030405060708090a0b0c0d0e0f"                                    // repository
            "bbca9183ea3fbd39ea2690fefb8377c1b8d17a1edfc5bdaf988c4301ad117c4b");  // hash
}

TEST(JournalFormatTest, SegmentHeaderRoundTripAndDamage) {
  const JournalSegmentHeader header{.repository = kRepository, .number = 7};
  const Bytes bytes = encode_journal_segment_header(header);
  EXPECT_EQ(*decode_journal_segment_header(bytes), header);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(decode_journal_segment_header(damaged)) << bit;
  }
}

TEST(JournalFormatTest, UnknownVersionIsUnsupported) {
  Bytes bytes = encode_journal_segment_header({.repository = kRepository, .number = 7});
  bytes[8] = 1;
  EXPECT_EQ(decode_journal_segment_header(rehash(bytes)).error().code, Errc::unsupported);
}

TEST(JournalFormatTest, RootGoldenBytes) {
  EXPECT_EQ(to_hex(journal_root(kRepository)),
            "49ecf4dd78de1ebcb4044f5fd8401bd322afc51008192c2d1a34e51c4de04971");
}

TEST(JournalFormatTest, RecordGoldenBytes) {
  EXPECT_EQ(to_hex(encode(kNode)),
            "e772626a726e6c0a"                                                  // magic
            "6a000000"                                                          // length
            "01000000"                                                          // kind
            "0500000000000000"                                                  // sequence
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"  // predecessor
            "010208616e61406361736101e80703616e61"  // node, domain, name, uid, user
            "8d67f95bcb9d0caa22d4833a74ad27e221901406a5aa52701fdcc0bba6a4f1c2");  // hash
  EXPECT_EQ(to_hex(encode(domain_record())),
            "e772626a726e6c0a"                                                  // magic
            "87000000"                                                          // length
            "02000000"                                                          // kind
            "0500000000000000"                                                  // sequence
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"  // predecessor
            "0201808004808008808020abababababababababababababababababababababababababababababababab"
            "036c6162"  // domain, algorithm, sizes, key, group
            "aa25f464c5bb38729c199fb3031a2322db76445dfa574567f48d2196c484ebaf");  // hash
  EXPECT_EQ(to_hex(encode(kCommit)),
            "e772626a726e6c0a"                                                  // magic
            "92000000"                                                          // length
            "03000000"                                                          // kind
            "0500000000000000"                                                  // sequence
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"  // predecessor
            "0102ac0209ff93ebdc03101112131415161718191a1b1c1d1e1f404142434445464748494a4b4c4d4e4f5051525354"
            "55565758595a5b5c5d5e5f"  // node, domain, sequence, time, run, snapshot
            "9ffe7ed56f8f32fe396c368f46eb649e92cc32a3b78ba924ff95d1b30babb01f");  // hash
}

// The payloads alone: what stands around them is the same for all.
TEST(JournalFormatTest, MembershipGoldenBytes) {
  const auto payload = [](const JournalRecord& record) {
    return std::to_string(journal_kind_of(record)) + " " + to_hex(encode_journal_payload(record));
  };
  EXPECT_EQ(payload(kInvitation),
            "4 "
            "80c49fd50c00"      // made
            "0102030405060708"  // id
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
            "077072696e746572"  // node
            "036c6162"          // group
            "a0fc9fd50c05");    // expires
  EXPECT_EQ(payload(kJoin),
            "5 "
            "f8c49fd50c00"      // made
            "0102030405060708"  // invitation
            "ac02"              // node
            "090a0b0c0d0e0f10"  // credential
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f");
  EXPECT_EQ(payload(kRemoval),
            "6 "
            "f0c59fd50c00"        // made
            "ac02"                // node
            "077072696e746572");  // name
  EXPECT_EQ(payload(kRenaming),
            "7 "
            "e8c69fd50c00"    // made
            "ac02"            // node
            "057072657373");  // name
  EXPECT_EQ(payload(kAdministrator),
            "8 "
            "e0c79fd50c00"      // made
            "1112131415161718"  // credential
            "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
            "0767726166616e61");  // name
  EXPECT_EQ(payload(kRevocation),
            "14 "
            "b0cd9fd50c00"        // made
            "1112131415161718");  // credential
}

TEST(JournalFormatTest, HistoryGoldenBytes) {
  const auto payload = [](const JournalRecord& record) {
    return std::to_string(journal_kind_of(record)) + " " + to_hex(encode_journal_payload(record));
  };
  EXPECT_EQ(payload(kDeletion),
            "9 "
            "d8c89fd50c00"  // made
            "ac02"          // node
            "07");          // sequence
  EXPECT_EQ(payload(kUndeletion),
            "10 "
            "d0c99fd50c01"  // made
            "ac02"          // node
            "07");          // sequence
  EXPECT_EQ(payload(kPin),
            "11 "
            "c8ca9fd50c00"  // made
            "ac02"          // node
            "c801"          // sequence
            "01"            // pinned
            "01");          // by an administrator
  EXPECT_EQ(payload(kUnpin),
            "11 "
            "c8ca9fd50c00"
            "01"
            "02"
            "00"
            "00");
  EXPECT_EQ(payload(kCollection),
            "12 "
            "c0cb9fd50c00"      // made
            "80bba5d40cac02");  // judged before
  EXPECT_EQ(payload(kPruning),
            "13 "
            "b8cc9fd50c00"  // made
            "8201");        // deleted
}

TEST(JournalFormatTest, TimeOfARecord) {
  EXPECT_EQ(journal_time_of(kNode), std::nullopt);
  EXPECT_EQ(journal_time_of(kCommit), kCommit.received);
  EXPECT_EQ(journal_time_of(kInvitation), kInvitation.made);
  EXPECT_EQ(journal_time_of(kCollection), kCollection.made);
}

TEST(JournalFormatTest, RecordsRoundTrip) {
  for (const JournalRecord& record : samples()) {
    const Bytes bytes = encode(record);
    const auto frame = decode_journal_frame(bytes);
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->sequence, 5u);
    EXPECT_EQ(frame->predecessor, counted_id<Digest>(128));
    EXPECT_EQ(frame->record_bytes, bytes.size());
    EXPECT_TRUE(std::ranges::equal(frame->hash.bytes, ByteView(bytes).last(32)));
    EXPECT_TRUE(*decode(bytes) == record);
  }
}

TEST(JournalFormatTest, AnyNodeRoundTrips) {
  EXPECT_TRUE(rc::check([](std::uint32_t number, std::string name, std::string user) {
    if (name.size() > kJournalNameBytesMax) name.resize(kJournalNameBytesMax);
    if (user.size() > kJournalNameBytesMax) user.resize(kJournalNameBytesMax);
    const NodeRecord node{.node = number, .domain = ~number, .name = name, .uid = number / 2, .user = user};
    RC_ASSERT(*decode(encode(node)) == JournalRecord(node));
  }));
}

TEST(JournalFormatTest, AnyTokenRoundTrips) {
  EXPECT_TRUE(rc::check([](std::int64_t seconds, std::uint8_t first, std::string name) {
    const auto id = counted_id<CredentialId>(first);
    if (name.size() > kJournalNameBytesMax) name.resize(kJournalNameBytesMax);
    const AdministratorRecord token{.made = {seconds, 7}, .credential = id, .secret = {}, .name = name};
    RC_ASSERT(*decode(encode(token)) == JournalRecord(token));
    const RevocationRecord revocation{.made = {seconds, 8}, .credential = id};
    RC_ASSERT(*decode(encode(revocation)) == JournalRecord(revocation));
  }));
}

TEST(JournalFormatTest, EveryFlippedBitIsNoticed) {
  for (const JournalRecord& record : samples()) {
    const Bytes bytes = encode(record);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes damaged = bytes;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      EXPECT_FALSE(decode_journal_frame(damaged)) << bit;
    }
    for (std::size_t n = 0; n < bytes.size(); ++n)
      EXPECT_FALSE(decode_journal_frame(ByteView(bytes).first(n)));
  }
}

TEST(JournalFormatTest, UnknownKindIsUnsupported) {
  Bytes bytes = encode(kCommit);
  bytes[12] = 15;
  EXPECT_EQ(decode(rehash(bytes)).error().code, Errc::unsupported);
}

TEST(JournalFormatTest, OneValueHasOneEncoding) {
  for (const JournalRecord& record : samples()) {
    const Bytes bytes = encode(record);
    for (std::size_t at = kJournalRecordHeaderBytes; at < bytes.size() - Digest::kSize; ++at) {
      for (const int bit : {0, 7}) {
        Bytes changed = bytes;
        changed[at] ^= static_cast<std::uint8_t>(1u << bit);
        changed = rehash(changed);
        const Result<JournalRecord> decoded = decode(changed);
        if (!decoded) continue;
        EXPECT_EQ(to_hex(encode(*decoded)), to_hex(changed));
      }
    }
  }
}

TEST(JournalFormatTest, LongNamesAreRefusedBeforeTheyAreWritten) {
  EXPECT_TRUE(check_journal_record(NodeRecord{.name = std::string(kJournalNameBytesMax, 'x')}).has_value());
  EXPECT_EQ(check_journal_record(NodeRecord{.name = std::string(kJournalNameBytesMax + 1, 'x')}).error().code,
            Errc::invalid_argument);
  EXPECT_FALSE(check_journal_record(AdministratorRecord{.name = std::string(kJournalNameBytesMax + 1, 'x')}));
  EXPECT_FALSE(check_journal_record(RenamingRecord{.name = std::string(kJournalNameBytesMax + 1, 'x')}));
  EXPECT_FALSE(check_journal_record(InvitationRecord{.expires = {.nanoseconds = 1000000000}}));
  EXPECT_FALSE(check_journal_record(CommitRecord{.received = {.nanoseconds = 1000000000}}).has_value());
}

TEST(JournalFormatTest, AnyBytesAreDecodedWithoutHarm) {
  EXPECT_TRUE(rc::check([](const Bytes& bytes, std::uint8_t kind) {
    RC_ASSERT(!decode_journal_frame(bytes).has_value());
    (void)decode_journal_payload(kind % 16, bytes);
  }));
}

}  // namespace
}  // namespace rb
