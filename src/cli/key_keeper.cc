#include "cli/key_keeper.h"

namespace rb::cli {

namespace {

class KeyKeepingStore final : public Store {
 public:
  KeyKeepingStore(std::unique_ptr<Store> inner, std::shared_ptr<KeyKeeper> keeper,
                  std::function<void(const std::string&)> on_notice)
      : inner_(std::move(inner)), keeper_(std::move(keeper)), on_notice_(std::move(on_notice)) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    auto session = inner_->begin(request);
    if (!session) return session;
    const Status settled = keeper_->settle();
    if (!settled && on_notice_)
      on_notice_("the server's next key could not be remembered: " + settled.error().message);
    return session;
  }

 private:
  const std::unique_ptr<Store> inner_;
  const std::shared_ptr<KeyKeeper> keeper_;
  const std::function<void(const std::string&)> on_notice_;
};

}  // namespace

Result<std::vector<api::KeyPin>> settle_pins(const std::vector<api::KeyPin>& pins,
                                             const std::optional<api::KeyPin>& announced,
                                             const KeyProbe& has_key) {
  api::KeyPin present = pins.front();
  if (pins.size() > 1) {
    if (announced == pins.back()) return pins;
    RB_TRY(const bool has_switched, has_key(pins.back()));
    if (has_switched) present = pins.back();
  }
  std::vector<api::KeyPin> settled = {present};
  if (announced && *announced != present) settled.push_back(*announced);
  return settled;
}

void KeyKeeper::note_announced(const api::KeyPin& pin) {
  const std::lock_guard lock(mutex_);
  announced_ = pin;
}

Status KeyKeeper::settle() {
  const std::lock_guard lock(mutex_);
  const auto announced = std::exchange(announced_, std::nullopt);
  RB_TRY(auto pins, settle_pins(joined_.pins, announced, has_key_));
  if (pins == joined_.pins) return {};
  RB_TRY(file_.replace_pins(joined_, pins));
  joined_.pins = std::move(pins);
  return {};
}

std::unique_ptr<Store> make_key_keeping_store(std::unique_ptr<Store> inner, std::shared_ptr<KeyKeeper> keeper,
                                              std::function<void(const std::string&)> on_notice) {
  return std::make_unique<KeyKeepingStore>(std::move(inner), std::move(keeper), std::move(on_notice));
}

}  // namespace rb::cli
