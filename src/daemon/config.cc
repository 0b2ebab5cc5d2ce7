#include "daemon/config.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "api/address.h"
#include "daemon/quantity.h"
#include "format/pack_parity.h"
#include "store/node_registry.h"

namespace rb::daemon {

namespace {

constexpr std::uint64_t kMaxConfigBytes = 1 << 20;
constexpr std::chrono::seconds kShortestLease{10}, kLongestLease{24 * 3600};
constexpr std::chrono::seconds kLongestInterval = std::chrono::hours(24) * 31;

// All problems of a file, so that they are mended in one go.
class Problems {
 public:
  explicit Problems(std::string path) : path_(std::move(path)) {}
  void add(std::uint32_t line, const std::string& what) {
    lines_.push_back(fmt::format("{}:{}: {}", path_, line, what));
  }
  Status status() const {
    if (lines_.empty()) return {};
    return fail(Errc::invalid_argument, fmt::format("{}", fmt::join(lines_, "\n")));
  }

 private:
  const std::string path_;
  std::vector<std::string> lines_;
};

// Reads one table. Each setting is named where it is read, so the names that are known are those that were
// asked for.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string prefix, Problems& problems)
      : table_(table), prefix_(std::move(prefix)), problems_(problems) {}

  // Calls `take` with the text; false means that it is not what is `wanted`.
  template <typename Take>
  void text(const char* name, const char* wanted, const Take& take) {
    const toml::node* node = find(name);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::string>();
    if (!value || !take(*value)) complain(name, *node, wanted);
  }

  template <typename Take>
  void texts(const char* name, const char* wanted, const Take& take) {
    const toml::node* node = find(name);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) return complain(name, *node, wanted);
    for (const toml::node& item : *array) {
      const auto value = item.value_exact<std::string>();
      if (!value || !take(*value)) complain(name, item, wanted);
    }
  }

  void count(const char* name, std::size_t min, std::size_t max, std::size_t& out) {
    const toml::node* node = find(name);
    if (node == nullptr) return;
    const auto value = node->value_exact<std::int64_t>();
    const bool fits =
        value && *value >= static_cast<std::int64_t>(min) && *value <= static_cast<std::int64_t>(max);
    if (!fits) return complain(name, *node, fmt::format("a whole number from {} to {}", min, max));
    out = static_cast<std::size_t>(*value);
  }

  // "all" is without end.
  void rule(const char* name, std::uint32_t& out) {
    constexpr std::int64_t kMax = 1'000'000;
    const toml::node* node = find(name);
    if (node == nullptr) return;
    const auto count = node->value_exact<std::int64_t>();
    if (node->value_exact<std::string>() == "all") {
      out = kKeepAll;
    } else if (count && *count >= 0 && *count <= kMax) {
      out = static_cast<std::uint32_t>(*count);
    } else {
      complain(name, *node, fmt::format("a whole number up to {}, or \"all\"", kMax));
    }
  }

  void age(const char* name, std::chrono::seconds& out) {
    text(name, "a time such as \"12h\", \"30d\", \"8w\" or \"2y\"", [&](const std::string& value) {
      const auto time = parse_retention_duration(value);
      if (time) out = *time;
      return time.has_value();
    });
  }

  void path(const char* name, std::string& out) {
    text(name, "an absolute path", [&](const std::string& value) {
      out = value;
      return value.starts_with('/');
    });
  }

  template <typename Value>
  void parsed(const char* name, const char* wanted, std::optional<Value> (*parse)(std::string_view),
              std::uint64_t& out) {
    text(name, wanted, [&](const std::string& value) {
      const std::optional<Value> amount = parse(value);
      if (amount) out = *amount;
      return amount.has_value();
    });
  }
  void bytes(const char* name, std::uint64_t& out) {
    parsed(name, "a size such as \"10 GiB\", or \"0\" for no limit", parse_bytes, out);
  }
  void rate(const char* name, std::uint64_t& out) {
    parsed(name, "a rate such as \"20 MiB/s\", or \"0\" for no limit", parse_rate, out);
  }

  // A table below this one; none when it is not there.
  const toml::table* table(const char* name) {
    const toml::node* node = find(name);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) complain(name, *node, "a table");
    return node->as_table();
  }

  // To be called last.
  void refuse_others() {
    for (const auto& [key, node] : table_) {
      if (!asked_.contains(std::string(key.str())))
        problems_.add(key.source().begin.line, fmt::format("there is no setting '{}{}'", prefix_, key.str()));
    }
  }

  void complain(const char* name, const toml::node& node, const std::string& wanted) {
    problems_.add(node.source().begin.line, fmt::format("'{}{}' is not {}", prefix_, name, wanted));
  }

 private:
  const toml::node* find(const char* name) {
    asked_.insert(name);
    return table_.get(name);
  }

  const toml::table& table_;
  const std::string prefix_;
  Problems& problems_;
  std::set<std::string> asked_;
};

