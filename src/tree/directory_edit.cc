#include "tree/directory_edit.h"

#include "tree/page_copy.h"

namespace rb {
namespace {

class Editor {
 public:
  Editor(ObjectSource& source, ObjectSink& sink, const std::optional<ObjectId>& root,
         const DirectoryEdits& edits)
      : walker_(source, root), builder_(sink), edit_(edits.begin()), end_(edits.end()) {}

  Result<ObjectId> run() {
    RB_TRY(walker_.open());
    while (!walker_.at_end() || edit_ != end_) {
      if (edit_ != end_ && (walker_.at_end() || edit_->first < walker_.name())) {
        RB_TRY(apply());
      } else if (walker_.at_page()) {
        RB_TRY(pass_page());
      } else if (edit_ != end_ && edit_->first == walker_.name()) {
        walker_.skip();
        RB_TRY(apply());
      } else {
        RB_TRY(builder_.add(walker_.entry()));
        walker_.skip();
      }
    }
    return builder_.finish();
  }

 private:
  Status apply() {
    const auto& [name, entry] = *edit_++;
    if (!entry) return {};
    RB_ASSERT(entry->name == name);
    return builder_.add(*entry);
  }

  // Opens the page if an edit falls into it.
  Status pass_page() {
    if (edit_ == end_) return copy_or_expand(walker_, builder_, MoreFollows::no);
    const std::optional<std::string_view> bound = walker_.bound();
    if (!bound || edit_->first < *bound) return walker_.expand();
    return copy_or_expand(walker_, builder_, MoreFollows::yes);
  }

  PageWalker walker_;
  DirectoryBuilder builder_;
  DirectoryEdits::const_iterator edit_;
  DirectoryEdits::const_iterator end_;
};

}  // namespace

Result<ObjectId> edit_directory(ObjectSource& source, ObjectSink& sink,
                                const std::optional<ObjectId>& root_page, const DirectoryEdits& edits) {
  if (edits.empty() && root_page) return *root_page;
  return Editor(source, sink, root_page, edits).run();
}

}  // namespace rb
