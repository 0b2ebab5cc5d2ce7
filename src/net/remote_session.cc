#include "net/remote_session.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "base/limits.h"
#include "net/block_download.h"

namespace rb::net {

namespace {

using std::chrono::steady_clock;

std::int64_t now_ticks() {
  return steady_clock::now().time_since_epoch().count();
}

// Ending a session is a courtesy, its lease would do it too: nobody waits longer for that.
constexpr std::chrono::milliseconds kGoodbyeTime{2000};

}  // namespace

RemoteSession::RemoteSession(std::shared_ptr<ServerLink> link, const RunId& run, api::BeginAnswer answer)
    : link_(std::move(link)),
      run_(run),
      begun_(std::move(answer)),
      must_ask_(!begun_.info.dont_ask),
      last_answer_(now_ticks()) {
  BlockSenderOptions options;
  options.connections = link_->options().connections;
  options.window_bytes = link_->options().window_bytes;
  sender_ = std::make_unique<BlockSender>(
      [this](const api::StreamPosition& position, std::span<const Bytes> blocks) {
        return send_blocks(position, blocks);
      },
      options);
  keeper_ = std::thread([this] { keep_alive(); });
}

RemoteSession::~RemoteSession() {
  cancellation_.cancel();
  keeper_.join();
  sender_.reset();
  if (fenced_) return;
  const api::Request request = api::end_request(begun_.session);
  Exchange exchange;
  exchange.request = &request;
  exchange.total = kGoodbyeTime;
  (void)link_->attempt(exchange);
}

Result<std::vector<Presence>> RemoteSession::ask(std::span<const ObjectId> ids) {
  if (ids.size() > kMaxAskIds) return fail(Errc::invalid_argument, "too many ids in one question");
  RB_TRY(check_fence());
  if (ids.empty()) return std::vector<Presence>();
  RB_TRY(const api::Response answer, call(api::ask_request(begun_.session, ids)));
  return noted(api::parse_ask(answer, ids.size()));
}

Status RemoteSession::put(Bytes block) {
  RB_TRY(check_fence());
  RB_TRY(const std::size_t length, block_length(block));
  if (length != block.size()) return fail(Errc::invalid_argument, "these bytes are not one block");
  RB_TRY(const BlockClass block_class, block_class_of(block));
  return sender_->put(block_class, std::move(block));
}

Status RemoteSession::flush() {
  RB_TRY(check_fence());
  RB_TRY(sender_->flush());
  // Whether asking is needless still is news that comes with any answer; a flush that had nothing to send
  // gets one.
  return must_ask_ ? Status() : renew();
}

Status RemoteSession::renew() {
  RB_TRY(const api::Response answer, call(api::keep_alive_request(begun_.session)));
  return noted(api::parse_keep_alive(answer));
}

Result<CommitResult> RemoteSession::commit(const CommitRequest& request) {
  // A fenced session may still ask for the result of a commit that its run has made before.
  const Status flushed = flush();
  if (!flushed && flushed.error().code != Errc::fenced) return std::unexpected(flushed.error());
  RB_TRY(const api::Response answer, call(api::commit_request(begun_.session, run_, request)));
  return noted(api::parse_commit(answer));
}

Status RemoteSession::read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) {
  if (ids.size() > kMaxReadIds) return fail(Errc::invalid_argument, "too many ids to read at once");
  RB_TRY(check_fence());
  BlockDownload download(ids, sink);
  ServerLink::Failures failures;
  while (!download.complete()) {
    const api::Request request = api::objects_request(begun_.session, download.missing(), neighbours);
    Exchange exchange = exchange_of(request);
    exchange.on_body = [&](ByteView piece) { return download.feed(piece); };
    Result<api::Response> answer = link_->attempt(exchange, failures);
    if (answer) {
      note_answer(*answer);
      return noted(download.finish(*answer));
    }
    const bool repeats = answer.error().code == Errc::unavailable && !download.failed();
    if (!repeats) return std::unexpected(answer.error());
    if (download.restart()) failures.count = 0;  // blocks came, so the server does answer
    RB_TRY(link_->wait_after(answer.error(), failures, cancellation_));
  }
  return {};
}

