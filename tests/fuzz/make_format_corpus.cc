// Writes the seeds of the formats' fuzz corpora below the directory it is given.
#include <filesystem>
#include <fstream>

#include "chunk/block_codec.h"
#include "format/journal_format.h"
#include "format/pack_parity.h"
#include "format/repository_format.h"
#include "support/format_values.h"
#include "support/fuzz_object.h"

namespace rb {
namespace {

class CorpusWriter {
 public:
  CorpusWriter(const std::filesystem::path& root, const std::string& name) : directory_(root / name) {
    std::filesystem::create_directories(directory_);
  }
  void add(const std::string& seed, ByteView bytes) const {
    std::ofstream file(directory_ / seed, std::ios::binary);
    file << as_text(bytes);
  }
  void add(const std::string& seed, const Object& object) const { add(seed, fuzz_from(object)); }

 private:
  static Bytes fuzz_from(const Object& object) { return test::fuzz_from_object(object); }

  std::filesystem::path directory_;
};

ByteView without_checksum(ByteView bytes) {
  return bytes.first(bytes.size() - Digest::kSize);
}

void write_objects(const std::filesystem::path& root, test::FormatValues& values) {
  const CorpusWriter trees(root, "tree_page");
  trees.add("empty", encode_tree_page({}));
  trees.add("root", encode_tree_page(values.root_leaf()));
  trees.add("leaf", encode_tree_page(values.leaf(5)));
  trees.add("leaf_longer", encode_tree_page(values.leaf(30)));
  trees.add("inner", encode_tree_page(values.inner(5)));

  const CorpusWriter lists(root, "chunk_list");
  lists.add("short", encode_chunk_list(values.chunk_list(3)));
  lists.add("long", encode_chunk_list(values.chunk_list(40)));
  ChunkListPage hole;
  hole.items = {{1 << 30, std::nullopt}};
  lists.add("hole", encode_chunk_list(hole));

  const CorpusWriter snapshots(root, "snapshot");
  snapshots.add("empty", encode_snapshot({}));
  for (int i = 0; i < 3; ++i) {
    snapshots.add("full_" + std::to_string(i), encode_snapshot(values.snapshot()));
  }
}

void write_blocks(const std::filesystem::path& root, test::FormatValues& values) {
  const CorpusWriter blocks(root, "block");
  for (const bool raw : {false, true}) {
    BlockBuilder data(BlockClass::data, {.off = raw});
    for (const std::size_t size : {300, 0, 100}) {
      const Bytes payload(size, 'x');
      data.add(object_id(ObjectKind::chunk, {}, payload), ObjectKind::chunk, {}, payload);
    }
    blocks.add(raw ? "data_raw" : "data_zstd", without_checksum(data.finish()));
    BlockBuilder metadata(BlockClass::metadata, {.off = raw});
    for (const Object& object : {encode_tree_page(values.leaf(4)), encode_snapshot(values.snapshot())}) {
      metadata.add(object_id(object), object.kind, object.refs, object.payload);
    }
    blocks.add(raw ? "metadata_raw" : "metadata_zstd", without_checksum(metadata.finish()));
  }
}

void write_journal(const std::filesystem::path& root) {
  const CorpusWriter records(root, "journal_record");
  const RepositoryId repository;
  records.add("segment", without_checksum(encode_journal_segment_header({repository, 1})));
  const auto add = [&](const std::string& name, const JournalRecord& record) {
    records.add(name, without_checksum(encode_journal_record(5, journal_root(repository), record)));
  };
  add("node", NodeRecord{.node = 1, .domain = 2, .name = "ana", .uid = 1000, .user = "ana"});
  add("remote_node", NodeRecord{.node = 300, .domain = 2, .name = "x"});
  add("domain", DomainRecord{.domain = 2});
  add("group", DomainRecord{.domain = 3, .group = "lab"});
  add("commit", CommitRecord{.node = 1, .domain = 2, .sequence = 300, .received = {-5, 999'999'999}});
  add("invitation",
      InvitationRecord{
          .made = {1'700'000'000, 0}, .node = "printer", .group = "lab", .expires = {1'700'003'600, 5}});
  add("join", JoinRecord{.made = {1'700'000'060, 0}, .node = 300});
  add("removal", RemovalRecord{.made = {1'700'000'120, 0}, .node = 300, .name = "printer"});
  add("renaming", RenamingRecord{.made = {1'700'000'180, 0}, .node = 300, .name = "press"});
  add("administrator", AdministratorRecord{.made = {1'700'000'240, 0}, .name = "grafana"});
  add("deletion", DeletionRecord{.made = {1'700'000'300, 0}, .node = 300, .sequence = 7});
  add("undeletion", UndeletionRecord{.made = {1'700'000'360, 0}, .node = 300, .sequence = 7});
  add("pin", PinRecord{.made = {1'700'000'420, 0}, .node = 1, .sequence = 200, .pinned = true});
  add("unpin",
      PinRecord{.made = {1'700'000'420, 0}, .node = 1, .sequence = 2, .by = PinAuthority::administrator});
  add("collection", CollectionRecord{.made = {1'700'000'480, 0}, .judged_before = {1'699'000'000, 300}});
  add("pruning", PruningRecord{.made = {1'700'000'540, 0}, .deleted = 130});
  add("revocation", RevocationRecord{.made = {1'700'000'600, 0}});
}

// All of a small one; of a larger one the first copy of its index, which is enough to read it.
void write_parities(const std::filesystem::path& root) {
  const CorpusWriter parities(root, "pack_parity");
  for (const std::uint64_t sectors : {std::uint64_t{2}, std::uint64_t{1000}}) {
    ParityIndex index;
    index.owner.pack = 3;
    index.layout = plan_parity_layout(sectors * kParitySectorBytes, kParityPercentDefault);
    index.sector_crcs.assign(index.layout.sectors(), 1);
    index.parity_crcs.assign(index.layout.parity_sectors(), 2);
    Bytes file(index.layout.file_bytes());
    encode_parity_index(index, file);
    const bool small = sectors == 2;
    if (!small) file.resize(index.layout.index_pages() * kParitySectorBytes);
    parities.add(small ? "small" : "first_copy", file);
  }
}

}  // namespace
}  // namespace rb

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  rb::test::FormatValues values(1);
  rb::write_objects(argv[1], values);
  rb::write_blocks(argv[1], values);
  rb::write_parities(argv[1]);
  rb::write_journal(argv[1]);
  const rb::CorpusWriter markers(argv[1], "repository_format");
  markers.add("marker", rb::without_checksum(rb::encode_repository_format({})));
  return 0;
}
