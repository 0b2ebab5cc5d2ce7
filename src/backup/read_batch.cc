#include "backup/read_batch.h"

namespace rb {

namespace {

// A batch is worth a thread's attention for about a millisecond: that many opens, or that many bytes.
constexpr std::size_t kMaxReads = 64, kMaxItems = 1024;
constexpr std::uint64_t kMaxBytes = 1 << 20;

}  // namespace

void append_refs(const Entry& entry, std::vector<ObjectId>& refs) {
  if (entry.content_kind >= ContentKind::chunk) refs.push_back(entry.content);
  for (const Xattr& xattr : entry.xattrs) {
    if (xattr.chunk) refs.push_back(*xattr.chunk);
  }
}

BatchItem::Kind kind_of_reading(const FileStat& stat) {
  const bool is_large = stat.type == EntryType::file && stat.size >= kSharedFileBytes;
  return is_large ? BatchItem::Kind::read_shared : BatchItem::Kind::read;
}

void ReadBatch::add(BatchItem item) {
  const bool reads = item.kind == BatchItem::Kind::read || item.kind == BatchItem::Kind::unseen;
  if (item.kind == BatchItem::Kind::reuse || reads) ++work_;
  if (reads) {
    ++reads_;
    bytes_to_read_ += item.stat.type == EntryType::file ? item.stat.size : 0;
  }
  items_.push_back(std::move(item));
}

bool ReadBatch::full() const {
  return items_.size() >= kMaxItems || bytes_to_read_ >= kMaxBytes || reads_ >= kMaxReads;
}

void ReadBatch::run(Worker& worker) {
  if (const Status asked = ask(); !asked) {
    context_.monitor.stop_with(asked.error());
    return;
  }
  for (BatchItem& item : items_) {
    if (item.kind == BatchItem::Kind::read || item.kind == BatchItem::Kind::unseen)
      read(context_, *parent_, item, worker);
  }
}

void ReadBatch::read(const WalkContext& context, const OpenDirectory& parent, BatchItem& item,
                     Worker& worker) {
  if (item.kind == BatchItem::Kind::unseen) {
    item.kind = BatchItem::Kind::read;
    if (auto result = worker.entries.read_unseen(parent, item.name, help_with(context, item))) {
      item.result = std::move(*result);
      return;
    }
    const auto stat = parent.stat(item.name);
    if (!stat) {
      item.result = ReadResult::without(stat.error());
      return;
    }
    item.stat = *stat;
    item.kind = kind_of_reading(*stat);
    if (item.kind == BatchItem::Kind::read_shared) return;
  }
  item.result = worker.entries.read(parent, item.name, item.stat, help_with(context, item));
}

FileReader::Help ReadBatch::help_with(const WalkContext& context, const BatchItem& item) {
  FileReader::Help help;
  if (context.copy_is_whole && item.head) help = {.copy = &*item.head, .source = &context.copy};
  return help;
}

// Turns what the store does not hold into something to read.
Status ReadBatch::ask() {
  std::vector<ObjectId> refs;
  for (const BatchItem& item : items_) {
    if (item.kind == BatchItem::Kind::reuse) append_refs(item.result.entry, refs);
  }
  if (refs.empty()) return {};
  RB_TRY(const std::vector<bool> held, context_.uploader.held(refs));
  std::size_t at = 0;
  for (BatchItem& item : items_) {
    if (item.kind != BatchItem::Kind::reuse) continue;
    refs.clear();
    append_refs(item.result.entry, refs);
    for (std::size_t i = 0; i < refs.size(); ++i) {
      if (!held[at++]) item.kind = kind_of_reading(item.stat);
    }
  }
  return {};
}

}  // namespace rb