Result<std::vector<SnapshotInfo>> RemoteSession::snapshots(const SnapshotQuery& query) {
  RB_TRY(check_fence());
  RB_TRY(const api::Response answer, call(api::snapshots_request(begun_.session, query)));
  return noted(api::parse_snapshots(answer, query));
}

Result<StoreStatus> RemoteSession::status() {
  RB_TRY(check_fence());
  RB_TRY(const api::Response answer, call(api::status_request(begun_.session)));
  return noted(api::parse_status(answer));
}

Status RemoteSession::pin(const SnapshotId& snapshot, bool pinned) {
  RB_TRY(check_fence());
  RB_TRY(const api::Response answer, call(api::own_pin_request(begun_.session, {snapshot, pinned})));
  return noted(api::parse_done(answer));
}

Exchange RemoteSession::exchange_of(const api::Request& request) const {
  Exchange exchange;
  exchange.request = &request;
  exchange.stall = link_->options().stall;
  exchange.cancelled = cancellation_.flag();
  return exchange;
}

Result<api::Response> RemoteSession::call(const api::Request& request) {
  RB_TRY(api::Response answer, link_->call(exchange_of(request), cancellation_));
  note_answer(answer);
  return answer;
}

Status RemoteSession::send_blocks(const api::StreamPosition& position, std::span<const Bytes> blocks) {
  const api::Request request = api::blocks_request(begun_.session, position);
  Exchange exchange = exchange_of(request);
  exchange.parts = blocks;
  ServerLink::Failures failures;
  for (;;) {
    const Result<api::Response> answer = link_->attempt(exchange, failures);
    if (answer) {
      note_answer(*answer);
      return noted(api::parse_blocks(*answer, position, blocks.size()));
    }
    if (answer.error().code != Errc::unavailable) return std::unexpected(answer.error());
    RB_TRY(link_->wait_after(answer.error(), failures, cancellation_));
    // A server that was restarted has ended the session: that is worth a question before megabytes are sent
    // again for nothing.
    RB_TRY(renew());
  }
}

Status RemoteSession::check_fence() const {
  if (fenced_) return fail(Errc::fenced, "the server has ended this session");
  return {};
}

void RemoteSession::note_answer(const api::Response& answer) {
  last_answer_ = now_ticks();
  if (answer.status < 400 && !api::says_dont_ask(answer)) must_ask_ = true;
}

// A fence holds for all calls from then on, the ones that wait for the window included.
void RemoteSession::note_error(const Error& error) {
  if (error.code != Errc::fenced) return;
  fenced_ = true;
  if (sender_) sender_->stop(error);
}

template <typename T>
Result<T> RemoteSession::noted(Result<T> result) {
  if (!result) note_error(result.error());
  return result;
}

void RemoteSession::keep_alive() {
  const auto lease = std::max<std::chrono::nanoseconds>(begun_.lease, std::chrono::seconds(1));
  const auto interval = lease / 4;
  auto pause = interval;
  while (cancellation_.sleep_for(std::chrono::ceil<std::chrono::milliseconds>(pause)) && !fenced_) {
    const std::chrono::nanoseconds quiet(now_ticks() - last_answer_);
    pause = interval - std::min(quiet, interval / 2);
    if (quiet < interval / 2) continue;
    const api::Request request = api::keep_alive_request(begun_.session);
    Exchange exchange;
    exchange.request = &request;
    exchange.total = std::chrono::ceil<std::chrono::milliseconds>(interval);
    exchange.cancelled = cancellation_.flag();
    // Failing is no reason to give up anything: the calls that matter find out by themselves.
    const Result<api::Response> answer = link_->attempt(exchange);
    if (!answer) continue;
    note_answer(*answer);
    (void)noted(api::parse_keep_alive(*answer));
  }
}

}  // namespace rb::net
