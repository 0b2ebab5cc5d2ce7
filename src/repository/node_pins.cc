#include "repository/node_pins.h"

#include <fmt/format.h>

namespace rb {

Status check_room_for_pin(RepositoryCore& core, const std::string& node_name,
                          const CatalogSnapshotKey& snapshot) {
  const std::optional<SnapshotInfo> head = core.book().head(snapshot.node);
  const Timestamp newest = head ? head->received : Timestamp{};
  std::size_t pins = 0;
  for (CatalogSnapshotMark mark : core.book().marks_of_node(snapshot.node)) {
    mark.pinned_by_administrator = false;
    const bool other = mark.snapshot.sequence != snapshot.sequence;
    if (other && core.retention().holds(mark, node_name, newest)) ++pins;
  }
  if (pins < kNodePinsMax) return {};
  return fail(Errc::conflict,
              fmt::format("the node has {} pins, as many as it may: take some back, or ask the server's "
                          "administrator to pin it",
                          pins));
}

}  // namespace rb
