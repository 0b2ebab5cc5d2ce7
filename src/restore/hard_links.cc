#include "restore/hard_links.h"

#include "format/tree_page.h"

namespace rb {

ObjectId HardLinks::group_of(const Entry& entry) {
  TreePage page;
  page.entries.push_back(entry);
  page.entries[0].name = "x";
  page.entries[0].kept.reset();
  return object_id(encode_tree_page(page));
}

HardLinks::Answer HardLinks::enter(FileTask& task) {
  const std::lock_guard lock(mutex_);
  const auto [place, inserted] = groups_.try_emplace(*task.link_group);
  if (inserted) return {};
  Group& group = place->second;
  if (group.source) return {Turn::link, group.source};
  group.waiting.push_back(&task);
  return {Turn::wait, nullptr};
}

std::vector<FileTask*> HardLinks::complete(const ObjectId& group, std::shared_ptr<const LinkSource> source) {
  const std::lock_guard lock(mutex_);
  Group& found = groups_.at(group);
  found.source = std::move(source);
  return std::exchange(found.waiting, {});
}

std::vector<FileTask*> HardLinks::give_up(const ObjectId& group) {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return {};
  std::vector<FileTask*> waiting = std::move(found->second.waiting);
  groups_.erase(found);
  return waiting;
}

void HardLinks::retire(const ObjectId& group, const std::shared_ptr<const LinkSource>& source) {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  if (found != groups_.end() && found->second.source == source) groups_.erase(found);
}

}  // namespace rb
