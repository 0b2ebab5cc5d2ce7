#include "backup/waiting_chunks.h"

#include <algorithm>

#include "base/limits.h"

namespace rb {

namespace {
// A round of everything takes at most so many questions.
constexpr std::size_t kPartsOfARound = 8;
}  // namespace

WaitingChunks::WaitingChunks(Session& session, RunMonitor& monitor, Send send, SendOff send_off,
                             WaitingOptions options)
    : session_(session),
      monitor_(monitor),
      send_(std::move(send)),
      send_off_(std::move(send_off)),
      options_(options),
      pause_(options.first_pause) {}

void WaitingChunks::add(const ObjectId& id, ByteView bytes) {
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(mutex_);
  if (chunks_.empty()) due_ = now + pause_;
  chunks_.emplace(++last_, Chunk{id, Bytes(bytes.begin(), bytes.end()), now});
  bytes_ += bytes.size();
}

WaitingChunks::Number WaitingChunks::last_number() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

bool WaitingChunks::settled(Number number) const {
  const std::lock_guard lock(mutex_);
  return chunks_.empty() || chunks_.begin()->first > number;
}

std::size_t WaitingChunks::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

Status WaitingChunks::ask_when_due() {
  Lock lock(mutex_);
  if (asking_ || chunks_.empty() || Clock::now() < due_) return {};
  return ask_round(lock);
}

Status WaitingChunks::wait_and_ask() {
  Lock lock(mutex_);
  // A pause is short, so a run that is stopped finds out soon enough.
  if (asking_) {
    asked_.wait_for(lock, options_.longest_pause);
    return {};
  }
  asked_.wait_until(lock, due_);
  if (asking_ || chunks_.empty() || Clock::now() < due_ || monitor_.stopped()) return {};
  return ask_round(lock);
}

// Goes on as long as whole parts come.
Status WaitingChunks::ask_round(Lock& lock) {
  asking_ = true;
  bool progress = false;
  Status status;
  while (status && !chunks_.empty() && !monitor_.stopped()) {
    const Part part = next_part();
    const std::size_t asked = part.size();
    const Result<std::size_t> settled = ask_part(lock, part);
    if (!settled) status = std::unexpected(settled.error());
    progress |= settled.value_or(0) > 0;
    if (settled.value_or(0) < asked) break;
    wanted_part_ = 2 * asked;
  }
  wanted_part_ = progress ? wanted_part_ : 0;
  pause_ = progress ? options_.first_pause : std::min(pause_ * 2, options_.longest_pause);
  due_ = Clock::now() + pause_;
  asking_ = false;
  asked_.notify_all();
  return status;
}

std::size_t WaitingChunks::part_size() const {
  const std::size_t size =
      std::max({options_.smallest_part, wanted_part_, chunks_.size() / kPartsOfARound + 1});
  return std::min(size, kMaxAskIds);
}

WaitingChunks::Part WaitingChunks::next_part() {
  Part part;
  auto at = chunks_.lower_bound(next_to_ask_);
  if (at == chunks_.end()) at = chunks_.begin();
  for (const std::size_t size = part_size(); at != chunks_.end() && part.size() < size; ++at)
    part.push_back(&*at);
  next_to_ask_ = part.back()->first + 1;
  return part;
}

Result<std::size_t> WaitingChunks::ask_part(Lock& lock, const Part& part) {
  std::vector<ObjectId> ids;
  for (const auto* chunk : part)
    ids.push_back(chunk->second.id);
  lock.unlock();
  const auto leave = [&](Error error) {
    lock.lock();
    return std::unexpected(std::move(error));
  };
  const Result<std::vector<Presence>> answers = session_.ask(ids);
  if (!answers) return leave(answers.error());
  if (answers->size() != ids.size()) return leave(Error(Errc::protocol, "the store gave too few answers"));
  const Clock::time_point now = Clock::now();
  std::vector<Chunks::key_type> settled;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto& [number, chunk] = *part[i];
    const Presence answer = (*answers)[i];
    if (answer == Presence::wait && now - chunk.since < options_.patience) continue;
    if (answer != Presence::have) {
      if (const Status sent = send_(chunk.id, chunk.bytes); !sent) return leave(sent.error());
    }
    settled.push_back(number);
  }
  // What is claimed by now goes out before anything else is waited for.
  if (const Status sent = send_off_(); !sent) return leave(sent.error());
  lock.lock();
  for (const Chunks::key_type number : settled) {
    const auto at = chunks_.find(number);
    bytes_ -= at->second.bytes.size();
    chunks_.erase(at);
  }
  return settled.size();
}

}  // namespace rb
