// What all JSON messages are read and written with. Included by the codecs only: nlohmann's header is heavy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "store/store.h"

namespace rb::api {

using nlohmann::json;

// Bytes that are no UTF-8 are replaced: a message is for people where they occur.
std::string dump(const json& value);
// Errc::protocol for what is no JSON.
Result<json> parse(ByteView text);

// Reads the fields of one JSON object. After the first wrong one the others give zero or nothing, and
// status() says which it was, so that a decoder reads a whole message and checks once.
class Fields {
 public:
  explicit Fields(const json& value) : value_(value) {
    if (!value.is_object()) complain("message", "an object");
  }

  std::string text(const char* name) {
    const json* field = find(name);
    if (!field || !field->is_string()) return complain(name, "a string"), std::string();
    return field->get<std::string>();
  }

  // What is missing or null is "".
  std::string optional_text(const char* name) { return optional_child(name) ? text(name) : std::string(); }

  std::uint64_t number(const char* name, std::uint64_t max = UINT64_MAX) {
    const json* field = find(name);
    if (!field || !field->is_number_unsigned() || field->get<std::uint64_t>() > max) {
      return complain(name, "a whole number within its range"), 0;
    }
    return field->get<std::uint64_t>();
  }

  std::int64_t signed_number(const char* name) {
    const json* field = find(name);
    const bool fits = field && field->is_number_integer() &&
                      !(field->is_number_unsigned() && field->get<std::uint64_t>() > INT64_MAX);
    if (!fits) return complain(name, "a whole number within its range"), 0;
    return field->get<std::int64_t>();
  }

  bool flag(const char* name) {
    const json* field = find(name);
    if (!field || !field->is_boolean()) return complain(name, "true or false"), false;
    return field->get<bool>();
  }

  template <typename Id>
  Id id(const char* name) {
    const json* field = find(name);
    if (!field) return complain(name, "an id"), Id{};
    return id_of<Id>(name, *field);
  }

  template <typename Id>
  std::optional<Id> optional_id(const char* name) {
    const json* field = find(name);
    if (!field || field->is_null()) return std::nullopt;
    return id_of<Id>(name, *field);
  }

  template <typename Id>
  std::vector<Id> ids(const char* name) {
    std::vector<Id> out;
    for (const json& item : array(name))
      out.push_back(id_of<Id>(name, item));
    return out;
  }

  const json& array(const char* name) {
    static const json empty = json::array();
    const json* field = find(name);
    if (!field || !field->is_array()) return complain(name, "a list"), empty;
    return *field;
  }

  // Null when the field is absent or null.
  const json* optional_child(const char* name) {
    const json* field = find(name);
    return field && !field->is_null() ? field : nullptr;
  }

  const json& child(const char* name) {
    static const json empty = json::object();
    const json* field = find(name);
    if (!field || !field->is_object()) return complain(name, "an object"), empty;
    return *field;
  }

  void complain(const char* name, const char* expected) {
    if (problem_.empty()) problem_ = fmt::format("the field '{}' is not {}", name, expected);
  }

  Status status() const {
    if (problem_.empty()) return {};
    return fail(Errc::protocol, problem_);
  }

 private:
  const json* find(const char* name) const {
    if (!value_.is_object()) return nullptr;
    const auto at = value_.find(name);
    return at == value_.end() ? nullptr : &*at;
  }

  template <typename Id>
  Id id_of(const char* name, const json& value) {
    std::optional<Id> id;
    if (value.is_string()) id = id_from_hex<Id>(value.get_ref<const std::string&>());
    if (!id) return complain(name, "an id in hexadecimal digits"), Id{};
    return *id;
  }

  const json& value_;
  std::string problem_;
};

json to_json(const SnapshotInfo& info);
json to_json(const std::optional<SnapshotInfo>& info);  // null for none
json to_json(const Timestamp& time);
Result<SnapshotInfo> snapshot_from(const json& value);
Result<std::optional<SnapshotInfo>> optional_snapshot(Fields& fields, const char* name);
Result<Timestamp> timestamp_from(const json& value);

}  // namespace rb::api
