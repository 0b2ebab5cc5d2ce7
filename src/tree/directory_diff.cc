#include "tree/directory_edit.h"
#include "tree/page_walker.h"

namespace rb {
namespace {

class Differ {
 public:
  Differ(ObjectSource& source, const std::optional<ObjectId>& before, const std::optional<ObjectId>& after,
         const ChangeVisitor& visit)
      : before_(source, before), after_(source, after), visit_(visit) {}

  Status run() {
    RB_TRY(before_.open());
    RB_TRY(after_.open());
    while (!before_.at_end() || !after_.at_end()) {
      if (is_same_page(before_, after_)) {
        before_.skip();
        after_.skip();
      } else {
        RB_TRY(step());
      }
    }
    return {};
  }

 private:
  // Deals with the smaller name. A page is opened only when its first name is not greater than the other
  // side's name: then the two can't hold the same, or not in the same page.
  Status step() {
    const int order = compare();
    const bool before_page = order <= 0 && before_.at_page();
    const bool after_page = order >= 0 && after_.at_page();
    if (before_page && after_page) {
      // The higher page may hold the lower one.
      return before_.page_level() >= after_.page_level() ? before_.expand() : after_.expand();
    }
    if (before_page) return before_.expand();
    if (after_page) return after_.expand();
    return report(order);
  }

  int compare() const {
    if (before_.at_end()) return 1;
    if (after_.at_end()) return -1;
    return before_.name().compare(after_.name());
  }

  Status report(int order) {
    EntryChange change;
    if (order <= 0) {
      change.before = before_.entry();
      before_.skip();
    }
    if (order >= 0) {
      change.after = after_.entry();
      after_.skip();
    }
    if (change.before == change.after) return {};
    change.name = change.before ? change.before->name : change.after->name;
    return visit_(std::move(change));
  }

  PageWalker before_;
  PageWalker after_;
  const ChangeVisitor& visit_;
};

}  // namespace

Status diff_directories(ObjectSource& source, const std::optional<ObjectId>& before,
                        const std::optional<ObjectId>& after, const ChangeVisitor& visit) {
  if (before == after) return {};
  return Differ(source, before, after, visit).run();
}

}  // namespace rb
