// One directory of a walk, in two phases: it is opened and listed, its subdirectories are started one after
// the other as branches of the pool's work; and when the last of them is done, its entries are decided in
// name order against what the copy and the cache know (DirectoryEntries). Whoever finishes the last
// subdirectory goes on with the parent, so the depth of a tree costs no stack.
#pragma once

#include <atomic>

#include "backup/directory_knowledge.h"
#include "backup/walk_context.h"

namespace rb {

// What a subdirectory tells its parent.
struct ChildResult {
  enum class Kind : std::uint8_t {
    not_walked,  // the run stopped before
    unchanged,   // entry and cache row are what they were
    made,        // `made` is its entry now
    keep,        // the copy's entry stays, for `reason`
    excluded,    // to be left out
    vanished,
    not_a_directory,  // any more: to be looked at as a file
  };
  Kind kind = Kind::not_walked;
  KeptReason reason = KeptReason::unreadable;
  bool clean = false;  // the old cache's directory stands, with all beneath it
  struct Made {
    Entry entry;
    Signature signature;
  };
  std::unique_ptr<Made> made;

  static ChildResult unchanged() {
    ChildResult result;
    result.kind = Kind::unchanged;
    result.clean = true;
    return result;
  }
  static ChildResult keep(KeptReason reason) {
    ChildResult result;
    result.kind = Kind::keep;
    result.reason = reason;
    result.clean = true;
    return result;
  }
};

class DirectoryTask final : public WorkerPool::Branch, public std::enable_shared_from_this<DirectoryTask> {
 public:
  // What is known of the directory before it is opened.
  struct Origin {
    std::string path;             // absolute
    std::string name;             // of its entry
    std::optional<Entry> head;    // the copy's entry of that name, of any type
    std::optional<Entry> cached;  // the cache's, if that is a directory
    Signature signature;          // of `cached`
    bool parent_held = false;     // the store holds what the cache says of the parent
    std::optional<bool> held;  // the parent asked whether the store holds the cached tree of this directory
    std::uint64_t parent_device = 0;
    int depth = 0;
  };

  // A subdirectory in the list, as far as it was walked.
  struct Child {
    std::uint32_t index = 0;  // in names()
    bool decided = false;     // before it was started
    ChildResult result;
  };

  // Called once, by whichever thread finishes the root.
  using RootDone = std::function<void(ChildResult)>;

  DirectoryTask(WalkContext& context, Origin origin, std::shared_ptr<DirectoryTask> parent,
                std::size_t place);

  // Opens the directory (relative to its parent, or by its path) and starts it: what follows is the pool's
  // business.
  static void start(const std::shared_ptr<DirectoryTask>& task, Worker& worker);
  // Requires: no parent. To be called before start().
  void on_done(RootDone done) { root_done_ = std::move(done); }

  bool start_next(Worker& worker) override;

  WalkContext& context() { return context_; }
  const Origin& origin() const { return origin_; }
  const OpenDirectory& directory() const { return *directory_; }
  const NameList& names() const { return names_; }
  // The same, for work that may be under way when this is given up: they keep the task.
  std::shared_ptr<const OpenDirectory> shared_directory() const { return {shared_from_this(), &*directory_}; }
  std::shared_ptr<const NameList> shared_names() const { return {shared_from_this(), &names_}; }
  std::vector<Child>& children() { return children_; }
  bool is_root() const { return !has_parent_; }
  std::optional<ObjectId> head_tree() const;
  // The store holds the tree that the cache says this directory became.
  bool held() const { return held_; }
  // What the cache has of it, from the first row; nothing without one.
  std::unique_ptr<CachedDirectory> take_cached();

 private:
  // Phase one. Gives the result when there is nothing to walk.
  std::optional<ChildResult> open();
  Result<OpenDirectory> open_directory() const;
  std::optional<ChildResult> skip_by_identity();
  std::optional<ChildResult> skip_by_content();
  ChildResult skipped() const;
  ChildResult unreadable(const Error& error);
  void list_children();
  Result<bool> find_out_held();

  Result<std::shared_ptr<DirectoryTask>> next_child();
  Result<Origin> origin_of(const Child& child);
  Result<std::optional<bool>> ask_ahead(std::size_t place);
  bool no_more_children();

  // Phase two.
  static void complete(std::shared_ptr<DirectoryTask> task, ChildResult result, Worker& worker);
  ChildResult finish(Worker& worker);
  ChildResult own_result(Worker& worker, const ObjectId& tree, bool clean);

  WalkContext& context_;
  const Origin origin_;
  std::shared_ptr<DirectoryTask> parent_;
  const bool has_parent_;
  const std::size_t place_;  // in the parent's children
  RootDone root_done_;

  Timestamp clock_before_;
  std::optional<OpenDirectory> directory_;
  FileStat stat_;
  NameList names_;
  std::vector<Child> children_;
  bool held_ = false;
  std::unique_ptr<CachedDirectory>
      cached_;  // found when it was opened; let go while subdirectories are walked

  std::mutex start_mutex_;  // guards what is needed to start children, in order
  std::size_t next_ = 0;
  bool all_started_ = false;
  std::unique_ptr<DirectoryKnowledge> knowledge_;
  std::size_t asked_from_ = 0;  // answers for children_ from this place on
  std::vector<bool> asked_held_;

  std::atomic<std::size_t> pending_{1};  // children under way, and one for the starting of them
};

}  // namespace rb
