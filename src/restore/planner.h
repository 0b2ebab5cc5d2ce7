// Walks the stored tree, makes its directories, and hands everything else to the workers in batches. Runs on
// one thread. Deep trees cost memory only: no recursion, no path of more than one component, few pages and
// handles held.
#pragma once

#include <memory>
#include <vector>

#include "restore/batch.h"
#include "restore/entry_walk.h"
#include "restore/file_writer.h"

namespace rb {

class RestorePlanner {
 public:
  struct Parts {
    ObjectSource& objects;
    RunContext& context;
    DirectoryHandles& handles;
    MetadataWriter& metadata;
    HardLinks& links;
    FileWriter& writer;
    BatchQueue& queue;
    bool overwrite;
    bool exact;
  };
  explicit RestorePlanner(Parts parts) : parts_(parts) {}

  // The entry and all beneath it into the open directory; the entry's name is its name there.
  void restore(const DirectoryRef& parent, const Entry& entry);
  // All beneath a directory's entry into a directory of the target, and its metadata to that directory: "/".
  void restore_into(const DirectoryRef& directory, const Entry& entry, DirectoryFinish finish);
  // Ends the batch under way, waits for all work, and plans again what could not be linked.
  void finish();

  // Makes a directory or takes the one that is there. Nothing: reported, and nothing is to go beneath it.
  DirectoryRef make_directory(const DirectoryRef& parent, const Entry& entry);

 private:
  struct Level {
    DirectoryRef directory;
    EntryWalk walk;
  };
  void walk();
  void step(const Entry& entry);
  void enter(DirectoryRef directory, const Entry& entry);
  void leave();
  void add_file(const DirectoryRef& parent, const Entry& entry);
  void plan_file(FileTask* task);
  bool settle_existing(FileTask* task);
  void plan_content(FileTask* task);
  void plan_pieces(FileTask* task);
  void hand_over_when_full();
  void hand_over();
  DirectoryRef adopt_directory(const DirectoryRef& parent, const Entry& entry, UniqueFd fd, bool made);
  void report(const TargetDirectory& parent, const std::string& name, const Error& error);

  Parts parts_;
  std::vector<Level> levels_;
  DirectoryLease lease_;
  std::unique_ptr<RestoreBatch> batch_ = std::make_unique<RestoreBatch>();
  std::size_t batches_ = 0;
};

}  // namespace rb
