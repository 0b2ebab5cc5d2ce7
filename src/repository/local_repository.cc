#include "repository/local_repository.h"

#include <array>

#include <fmt/format.h>
#include <unistd.h>

#include "repository/local_history.h"
#include "repository/local_registry.h"
#include "repository/local_session.h"

namespace rb {

namespace {

// Whom the kernel names when it can't name anybody (overflowuid): many users at once, so no node can be
// theirs.
constexpr std::uint32_t kOverflowUid = 65534;
constexpr std::uint32_t kRootUid = 0;
constexpr char kRootName[] = "root";

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

class LocalStore final : public Store {
 public:
  LocalStore(std::shared_ptr<RepositoryCore> core, Caller caller)
      : core_(std::move(core)), caller_(std::move(caller)) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    return begin_local_session(core_, caller_, request);
  }

 private:
  const std::shared_ptr<RepositoryCore> core_;
  const Caller caller_;
};

class LocalRepositoryImpl final : public LocalRepository {
 public:
  explicit LocalRepositoryImpl(std::shared_ptr<RepositoryCore> core)
      : core_(std::move(core)), registry_(core_), history_(core_) {}

  NodeRegistry& registry() override { return registry_; }
  HistoryKeeper& history() override { return history_; }

  Result<Caller> caller_of(const LocalUser& user) override {
    RB_TRY(const CatalogNode node, node_for(user));
    const bool administrator = is_host(user);
    if (node.removed && !administrator) {
      return fail(Errc::denied, fmt::format("the node \"{}\" of this user was removed from this server: its "
                                            "administrator can invite it again",
                                            node.record.name));
    }
    return Caller{.node = node.record.node, .name = node.record.name, .administrator = administrator};
  }

  Result<std::unique_ptr<Store>> store_for(const Caller& caller) override {
    return std::make_unique<LocalStore>(core_, caller);
  }

  Result<std::unique_ptr<Store>> store_for(const LocalUser& user) override {
    RB_TRY(const Caller caller, caller_of(user));
    return store_for(caller);
  }

  void set_quotas(const Quota& standard, std::map<std::string, Quota> by_node) override {
    core_->set_quotas(standard, std::move(by_node));
  }
  void set_retention(RetentionSettings settings) override { core_->retention().set(std::move(settings)); }

  const RepositoryReport& report() const override { return core_->report(); }
  RepositoryState state() const override {
    return {core_->index().object_count(), core_->packs().stored_bytes(), core_->read_only_reason()};
  }
  std::size_t open_sessions() const override { return core_->sessions().open_count(); }
  void fence_sessions() override { core_->fence_sessions(); }
  RepositoryCore& core() override { return *core_; }
  RepositoryId id() const override { return core_->directory().format.id; }

 private:
  bool is_host(const LocalUser& user) const { return user.uid == kRootUid || user.uid == core_->owner_uid(); }

  Result<CatalogNode> node_for(const LocalUser& user) {
    if (user.uid == kOverflowUid) {
      return fail(Errc::denied, "the kernel can't tell which user this is (a uid of another user namespace)");
    }
    // Bound to root whoever owns the directory, so that a change of owner does not change the node.
    if (is_host(user)) {
      return core_->book().node_of(kRootUid, kRootName, host_name());
    }
    const std::string label = user.name.empty() ? fmt::format("uid-{}", user.uid) : user.name;
    return core_->book().node_of(user.uid, user.name, label);
  }

  const std::shared_ptr<RepositoryCore> core_;
  LocalRegistry registry_;
  LocalHistory history_;
};

}  // namespace

Result<std::unique_ptr<LocalRepository>> LocalRepository::open(const std::string& directory,
                                                               RepositoryOptions options) {
  RB_TRY(auto core, RepositoryCore::open(directory, std::move(options)));
  return std::make_unique<LocalRepositoryImpl>(std::move(core));
}

}  // namespace rb
