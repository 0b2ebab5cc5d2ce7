// The power goes during every change of who belongs. Afterwards what was answered holds, and what was not is
// there wholly or not at all.
#include "support/registry_fixture.h"

namespace rb::test {

namespace {

constexpr int kCutsMax = 2000;

Result<std::unique_ptr<LocalRepository>> open_on(FakeFileSystem& fs, const Clock& clock) {
  return LocalRepository::open(kFakeDirectory, fake_options(fs, std::make_shared<MemoryCatalogLog>(), clock));
}

// What was promised to whom. A step that failed may have happened.
struct Answered {
  std::optional<Credential> first, second;  // of the node "a", in this order
  bool removed_b = false;
  std::optional<Credential> b;
  bool renamed_c = false;
  std::optional<Credential> c;
  bool revoked = false;
  std::optional<Credential> token, other_token;
};

struct Attempted {
  Credential second;
  bool second_sent = false, removal_sent = false, renaming_sent = false, revocation_sent = false;
};

Result<Credential> enrol(NodeRegistry& registry, const std::string& name) {
  RB_TRY(const Invitation invitation, registry.invite({.node = name, .group = "lab"}));
  const Credential credential = random_credential();
  RB_TRY(registry.join({invitation.secret, credential}));
  return credential;
}

Result<Credential> make_token(NodeRegistry& registry) {
  RB_TRY(const AdministratorToken token, registry.make_administrator_token(""));
  return token.credential;
}

Status run_script(FakeFileSystem& fs, const Clock& clock, Answered& answered, Attempted& attempted) {
  RB_TRY(const auto repository, open_on(fs, clock));
  NodeRegistry& registry = repository->registry();
  RB_TRY(answered.first, enrol(registry, "a"));
  RB_TRY(answered.b, enrol(registry, "b"));
  RB_TRY(answered.c, enrol(registry, "c"));
  RB_TRY(const Invitation replacement, registry.invite({.node = "a"}));
  attempted.second_sent = true;
  RB_TRY(registry.join({replacement.secret, attempted.second}));
  answered.second = attempted.second;
  attempted.removal_sent = true;
  RB_TRY(registry.remove("b"));
  answered.removed_b = true;
  attempted.renaming_sent = true;
  RB_TRY(registry.rename("c", "d"));
  answered.renamed_c = true;
  RB_TRY(answered.token, make_token(registry));
  RB_TRY(answered.other_token, make_token(registry));
  attempted.revocation_sent = true;
  RB_TRY(registry.revoke_administrator_token(to_hex(answered.token->id)));
  answered.revoked = true;
  return {};
}

bool lets_in(NodeRegistry& registry, const std::optional<Credential>& credential) {
  return credential && registry.authenticate(*credential).has_value();
}

void check_tokens(NodeRegistry& registry, const Answered& answered, const Attempted& attempted) {
  if (answered.revoked) {
    EXPECT_FALSE(lets_in(registry, answered.token));
  }
  if (answered.token && !attempted.revocation_sent) {
    EXPECT_TRUE(lets_in(registry, answered.token));
  }
  if (answered.other_token) {
    EXPECT_TRUE(lets_in(registry, answered.other_token));
  }
}

void check_promises(NodeRegistry& registry, const Answered& answered, const Attempted& attempted) {
  const bool first = lets_in(registry, answered.first), second = lets_in(registry, attempted.second);
  if (answered.first) {
    EXPECT_NE(first, second) << "always one of the two";
  }
  if (answered.second) {
    EXPECT_TRUE(second);
  }
  if (!attempted.second_sent) {
    EXPECT_FALSE(second);
  }

  if (answered.removed_b) {
    EXPECT_FALSE(lets_in(registry, answered.b));
  }
  if (answered.b && !attempted.removal_sent) {
    EXPECT_TRUE(lets_in(registry, answered.b));
  }

  if (!answered.c) return;
  const auto c = registry.authenticate(*answered.c);
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_TRUE(c->name == "c" || c->name == "d");
  if (answered.renamed_c) {
    EXPECT_EQ(c->name, "d");
  }
  if (!attempted.renaming_sent) {
    EXPECT_EQ(c->name, "c");
  }
}

// Whatever a cut left behind, everybody can be invited again, into the same group.
void check_goes_on(LocalRepository& repository) {
  for (const char* name : {"a", "b", "e"}) {
    const auto credential = enrol(repository.registry(), name);
    ASSERT_TRUE(credential) << name << ": " << credential.error().message;
    const auto store = repository.store_for(*repository.registry().authenticate(*credential));
    EXPECT_TRUE((*store)->begin({.run = make_run(1)}));
  }
}

void cut_everywhere(Survival survival) {
  const MovingClock clock;
  for (int cut = 0; cut < kCutsMax; ++cut) {
    SCOPED_TRACE(cut);
    FakeFileSystem fs;
    { ASSERT_TRUE(open_on(fs, clock)); }
    fs.crash_after(static_cast<std::uint64_t>(cut));
    Answered answered;
    Attempted attempted{.second = random_credential()};
    const Status done = run_script(fs, clock, answered, attempted);
    if (done) {
      EXPECT_GT(cut, 20) << "the script writes more than that";
      return;
    }
    const auto after = fs.reopen(survival, static_cast<std::uint64_t>(cut));
    for (int start = 0; start < 2; ++start) {
      const auto repository = open_on(*after, clock);
      ASSERT_TRUE(repository) << repository.error().message;
      check_promises((*repository)->registry(), answered, attempted);
      check_tokens((*repository)->registry(), answered, attempted);
      if (start == 1) check_goes_on(**repository);
    }
  }
  FAIL() << "the script never ended";
}

TEST(LocalRegistryCrashTest, NothingUnsyncedSurvives) {
  cut_everywhere(Survival::none);
}
TEST(LocalRegistryCrashTest, EverythingSurvives) {
  cut_everywhere(Survival::all);
}
TEST(LocalRegistryCrashTest, SomeSurvives) {
  cut_everywhere(Survival::some);
}
TEST(LocalRegistryCrashTest, SectorsAreTorn) {
  cut_everywhere(Survival::torn);
}

}  // namespace

}  // namespace rb::test