bool is_listen_address(const std::string& text) {
  return api::parse_address(text).has_value();
}

bool is_public_address(const std::string& text) {
  const auto address = api::parse_address(text);
  return address && address->port != 0;
}

void read_tls(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "tls.", problems);
  reader.path("certificate", config.tls_certificate);
  reader.path("key", config.tls_key);
  reader.refuse_others();
  if (config.tls_certificate.empty() != config.tls_key.empty())
    problems.add(table.source().begin.line, "'tls' needs both, certificate and key");
}

void read_limits(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "limits.", problems);
  reader.count("connections", 1, 1'000'000, config.connections);
  reader.count("connections_per_node", 1, 1'000'000, config.connections_per_node);
  reader.count("sessions_per_node", 1, kMaxClientsLimit, config.sessions_per_node);
  reader.rate("bandwidth", config.bandwidth);
  reader.rate("node_bandwidth", config.node_bandwidth);
  reader.refuse_others();
}

void read_space(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "space.", problems);
  reader.bytes("keep_free", config.space.keep_free);
  reader.bytes("reserve", config.space.reserve);
  reader.refuse_others();
}

void read_quota(TableReader& reader, Quota& quota) {
  reader.bytes("stored", quota.stored_bytes);
  reader.bytes("logical", quota.logical_bytes);
}

void read_standard_quota(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "quota.", problems);
  read_quota(reader, config.quota);
  reader.refuse_others();
}

void read_rules(TableReader& reader, RetentionPolicy& rules) {
  reader.rule("keep_last", rules.last);
  reader.rule("keep_hourly", rules.hourly);
  reader.rule("keep_daily", rules.daily);
  reader.rule("keep_weekly", rules.weekly);
  reader.rule("keep_monthly", rules.monthly);
  reader.rule("keep_yearly", rules.yearly);
  reader.age("keep_within", rules.within);
  reader.age("floor", rules.floor);
}

// Rules that keep nothing are none: then everything stays.
bool has_rules(const RetentionPolicy& rules) {
  RetentionPolicy nothing;
  nothing.floor = rules.floor;
  return rules != nothing;
}

void read_retention(const toml::table& table, RetentionPolicy& rules, Config& config, Problems& problems) {
  TableReader reader(table, "retention.", problems);
  read_rules(reader, rules);
  reader.age("undelete_for", config.retention.undelete_for);
  reader.text("prune_every", "a time up to \"31d\", or \"0\" for never", [&](const std::string& value) {
    const auto time = parse_duration(value);
    if (time) config.prune_every = *time;
    return time && *time <= kLongestInterval;
  });
  reader.refuse_others();
  if (has_rules(rules)) config.retention.standard = rules;
}

// Where a node's own rules keep nothing by themselves, everything of it stays.
RetentionPolicy read_node_rules(const toml::table& table, const std::string& prefix, RetentionPolicy rules,
                                Problems& problems) {
  TableReader reader(table, prefix, problems);
  read_rules(reader, rules);
  reader.refuse_others();
  if (!has_rules(rules)) rules.last = kKeepAll;
  return rules;
}

// What a node's own table does not say is as for all.
void read_nodes(const toml::table& nodes, const RetentionPolicy& rules, Config& config, Problems& problems) {
  for (const auto& [key, node] : nodes) {
    const std::string name(key.str());
    const toml::table* table = node.as_table();
    if (table == nullptr || name.empty()) {
      problems.add(key.source().begin.line, fmt::format("'node.{}' is not the table of a node", name));
      continue;
    }
    const std::string prefix = "node." + name + ".";
    TableReader reader(*table, prefix, problems);
    Quota& quota = config.node_quotas[name] = config.quota;
    read_quota(reader, quota);
    if (const toml::table* own = reader.table("retention"))
      config.retention.by_node[name] = read_node_rules(*own, prefix + "retention.", rules, problems);
    reader.refuse_others();
  }
}

void read_care(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "care.", problems);
  reader.count("parity_percent", 0, kParityPercentMax, config.parity_percent);
  reader.text("scrub_period", "a time such as \"30d\", or \"0\" for never", [&](const std::string& value) {
    const auto time = parse_duration(value);
    if (time) config.scrub_period = *time;
    return time.has_value();
  });
  reader.rate("scrub_rate", config.scrub_rate);
  reader.refuse_others();
}

