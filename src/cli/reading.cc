#include "cli/reading.h"

namespace rb::cli {

Result<std::unique_ptr<Reading>> start_reading(const std::string& server_option, Terminal& terminal,
                                               std::uint64_t bytes_per_second) {
  const NoticeSink notice = [&terminal](const std::string& text) { terminal.note(text); };
  auto reading = std::make_unique<Reading>();
  RB_TRY(reading->connection, connect(server_option, notice, bytes_per_second));
  RB_TRY(reading->session, begin_reading(*reading->connection.store, notice));
  reading->objects = std::make_unique<ObjectReader>(*reading->session);
  return reading;
}

Result<HistoryItem> Reading::snapshot_at(const std::string& when) {
  if (!session->info().head) return fail(Errc::not_found, "nothing has been backed up yet");
  SnapshotInfo info = *session->info().head;
  if (!when.empty()) {
    RB_TRY(info, resolve_when(*session, when, clock));
  }
  RB_TRY(auto snapshot, load_snapshot(*objects, info));
  return HistoryItem{info, std::move(snapshot)};
}

}  // namespace rb::cli
