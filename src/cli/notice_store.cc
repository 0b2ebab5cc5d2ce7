#include "cli/notice_store.h"

#include <mutex>
#include <set>

#include "cli/text.h"

namespace rb::cli {

namespace {

// A server that means harm could fill the terminal otherwise.
constexpr std::size_t kMaxNotices = 20;
constexpr std::size_t kMaxNoticeBytes = 500;

class NoticeStore final : public Store {
 public:
  NoticeStore(std::unique_ptr<Store> inner, std::function<void(const std::string&)> on_notice)
      : inner_(std::move(inner)), on_notice_(std::move(on_notice)) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    auto session = inner_->begin(request);
    if (session && on_notice_) {
      for (const std::string& notice : (*session)->info().notices)
        say(notice.substr(0, kMaxNoticeBytes));
    }
    return session;
  }

 private:
  void say(const std::string& notice) {
    const std::lock_guard lock(mutex_);
    if (said_.size() < kMaxNotices && said_.insert(notice).second)
      on_notice_("warning: " + printable(notice));
  }

  const std::unique_ptr<Store> inner_;
  const std::function<void(const std::string&)> on_notice_;
  std::mutex mutex_;
  std::set<std::string> said_;
};

}  // namespace

std::unique_ptr<Store> make_notice_store(std::unique_ptr<Store> inner,
                                         std::function<void(const std::string&)> on_notice) {
  return std::make_unique<NoticeStore>(std::move(inner), std::move(on_notice));
}

}  // namespace rb::cli