void read_gc(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "gc.", problems);
  reader.text("every", "a time up to \"31d\", or \"0\" for never", [&](const std::string& value) {
    const auto time = parse_duration(value);
    if (time) config.collect_every = *time;
    return time && *time <= kLongestInterval;
  });
  reader.refuse_others();
}

void read_log(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "log.", problems);
  reader.text("level", "debug, info, warning or error", [&](const std::string& value) {
    config.log_level = value;
    return is_log_level(value);
  });
  reader.text("format", "text or json", [&](const std::string& value) {
    config.log_format = value == "json" ? LogFormat::json : LogFormat::text;
    return value == "json" || value == "text";
  });
  reader.refuse_others();
}

void read_top(const toml::table& table, Config& config, Problems& problems) {
  TableReader reader(table, "", problems);
  reader.texts("listen", "a list of addresses such as [\"0.0.0.0:8420\", \"[::]:8420\"]",
               [&](const std::string& value) {
                 config.listen.push_back(value);
                 return is_listen_address(value);
               });
  reader.path("socket", config.socket);
  reader.text("public_address", "HOST:PORT", [&](const std::string& value) {
    config.public_address = value;
    return is_public_address(value);
  });
  reader.count("max_clients", 1, kMaxClientsLimit, config.max_clients);
  reader.text("lease", "a time from \"10s\" to \"1d\"", [&](const std::string& value) {
    const auto time = parse_duration(value);
    if (time) config.lease = *time;
    return time && *time >= kShortestLease && *time <= kLongestLease;
  });
  if (const toml::table* tls = reader.table("tls")) read_tls(*tls, config, problems);
  if (const toml::table* limits = reader.table("limits")) read_limits(*limits, config, problems);
  if (const toml::table* space = reader.table("space")) read_space(*space, config, problems);
  if (const toml::table* quota = reader.table("quota")) read_standard_quota(*quota, config, problems);
  RetentionPolicy rules;
  if (const toml::table* retention = reader.table("retention"))
    read_retention(*retention, rules, config, problems);
  if (const toml::table* nodes = reader.table("node")) read_nodes(*nodes, rules, config, problems);
  if (const toml::table* care = reader.table("care")) read_care(*care, config, problems);
  if (const toml::table* gc = reader.table("gc")) read_gc(*gc, config, problems);
  if (const toml::table* log = reader.table("log")) read_log(*log, config, problems);
  reader.refuse_others();
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  Problems problems(path);
  Config config;
  try {
    read_top(toml::parse(text, path), config, problems);
  } catch (const toml::parse_error& error) {
    problems.add(error.source().begin.line, std::string(error.description()));
  }
  RB_TRY(problems.status());
  return config;
}

std::string config_path(const std::string& directory) {
  return directory + "/config.toml";
}

Result<Config> load_config(const std::string& directory) {
  const std::string path = config_path(directory);
  const std::unique_ptr<FileSystem> files = make_posix_file_system();
  RB_TRY(const bool exists, files->exists(path));
  if (!exists) return Config{};
  RB_TRY(const Bytes text, read_file(*files, path, kMaxConfigBytes));
  return parse_config(as_text(text), path);
}

bool is_log_level(std::string_view text) {
  constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
  return std::find(kLevels.begin(), kLevels.end(), text) != kLevels.end();
}

std::vector<std::string> changes_for_next_start(const Config& now, const Config& wanted) {
  std::vector<std::string> names;
  const auto compare = [&](bool same, const char* name) {
    if (!same) names.emplace_back(name);
  };
  compare(now.listen == wanted.listen, "listen");
  compare(now.socket == wanted.socket, "socket");
  compare(now.tls_certificate == wanted.tls_certificate, "tls.certificate");
  compare(now.tls_key == wanted.tls_key, "tls.key");
  compare(now.max_clients == wanted.max_clients, "max_clients");
  compare(now.lease == wanted.lease, "lease");
  compare(now.connections == wanted.connections, "limits.connections");
  compare(now.connections_per_node == wanted.connections_per_node, "limits.connections_per_node");
  compare(now.sessions_per_node == wanted.sessions_per_node, "limits.sessions_per_node");
  compare(now.bandwidth == wanted.bandwidth, "limits.bandwidth");
  compare(now.node_bandwidth == wanted.node_bandwidth, "limits.node_bandwidth");
  compare(now.space == wanted.space, "space");
  compare(now.log_format == wanted.log_format, "log.format");
  return names;
}

}  // namespace rb::daemon
