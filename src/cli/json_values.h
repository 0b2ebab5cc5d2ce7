// Values as JSON, for --json. README.md, "JSON", lists the fields.
#pragma once

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "format/entry.h"
#include "format/snapshot.h"
#include "store/store.h"

namespace rb::cli {

// Sets "path"; where the bytes are no UTF-8 also "path_hex", since JSON can't carry them.
void set_path(nlohmann::json& object, std::string_view path);
nlohmann::json entry_json(std::string_view path, const Entry& entry);
nlohmann::json counts_json(const SnapshotCounts& counts);
nlohmann::json snapshot_json(const SnapshotInfo& info, const Snapshot& snapshot);

}  // namespace rb::cli
