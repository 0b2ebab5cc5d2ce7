// Keeps the keys that a joined server may have in step with what it announces, so that a change of its key is
// no event: a key that is announced is trusted beside the present one, and one that is gone is trusted no
// longer.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "cli/joined_server.h"
#include "store/store.h"

namespace rb::cli {

// Whether the server has this key now.
using KeyProbe = std::function<Result<bool>(const api::KeyPin&)>;

// What to trust after a session has begun over one of `pins`, and the server announced that key or none.
// Which of two keys it has is asked only where the answer changes something: it no longer announces the
// second, having switched to it or given it up.
Result<std::vector<api::KeyPin>> settle_pins(const std::vector<api::KeyPin>& pins,
                                             const std::optional<api::KeyPin>& announced,
                                             const KeyProbe& has_key);

// Thread-safe.
class KeyKeeper {
 public:
  KeyKeeper(JoinedServerFile file, JoinedServer joined, KeyProbe has_key)
      : file_(std::move(file)), joined_(std::move(joined)), has_key_(std::move(has_key)) {}

  // The server announces this key with the session that is just beginning.
  void note_announced(const api::KeyPin& pin);
  // That session has begun. An error is not worth ending anything for: the next session tries again.
  Status settle();

 private:
  const JoinedServerFile file_;
  std::mutex mutex_;
  JoinedServer joined_;
  const KeyProbe has_key_;
  std::optional<api::KeyPin> announced_;
};

// As `inner`; settles after each begin.
std::unique_ptr<Store> make_key_keeping_store(std::unique_ptr<Store> inner, std::shared_ptr<KeyKeeper> keeper,
                                              std::function<void(const std::string&)> on_notice);

}  // namespace rb::cli
