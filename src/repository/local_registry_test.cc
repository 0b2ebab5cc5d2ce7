#include "repository/local_registry.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/log.h"
#include "support/registry_fixture.h"

namespace rb::test {

namespace {

using LocalRegistryTest = RegistryFixture;

const LocalUser kAna{.uid = 100'001, .name = "ana"};
const LocalUser kRoot{.uid = 0, .name = "root"};

TEST_F(LocalRegistryTest, WhoJoinsIsThatNodeFromThenOn) {
  const Invitation invitation = invite("printer");
  EXPECT_EQ(invitation.node, "printer");
  EXPECT_FALSE(invitation.replaces);
  EXPECT_EQ(invitation.expires, (Timestamp{1'700'003'600, 0}));
  const Credential credential = random_credential();
  const auto answer = registry().join({invitation.secret, credential});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->node, "printer");
  EXPECT_FALSE(answer->has_history);

  const Caller printer = caller(credential);
  EXPECT_EQ(printer.name, "printer");
  EXPECT_FALSE(printer.administrator);
  auto session = begin(printer);
  EXPECT_EQ(session->info().node, "printer");
  const SnapshotInfo head = commit(*session, "x");
  session.reset();
  open();
  EXPECT_EQ(begin(credential, 2)->info().head, head);
}

TEST_F(LocalRegistryTest, AnInvitationHoldsOnce) {
  const Invitation invitation = invite("printer");
  (void)join(invitation);
  EXPECT_TRUE(
      refused(registry().join({invitation.secret, random_credential()}), Errc::denied, "used already"));
}

TEST_F(LocalRegistryTest, ALostAnswerIsGivenAgain) {
  const Invitation invitation = invite("printer");
  const Credential credential = join(invitation);
  auto session = begin(credential);
  for (const bool after_restart : {false, true}) {
    if (after_restart) {
      EXPECT_TRUE(session->flush()) << "its sessions go on";
      session.reset();
      open_without_catalog();
    }
    const auto again = registry().join({invitation.secret, credential});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->node, "printer");
  }
  Credential other_secret = credential;
  other_secret.secret.bytes[31] ^= 1;
  EXPECT_TRUE(refused(registry().join({invitation.secret, other_secret}), Errc::denied, "used already"));
}

TEST_F(LocalRegistryTest, EachUselessInvitationIsToldApart) {
  const Invitation good = invite("printer");
  const Credential fresh = random_credential();
  Credential mistyped = good.secret;
  mistyped.secret.bytes[0] ^= 1;
  EXPECT_TRUE(refused(registry().join({mistyped, fresh}), Errc::denied, "is the link complete"));
  EXPECT_TRUE(refused(registry().join({random_credential(), fresh}), Errc::denied, "is the link complete"));

  clock_.now += std::chrono::seconds(3599);
  const Invitation later = invite("scanner");
  clock_.now += std::chrono::seconds(1);
  EXPECT_TRUE(refused(registry().join({good.secret, fresh}), Errc::denied, "expired"));
  EXPECT_TRUE(refused(registry().join({mistyped, fresh}), Errc::denied, "is the link complete"))
      << "who does not know the secret learns nothing";
  EXPECT_FALSE(overview("printer")) << "nobody is invited any more";
  EXPECT_TRUE(overview("scanner")->invited);

  (void)invite("scanner");
  EXPECT_TRUE(refused(registry().join({later.secret, fresh}), Errc::denied, "withdrawn"));
  EXPECT_TRUE(refused(registry().authenticate(fresh), Errc::denied, "does not know"));
}

TEST_F(LocalRegistryTest, AnEmptyOrTakenCredentialIsRefused) {
  const Credential taken = join("printer");
  const Invitation invitation = invite("scanner");
  for (const Credential& credential : {Credential{}, Credential{taken.id, random_id<SecretKey>()},
                                       Credential{random_id<CredentialId>(), SecretKey{}}}) {
    EXPECT_TRUE(
        refused(registry().join({invitation.secret, credential}), Errc::invalid_argument, "draw another"));
  }
  (void)join(invitation);
}

TEST_F(LocalRegistryTest, NamesAndLifetimesAreChecked) {
  for (const char* name : {"", ".hidden", "-rf", "a/b", "a b", "ñandú"}) {
    EXPECT_TRUE(refused(registry().invite({.node = name}), Errc::invalid_argument, "name")) << name;
  }
  EXPECT_TRUE(refused(registry().invite({.node = "a", .group = "../x"}), Errc::invalid_argument, "group"));
  for (const auto lifetime :
       {std::chrono::seconds(0), std::chrono::seconds(-1), std::chrono::seconds::max()}) {
    EXPECT_TRUE(
        refused(registry().invite({.node = "a", .lifetime = lifetime}), Errc::invalid_argument, "day"));
  }
}

TEST_F(LocalRegistryTest, AReplacementGetsTheHistory) {
  const Credential burned = join("printer");
  const Caller old_caller = caller(burned);
  auto old_session = begin(burned);
  const SnapshotInfo head = commit(*old_session, "before the fire");
  const Invitation invitation = invite("printer");
  EXPECT_TRUE(invitation.replaces);
  EXPECT_TRUE(old_session->flush()) << "until somebody joins, nothing changes";

  const Credential replacement = random_credential();
  const auto answer = registry().join({invitation.secret, replacement});
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->has_history);
  EXPECT_EQ(begin(replacement, 2)->info().head, head);
  EXPECT_TRUE(refused(registry().authenticate(burned), Errc::denied, "another machine has joined"));
  EXPECT_TRUE(refused(store_of(old_caller)->begin({.run = make_run(3)}), Errc::denied, "another machine"));
  EXPECT_EQ(old_session->flush().error().code, Errc::fenced);
  old_session.reset();
  open_without_catalog();
  EXPECT_TRUE(refused(registry().authenticate(burned), Errc::denied, "another machine has joined"));
  EXPECT_EQ(begin(replacement, 4)->info().head, head);
}

TEST_F(LocalRegistryTest, ARemovedNodeStaysOut) {
  const Credential credential = join("printer");
  const Caller before = caller(credential);
  auto session = begin(credential);
  const SnapshotInfo head = commit(*session, "x");
  const Invitation open_invitation = invite("printer");
  ASSERT_TRUE(registry().remove("printer"));
  EXPECT_TRUE(registry().remove("printer")) << "twice is no error";
  EXPECT_EQ(session->ask({}).error().code, Errc::fenced);
  session.reset();

  for (const bool rebuilt : {false, true}) {
    if (rebuilt) open_without_catalog();
    EXPECT_TRUE(refused(registry().authenticate(credential), Errc::denied, "removed"));
    EXPECT_TRUE(refused(store_of(before)->begin({.run = make_run(2)}), Errc::denied, "removed"));
    EXPECT_TRUE(
        refused(registry().join({open_invitation.secret, random_credential()}), Errc::denied, "withdrawn"));
    EXPECT_TRUE(overview("printer")->revoked);
    EXPECT_EQ(overview("printer")->last_backup, head) << "its copies stay";
  }
  const Credential again = join("printer");
  EXPECT_EQ(begin(again, 3)->info().head, head);
  EXPECT_TRUE(refused(registry().authenticate(credential), Errc::denied, ""))
      << "the old one never comes back";
  EXPECT_EQ(registry().remove("nobody").error().code, Errc::not_found);
}

TEST_F(LocalRegistryTest, AnInvitationAloneCanBeTakenBack) {
  const Invitation invitation = invite("printer");
  EXPECT_TRUE(overview("printer")->invited);
  EXPECT_EQ(overview("printer")->node, 0u);
  ASSERT_TRUE(registry().remove("printer"));
  EXPECT_FALSE(overview("printer"));
  EXPECT_TRUE(refused(registry().join({invitation.secret, random_credential()}), Errc::denied, "withdrawn"));
}

TEST_F(LocalRegistryTest, ANameCanChange) {
  const Credential credential = join("printer");
  (void)join("scanner");
  const SnapshotInfo head = commit(*begin(credential), "x");
  const Invitation replacement = invite("printer");
  EXPECT_EQ(registry().rename("printer", "scanner").error().code, Errc::conflict);
  EXPECT_EQ(registry().rename("nobody", "somebody").error().code, Errc::not_found);
  EXPECT_EQ(registry().rename("printer", "a/b").error().code, Errc::invalid_argument);
  EXPECT_TRUE(registry().rename("printer", "printer"));
  ASSERT_TRUE(registry().rename("printer", "press"));
  for (const bool rebuilt : {false, true}) {
    if (rebuilt) open_without_catalog();
    EXPECT_EQ(caller(credential).name, "press");
    EXPECT_EQ(begin(credential, 2)->info().head, head);
    EXPECT_TRUE(overview("press")->invited);
  }
  const auto joined = registry().join({replacement.secret, random_credential()});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->node, "press") << "the invitation went with the node";
  EXPECT_TRUE(joined->has_history);
}

TEST_F(LocalRegistryTest, NobodyInheritsAHistoryByARename) {
  (void)join("printer");
  const Invitation stranger = invite("press");
  EXPECT_TRUE(refused(registry().rename("printer", "press"), Errc::conflict, "invited"));
  clock_.now += std::chrono::hours(2);
  ASSERT_TRUE(registry().rename("printer", "press")) << "the invitation has expired";
  clock_.now -= std::chrono::hours(2);
  EXPECT_TRUE(refused(registry().join({stranger.secret, random_credential()}), Errc::denied, "withdrawn"));
}

TEST_F(LocalRegistryTest, LocalUsersNeedNoInvitation) {
  const auto ana = repository_->caller_of(kAna);
  ASSERT_TRUE(ana);
  EXPECT_FALSE(ana->administrator);
  EXPECT_TRUE(repository_->caller_of(kRoot)->administrator);
  EXPECT_EQ(overview("ana")->uid, kAna.uid);
  EXPECT_TRUE(refused(registry().invite({.node = "ana"}), Errc::invalid_argument, "needs no invitation"));
  ASSERT_TRUE(registry().rename("ana", "anas-notebook"));
  EXPECT_EQ(repository_->caller_of(kAna)->name, "anas-notebook");
}

TEST_F(LocalRegistryTest, ALocalUsersNameIsNotAnInvitedOnes) {
  const Invitation invitation = invite("ana");
  EXPECT_NE(repository_->caller_of(kAna)->name, "ana");
  (void)join(invitation);
  EXPECT_FALSE(overview("ana")->uid);
}

TEST_F(LocalRegistryTest, ARemovedLocalUserComesBackByInvitation) {
  const Caller ana = *repository_->caller_of(kAna);
  const SnapshotInfo head = commit(*begin(ana), "x");
  ASSERT_TRUE(registry().remove("ana"));
  EXPECT_TRUE(refused(repository_->caller_of(kAna), Errc::denied, "removed"));
  EXPECT_TRUE(refused(store_of(ana)->begin({.run = make_run(2)}), Errc::denied, "removed"));
  open_without_catalog();
  EXPECT_TRUE(refused(repository_->caller_of(kAna), Errc::denied, "removed"));
  const Credential credential = join("ana");
  EXPECT_EQ(begin(credential, 3)->info().head, head);
  EXPECT_EQ(begin(*repository_->caller_of(kAna), 4)->info().head, head);
}

TEST_F(LocalRegistryTest, TheHostStaysAdministratorWithoutANode) {
  const Caller root = *repository_->caller_of(kRoot);
  ASSERT_TRUE(registry().remove(root.name));
  EXPECT_TRUE(repository_->caller_of(kRoot)->administrator);
  EXPECT_TRUE(refused(store_of(root)->begin({.run = make_run(1)}), Errc::denied, "removed"));
}

TEST_F(LocalRegistryTest, AnAdministratorsTokenHasNoFiles) {
  const auto made = registry().make_administrator_token("");
  ASSERT_TRUE(made);
  const Credential token = made->credential;
  for (const bool rebuilt : {false, true}) {
    if (rebuilt) open_without_catalog();
    const Caller administrator = caller(token);
    EXPECT_TRUE(administrator.administrator);
    EXPECT_EQ(administrator.node, 0u);
    EXPECT_TRUE(refused(store_of(administrator)->begin({.run = make_run(1)}), Errc::denied, "no files"));
  }
  EXPECT_TRUE(
      refused(registry().authenticate({token.id, random_id<SecretKey>()}), Errc::denied, "does not know"));
}

TEST_F(LocalRegistryTest, TokensAreListedWithoutTheirSecrets) {
  const auto grafana = registry().make_administrator_token("grafana");
  clock_.now += std::chrono::seconds(5);
  const auto unnamed = registry().make_administrator_token("");
  ASSERT_TRUE(grafana && unnamed);
  EXPECT_EQ(unnamed->name, "token-2");
  for (const bool rebuilt : {false, true}) {
    if (rebuilt) open_without_catalog();
    const auto tokens = registry().administrator_tokens().value();
    ASSERT_EQ(tokens.size(), 2u);
    EXPECT_EQ(tokens[0], (TokenOverview{grafana->credential.id, "grafana", {1'700'000'000, 0}, {}}));
    EXPECT_EQ(tokens[1], (TokenOverview{unnamed->credential.id, "token-2", {1'700'000'005, 0}, {}}));
  }
  clock_.now += std::chrono::seconds(5);
  (void)registry().authenticate({grafana->credential.id, random_id<SecretKey>()});
  EXPECT_EQ(registry().administrator_tokens()->at(0).last_used, std::nullopt) << "whoever fails uses nothing";
  (void)caller(grafana->credential);
  EXPECT_EQ(registry().administrator_tokens()->at(0).last_used, clock_.wall());
  EXPECT_EQ(registry().administrator_tokens()->at(1).last_used, std::nullopt);
}

TEST_F(LocalRegistryTest, NamesOfTokensAreLabels) {
  for (const char* name : {".hidden", "a b", "a\nb", "\x1b[2J"}) {
    EXPECT_TRUE(refused(registry().make_administrator_token(name), Errc::invalid_argument, "form of a node"));
  }
  EXPECT_TRUE(refused(registry().make_administrator_token(std::string(65, 'x')), Errc::invalid_argument, ""));
  EXPECT_TRUE(registry().make_administrator_token("same") && registry().make_administrator_token("same"));
  EXPECT_EQ(registry().administrator_tokens()->size(), 2u);
}

TEST_F(LocalRegistryTest, ARevokedTokenIsAsOneThatNeverWas) {
  const AdministratorToken kept = *registry().make_administrator_token("kept");
  const AdministratorToken gone = *registry().make_administrator_token("gone");
  const std::string id = to_hex(gone.credential.id);
  EXPECT_EQ(registry().revoke_administrator_token(id)->name, "gone");
  const std::string unknown = registry().authenticate(random_credential()).error().message;
  for (const bool rebuilt : {false, true}) {
    if (rebuilt) open_without_catalog();
    EXPECT_TRUE(refused(registry().authenticate(gone.credential), Errc::denied, unknown));
    EXPECT_TRUE(caller(kept.credential).administrator);
    EXPECT_EQ(registry().administrator_tokens()->size(), 1u);
    EXPECT_TRUE(refused(registry().revoke_administrator_token(id), Errc::conflict, "already"));
  }
  EXPECT_EQ(registry().make_administrator_token("")->name, "token-3") << "no name is given twice";
}

TEST_F(LocalRegistryTest, ATokenIsNamedByTheBeginningOfItsId) {
  std::map<char, int> beginnings;  // seventeen ids: two begin with the same digit
  std::vector<AdministratorToken> made;
  while (made.size() < 17) {
    made.push_back(*registry().make_administrator_token(""));
    ++beginnings[to_hex(made.back().credential.id)[0]];
  }
  const auto several = std::ranges::find_if(beginnings, [](const auto& b) { return b.second > 1; });
  EXPECT_TRUE(refused(registry().revoke_administrator_token(std::string(1, several->first)),
                      Errc::invalid_argument, "several"));
  EXPECT_EQ(registry().administrator_tokens()->size(), 17u);
  const CredentialId id = made[3].credential.id;
  EXPECT_EQ(registry().revoke_administrator_token(to_hex(id).substr(0, 12))->id, id);
  EXPECT_EQ(registry().administrator_tokens()->size(), 16u);
  EXPECT_TRUE(refused(registry().revoke_administrator_token(to_hex(random_id<CredentialId>())),
                      Errc::not_found, "no administrator's token"));
}

TEST_F(LocalRegistryTest, WhatIsNoIdOfATokenIsNotRepeated) {
  const Credential token = registry().make_administrator_token("")->credential, node = join("printer");
  const std::string whole = to_hex(token.id) + to_hex(token.secret);
  for (const std::string& text : {std::string(), std::string("grafana"), std::string("ABC"), whole}) {
    const auto revoked = registry().revoke_administrator_token(text);
    EXPECT_TRUE(refused(revoked, Errc::invalid_argument, "digits"));
    EXPECT_EQ(revoked.error().message.find(to_hex(token.secret)), std::string::npos);
  }
  EXPECT_TRUE(refused(registry().revoke_administrator_token(to_hex(node.id)), Errc::not_found, ""))
      << "a node's credential is none";
  EXPECT_TRUE(registry().authenticate(token) && registry().authenticate(node));
}

TEST_F(LocalRegistryTest, MembersOfAGroupKeepTheirOwnHistories) {
  const Credential one = join("one", "lab"), two = join("two", "lab"), alone = join("alone");
  EXPECT_EQ(overview("one")->group, "lab");
  EXPECT_EQ(overview("alone")->group, "");
  (void)commit(*begin(one), "one's");
  EXPECT_FALSE(begin(two)->info().head);
  EXPECT_EQ(begin(one, 2)->info().chunk_params, begin(two, 2)->info().chunk_params);
  EXPECT_FALSE(begin(one, 3)->info().chunk_params == begin(alone, 3)->info().chunk_params);
}

TEST_F(LocalRegistryTest, ANodeStaysInItsGroup) {
  (void)join("member", "lab");
  (void)join("alone");
  EXPECT_TRUE(
      refused(registry().invite({.node = "member", .group = "office"}), Errc::invalid_argument, "\"lab\""));
  EXPECT_TRUE(
      refused(registry().invite({.node = "alone", .group = "lab"}), Errc::invalid_argument, "no group"));
  EXPECT_EQ(invite("member").group, "lab") << "the one it is in";
  EXPECT_EQ(invite("member", "lab").group, "lab");
}

TEST_F(LocalRegistryTest, AnOverviewSaysWhatIsKnown) {
  const Credential credential = join("printer");
  BeginRequest request{.run = make_run(1), .client_version = "1.2", .client_address = "192.0.2.7"};
  const SnapshotInfo head = commit(*begin(caller(credential), request), "x");
  const auto printer = overview("printer");
  ASSERT_TRUE(printer);
  EXPECT_EQ(printer->last_backup, head);
  EXPECT_EQ(printer->snapshot_count, 1u);
  EXPECT_GT(printer->stored_bytes, 0u);
  EXPECT_EQ(printer->last_address, "192.0.2.7");
  EXPECT_EQ(printer->client_version, "1.2");
  EXPECT_EQ(printer->last_seen, clock_.wall());
  EXPECT_FALSE(printer->cloned || printer->revoked || printer->invited);
  std::vector<std::string> names;
  (void)join("Z");
  (void)join("a");
  const auto nodes = registry().nodes();
  for (const NodeOverview& node : *nodes)
    names.push_back(node.name);
  EXPECT_EQ(names, (std::vector<std::string>{"Z", "a", "printer"}));
}

TEST_F(LocalRegistryTest, ACloneIsNoticedOnBothSidesAndOnceInTheLog) {
  static std::vector<std::string> warnings;  // the sink has no owner
  warnings.clear();
  set_log_sink([](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warnings.push_back(text);
  });
  const Credential credential = join("printer");
  const Caller printer = caller(credential);
  const auto notices = [&](const std::string& boot) {
    return begin(printer, BeginRequest{.run = make_run(1), .boot_id = boot})->info().notices.size();
  };
  EXPECT_EQ(notices("original"), 0u);
  EXPECT_EQ(notices("copy"), 0u) << "it may have been a reboot";
  EXPECT_EQ(notices("original"), 1u);
  EXPECT_EQ(notices("copy"), 1u);
  EXPECT_EQ(notices("copy"), 1u);
  const auto tells = [](const std::string& warning) {
    return warning.find("two machines") != std::string::npos;
  };
  EXPECT_EQ(std::count_if(warnings.begin(), warnings.end(), tells), 1);
  EXPECT_TRUE(overview("printer")->cloned);
  const Credential fresh = join("printer");
  EXPECT_FALSE(overview("printer")->cloned);
  EXPECT_TRUE(begin(fresh)->info().notices.empty());
  set_log_sink(nullptr);
}

TEST_F(LocalRegistryTest, OfManyWhoHaveOneLinkOneJoins) {
  constexpr int kThreads = 6;
  const Invitation shared = invite("printer");
  std::vector<Invitation> own;
  for (int i = 0; i < kThreads; ++i)
    own.push_back(invite("node-" + std::to_string(i), "lab"));
  std::atomic<int> joined = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const auto won = registry().join({shared.secret, random_credential()});
      if (won) ++joined;
      const Credential credential = random_credential();
      EXPECT_TRUE(registry().join({own[static_cast<std::size_t>(i)].secret, credential}));
      for (int n = 0; n < 20; ++n)
        EXPECT_TRUE(registry().authenticate(credential));
      (void)commit(*begin(credential, static_cast<std::uint8_t>(i + 1)), std::to_string(i));
      EXPECT_TRUE(registry().nodes());
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(joined, 1);
  const auto nodes = registry().nodes();
  EXPECT_EQ(nodes->size(), kThreads + 1u);
  for (const NodeOverview& node : *nodes)
    EXPECT_EQ(node.snapshot_count, node.name == "printer" ? 0u : 1u);
}

bool contains(ByteView bytes, ByteView wanted) {
  return std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end()) != bytes.end();
}

TEST_F(LocalRegistryTest, SecretsAreNotOnTheDisk) {
  const Invitation invitation = invite("printer");
  const Credential credential = join(invitation);
  const Credential token = registry().make_administrator_token("")->credential;
  for (const char* copy : {"/journal.1/", "/journal.2/"}) {
    const Bytes journal = *file_system_.contents(std::string(kFakeDirectory) + copy + "00000001.journal");
    for (const SecretKey& secret : {invitation.secret.secret, credential.secret, token.secret}) {
      EXPECT_FALSE(contains(journal, secret.view()));
    }
    EXPECT_TRUE(contains(journal, credential.id.view())) << "ids are no secrets";
  }
}

}  // namespace

}  // namespace rb::test
