// A repository in memory whose nodes join by invitation; it can be opened again, with its catalog or without.
#pragma once

#include <gtest/gtest.h>

#include "base/random.h"
#include "support/fake_repository.h"
#include "support/store_samples.h"

namespace rb::test {

class MovingClock final : public Clock {
 public:
  Timestamp wall() const override { return {1'700'000'000 + (now + ahead).count() / 1'000'000'000, 0}; }
  std::chrono::nanoseconds monotonic() const override { return now; }
  std::chrono::nanoseconds now{};
  std::chrono::nanoseconds ahead{};  // what the wall clock has jumped by
};

inline Credential random_credential() {
  return {random_id<CredentialId>(), random_id<SecretKey>()};
}

class RegistryFixture : public testing::Test {
 protected:
  RegistryFixture() { open(); }

  void open() {
    repository_.reset();
    options_.file_system = &file_system_;
    options_.clock = &clock_;
    options_.take_lock = false;
    options_.make_catalog = [log = catalog_]() -> Result<std::unique_ptr<Catalog>> {
      return std::make_unique<MemoryCatalog>(log);
    };
    auto opened = LocalRepository::open(kFakeDirectory, options_);
    ASSERT_TRUE(opened) << opened.error().message;
    repository_ = std::move(*opened);
  }
  // As after deleting DIR/catalog.
  void open_without_catalog() {
    repository_.reset();
    *catalog_ = {};
    open();
    EXPECT_TRUE(repository_->report().catalog_rebuilt);
  }

  // As after a crash in which the catalog's last batches were lost.
  void open_with_older_catalog(std::size_t batches) {
    repository_.reset();
    if (batches < catalog_->batches.size()) catalog_->batches.resize(batches);
    open();
    EXPECT_FALSE(repository_->report().catalog_rebuilt);
  }

  NodeRegistry& registry() { return repository_->registry(); }

  Invitation invite(const std::string& node, const std::string& group = "") {
    auto invitation = registry().invite({.node = node, .group = group});
    EXPECT_TRUE(invitation) << invitation.error().message;
    return invitation.value_or(Invitation{});
  }
  // What the new node proves itself with.
  Credential join(const Invitation& invitation) {
    const Credential credential = random_credential();
    const auto joined = registry().join({invitation.secret, credential});
    EXPECT_TRUE(joined) << joined.error().message;
    return credential;
  }
  Credential join(const std::string& node, const std::string& group = "") {
    return join(invite(node, group));
  }

  Caller caller(const Credential& credential) {
    const auto caller = registry().authenticate(credential);
    EXPECT_TRUE(caller) << caller.error().message;
    return caller.value_or(Caller{});
  }
  std::unique_ptr<Store> store_of(const Caller& caller) {
    auto store = repository_->store_for(caller);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  std::unique_ptr<Session> begin(const Caller& caller, std::uint8_t run = 1) {
    return begin(caller, BeginRequest{.run = make_run(run)});
  }
  std::unique_ptr<Session> begin(const Caller& caller, const BeginRequest& request) {
    auto session = store_of(caller)->begin(request);
    EXPECT_TRUE(session) << session.error().message;
    return session ? std::move(*session) : nullptr;
  }
  std::unique_ptr<Session> begin(const Credential& credential, std::uint8_t run = 1) {
    return begin(caller(credential), run);
  }

  Result<CommitResult> try_commit(Session& session, const NamedObject& snapshot) {
    const auto& head = session.info().head;
    return session.commit(
        {.snapshot = snapshot.id, .expected_head = head ? std::optional(head->id) : std::nullopt});
  }
  // A tree of one chunk that says `text`.
  SnapshotInfo commit(Session& session, const std::string& text) {
    const NamedObject chunk = make_chunk(text), tree = make_tree(text, {chunk.id});
    const NamedObject snapshot = make_snapshot(text, tree.id);
    EXPECT_TRUE(session.put(make_block({chunk})));
    EXPECT_TRUE(session.put(make_block({tree, snapshot})));
    const auto result = try_commit(session, snapshot);
    EXPECT_TRUE(result && result->committed);
    return result && result->head ? *result->head : SnapshotInfo{};
  }

  std::optional<NodeOverview> overview(const std::string& name) {
    const auto nodes = registry().nodes();
    EXPECT_TRUE(nodes) << nodes.error().message;
    for (const NodeOverview& node : nodes.value_or(std::vector<NodeOverview>{})) {
      if (node.name == name) return node;
    }
    return std::nullopt;
  }

  FakeFileSystem file_system_;
  std::shared_ptr<MemoryCatalogLog> catalog_ = std::make_shared<MemoryCatalogLog>();
  MovingClock clock_;
  RepositoryOptions options_;
  std::unique_ptr<LocalRepository> repository_;
};

// Whether it failed, with these words in its message.
template <typename T>
testing::AssertionResult refused(const Result<T>& result, Errc code, std::string_view words) {
  if (result) return testing::AssertionFailure() << "it succeeded";
  const Error& error = result.error();
  if (error.code == code && error.message.find(words) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << to_string(error.code) << ": " << error.message;
}

}  // namespace rb::test
