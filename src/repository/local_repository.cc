#include "repository/local_repository.h"

#include <array>

#include <fmt/format.h>
#include <unistd.h>

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
  LocalStore(std::shared_ptr<RepositoryCore> core, NodeRecord node)
      : core_(std::move(core)), node_(std::move(node)) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    return begin_local_session(core_, node_, request);
  }

 private:
  const std::shared_ptr<RepositoryCore> core_;
  const NodeRecord node_;
};

class LocalRepositoryImpl final : public LocalRepository {
 public:
  explicit LocalRepositoryImpl(std::shared_ptr<RepositoryCore> core) : core_(std::move(core)) {}

  Result<std::unique_ptr<Store>> store_for(const LocalUser& user) override {
    RB_TRY(NodeRecord node, node_for(user));
    return std::make_unique<LocalStore>(core_, std::move(node));
  }

  const RepositoryReport& report() const override { return core_->report(); }
  std::size_t open_sessions() const override { return core_->sessions().open_count(); }
  void fence_sessions() override { core_->fence_sessions(); }
  RepositoryId id() const override { return core_->directory().format.id; }

 private:
  Result<NodeRecord> node_for(const LocalUser& user) {
    if (user.uid == kOverflowUid) {
      return fail(Errc::denied, "the kernel can't tell which user this is (a uid of another user namespace)");
    }
    // Bound to root whoever owns the directory, so that a change of owner does not change the node.
    if (user.uid == kRootUid || user.uid == core_->owner_uid()) {
      return core_->book().node_of(kRootUid, kRootName, host_name());
    }
    const std::string label = user.name.empty() ? fmt::format("uid-{}", user.uid) : user.name;
    return core_->book().node_of(user.uid, user.name, label);
  }

  const std::shared_ptr<RepositoryCore> core_;
};

}  // namespace

Result<std::unique_ptr<LocalRepository>> LocalRepository::open(const std::string& directory,
                                                               RepositoryOptions options) {
  RB_TRY(auto core, RepositoryCore::open(directory, std::move(options)));
  return std::make_unique<LocalRepositoryImpl>(std::move(core));
}

}  // namespace rb
