#include "api/check_messages.h"

#include "api/errors.h"
#include "api/json_fields.h"

namespace rb::api {

namespace {

constexpr std::size_t kFindingsMax = 10'000;

json to_json(const CheckFinding& finding) {
  return {{"kind", finding.kind},     {"where", finding.where},         {"what", finding.what},
          {"advice", finding.advice}, {"is_damage", finding.is_damage}, {"affected", finding.affected}};
}

Result<CheckFinding> finding_from(const json& value) {
  Fields fields(value);
  CheckFinding finding;
  finding.kind = fields.text("kind");
  finding.where = fields.text("where");
  finding.what = fields.text("what");
  finding.advice = fields.text("advice");
  finding.is_damage = fields.flag("is_damage");
  for (const json& file : fields.array("affected")) {
    if (file.is_string()) finding.affected.push_back(file.get<std::string>());
  }
  RB_TRY(fields.status());
  return finding;
}

Request make_check_request(const char* method, const std::string& body) {
  Request request;
  request.method = method;
  request.target = "/v1/check";
  if (!body.empty()) request.headers["content-type"] = "application/json";
  append(request.body, as_bytes(body));
  return request;
}

}  // namespace

std::string encode_check_request(const CheckRequest& request) {
  return dump(
      {{"data", request.data}, {"unpack", request.unpack}, {"bytes_per_second", request.bytes_per_second}});
}

Result<CheckRequest> decode_check_request(ByteView body) {
  RB_TRY(const json value, parse(body));
  Fields fields(value);
  CheckRequest request;
  request.data = fields.flag("data");
  request.unpack = fields.flag("unpack");
  request.bytes_per_second = fields.number("bytes_per_second");
  RB_TRY(fields.status());
  return request;
}

std::string encode_check_answer(const CheckAnswer& answer) {
  json findings = json::array();
  for (const CheckFinding& finding : answer.findings)
    findings.push_back(to_json(finding));
  return dump({{"begun", answer.begun},
               {"running", answer.running},
               {"data", answer.data},
               {"done", answer.done},
               {"total", answer.total},
               {"error", answer.error},
               {"snapshots", answer.snapshots},
               {"objects", answer.objects},
               {"references", answer.references},
               {"records", answer.records},
               {"packs_read", answer.packs_read},
               {"bytes_read", answer.bytes_read},
               {"sectors_corrected", answer.sectors_corrected},
               {"damaged_copies", answer.damaged_copies},
               {"damaged_copy_bytes", answer.damaged_copy_bytes},
               {"finding_count", answer.finding_count},
               {"damage_count", answer.damage_count},
               {"findings", std::move(findings)}});
}

Result<CheckAnswer> decode_check_answer(ByteView body) {
  RB_TRY(const json value, parse(body));
  Fields fields(value);
  CheckAnswer answer;
  answer.begun = fields.flag("begun");
  answer.running = fields.flag("running");
  answer.data = fields.flag("data");
  answer.done = fields.number("done");
  answer.total = fields.number("total");
  answer.error = fields.text("error");
  answer.snapshots = fields.number("snapshots");
  answer.objects = fields.number("objects");
  answer.references = fields.number("references");
  answer.records = fields.number("records");
  answer.packs_read = fields.number("packs_read");
  answer.bytes_read = fields.number("bytes_read");
  answer.sectors_corrected = fields.number("sectors_corrected");
  answer.damaged_copies = fields.number("damaged_copies");
  answer.damaged_copy_bytes = fields.number("damaged_copy_bytes");
  answer.finding_count = fields.number("finding_count");
  answer.damage_count = fields.number("damage_count");
  const json& findings = fields.array("findings");
  if (findings.size() > kFindingsMax) fields.complain("findings", "a list of bearable length");
  RB_TRY(fields.status());
  for (const json& one : findings) {
    RB_TRY(CheckFinding finding, finding_from(one));
    answer.findings.push_back(std::move(finding));
  }
  return answer;
}

std::string encode_finding(const CheckFinding& finding) {
  return dump(to_json(finding));
}

Request begin_check_request(const CheckRequest& request) {
  return make_check_request("POST", encode_check_request(request));
}

Request check_state_request() {
  return make_check_request("GET", "");
}

Request cancel_check_request() {
  return make_check_request("DELETE", "");
}

Result<CheckAnswer> parse_check(const Response& answer) {
  if (answer.status >= 400) return std::unexpected(decode_error(answer.status, answer.body));
  return decode_check_answer(answer.body);
}

}  // namespace rb::api
