// The input is a record of the journal, or the header of a segment, without its hash: the one that belongs
// there is put behind it, or nothing would get further. Layers: base format
#include <algorithm>

#include "format/journal_format.h"

namespace {

using namespace rb;

void decode_record(ByteView bytes) {
  const Result<JournalFrame> frame = decode_journal_frame(bytes);
  if (!frame) return;
  RB_ASSERT(frame->record_bytes <= bytes.size());
  const Result<JournalRecord> record = decode_journal_payload(frame->kind, frame->payload);
  if (!record) return;
  const Bytes again = encode_journal_record(frame->sequence, frame->predecessor, *record);
  RB_ASSERT(std::ranges::equal(again, bytes.first(frame->record_bytes)));
}

void decode_header(ByteView bytes) {
  const Result<JournalSegmentHeader> header = decode_journal_segment_header(bytes);
  RB_ASSERT(!header || std::ranges::equal(encode_journal_segment_header(*header),
                                          bytes.first(kJournalSegmentHeaderBytes)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode_record({data, size});
  decode_header({data, size});
  if (size > kJournalRecordBytesMax) return 0;
  Bytes bytes(data, data + size);
  append(bytes, hash(bytes).view());
  decode_record(bytes);
  decode_header(bytes);
  for (std::uint32_t kind = 0; kind < 15; ++kind)
    (void)decode_journal_payload(kind, {data, size});
  return 0;
}
