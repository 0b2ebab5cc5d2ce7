#include "soak/memory_image.h"

#include "gc/collector.h"

namespace rb::test {

namespace {

constexpr std::uint64_t kPackBytes = 96 << 10;
constexpr int kDays = 6;

Status collect(RepositoryCore& core) {
  const std::atomic<bool> never = false;
  CollectionOptions options;
  options.pack_bytes_max = kPackBytes;
  RB_TRY(run_collection(core, options, never));
  return {};
}

// Every day begins with a start of the server, so with a new pack.
Status live(Prepared& made) {
  RB_TRY(made.image.open());
  made.history.join(made.image.repository(), "ana");
  made.history.join(made.image.repository(), "ben", "family");
  made.history.join(made.image.repository(), "cleo", "family");
  for (int day = 1; day <= kDays; ++day) {
    made.image.let_a_day_pass();
    made.history.live_through_a_day(made.image.repository());
    RB_TRY(made.image.repository().history().prune({}));
    RB_TRY(collect(made.image.repository().core()));
    RB_TRY(made.image.open());
  }
  made.history.forget_pruned(made.image.repository());
  RB_TRY(made.image.make_parity());
  made.image.close();
  return {};
}

}  // namespace

Status MemoryImage::open() {
  close();
  RepositoryOptions options = fake_options(*fs_, catalog_, clock_);
  options.pack_bytes_max = kPackBytes;
  options.retention.standard = parse_retention_policy("last=3 floor=0").value();
  options.retention.undelete_for = {};
  RB_TRY(repository_, LocalRepository::open(kFakeDirectory, options));
  keeper_ = std::make_unique<PackKeeper>(repository_->core(), kSoakParityPercent);
  return {};
}

void MemoryImage::close() {
  keeper_.reset();
  repository_.reset();
}

Status MemoryImage::make_parity() {
  Pace pace;
  for (const std::uint64_t pack : repository_->core().packs().sealed_packs())
    RB_TRY(keeper_->look_after(pack, Thoroughness::parity, pace));
  return {};
}

FullCheck MemoryImage::check() {
  return check_everything(*repository_, *keeper_, std::string(kFakeDirectory) + "/last-read");
}

std::vector<std::string> MemoryImage::files(const std::string& directory) const {
  const std::string path = std::string(kFakeDirectory) + "/" + directory;
  std::vector<std::string> names = fs_->list(path).value();
  for (std::string& name : names)
    name.insert(0, path + "/");
  return names;
}

void MemoryImage::replace(const std::string& path, const std::optional<Bytes>& content) {
  if (content) {
    fs_->put(path, *content);
  } else {
    fs_->erase(path);
  }
}

const Prepared& prepared() {
  static const Prepared* const kMade = [] {
    auto* const made = new Prepared{.image = {}, .history = SmallHistory(7)};
    const Status lived = live(*made);
    if (!lived) ADD_FAILURE() << lived.error().message;
    return made;
  }();
  return *kMade;
}

}  // namespace rb::test
