#include "api/metrics.h"

#include <fmt/format.h>

namespace rb::api {

namespace {

// Writes families one after another: help and type once, then the samples.
class MetricsText {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP rbbackup_{} {}\n# TYPE rbbackup_{} {}\n", name, help,
                   name, type);
  }
  void sample(std::string_view name, double value) { sample(name, "", value); }
  // `labels` as they stand between the braces.
  void sample(std::string_view name, const std::string& labels, double value) {
    const std::string braced = labels.empty() ? "" : "{" + labels + "}";
    fmt::format_to(std::back_inserter(text_), "rbbackup_{}{} {}\n", name, braced, value);
  }
  void alone(std::string_view name, std::string_view type, std::string_view help, double value) {
    family(name, type, help);
    sample(name, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// The three characters that a label's value can't hold.
std::string label(std::string_view name, std::string_view value) {
  std::string out(name);
  out += "=\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void write_state(MetricsText& text, const BackendState& state) {
  text.family("info", "gauge", "The program, by version.");
  text.sample("info", label("version", RB_VERSION), 1);
  text.alone("read_only", "gauge", "1 when nothing can be stored, see /healthz.", state.read_only ? 1 : 0);
  text.alone("sessions_open", "gauge", "Clients at work.", static_cast<double>(state.open_sessions));
  text.alone("objects", "gauge", "Objects stored, of all domains.", static_cast<double>(state.object_count));
  text.alone("stored_bytes", "gauge", "Size of all packs.", static_cast<double>(state.stored_bytes));
}

void write_histogram(MetricsText& text, const Histogram& histogram) {
  if (histogram.counts.size() != histogram.upper_bounds.size() + 1) return;
  text.family("request_seconds", "histogram", "From the head of a request to the end of its answer.");
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    so_far += histogram.counts[i];
    const bool is_last = i == histogram.upper_bounds.size();
    const std::string bound = is_last ? "+Inf" : fmt::format("{}", histogram.upper_bounds[i]);
    text.sample("request_seconds_bucket", label("le", bound), static_cast<double>(so_far));
  }
  text.sample("request_seconds_sum", histogram.sum);
  text.sample("request_seconds_count", static_cast<double>(so_far));
}

void write_transport(MetricsText& text, const TransportState& transport) {
  for (const NamedNumber& number : transport.numbers)
    text.alone(number.name, number.is_counter ? "counter" : "gauge", number.help, number.value);
  write_histogram(text, transport.request_seconds);
}

void write_errors(MetricsText& text, const ErrorCounts& errors) {
  text.family("errors_total", "counter", "Requests answered with an error, by its code.");
  for (std::size_t i = 0; i < ErrorCounts::kCodes; ++i) {
    const Errc code = static_cast<Errc>(i);
    text.sample("errors_total", label("code", to_string(code)), static_cast<double>(errors.of(code)));
  }
}

// A family of one sample for each node that `value` gives something for.
template <typename Value>
void write_for_nodes(MetricsText& text, const std::vector<NodeOverview>& nodes, std::string_view name,
                     std::string_view help, const Value& value) {
  text.family(name, "gauge", help);
  for (const NodeOverview& node : nodes) {
    const std::optional<double> number = value(node);
    if (number) text.sample(name, label("node", node.name), *number);
  }
}

void write_nodes(MetricsText& text, const std::vector<NodeOverview>& all) {
  using Number = std::optional<double>;
  std::vector<NodeOverview> nodes;
  for (const NodeOverview& node : all) {
    if (node.node != 0) nodes.push_back(node);  // the others are invited only
  }
  text.alone("nodes", "gauge", "Nodes, removed ones included.", static_cast<double>(nodes.size()));
  write_for_nodes(text, nodes, "node_last_backup_timestamp_seconds",
                  "When the server received the node's last snapshot.", [](const NodeOverview& node) {
                    return node.last_backup ? Number(static_cast<double>(node.last_backup->received.seconds))
                                            : Number();
                  });
  write_for_nodes(text, nodes, "node_snapshots", "Snapshots of the node.",
                  [](const NodeOverview& node) { return Number(static_cast<double>(node.snapshot_count)); });
  write_for_nodes(text, nodes, "node_logical_bytes", "Files of the node's current copy.",
                  [](const NodeOverview& node) { return Number(static_cast<double>(node.logical_bytes)); });
  write_for_nodes(text, nodes, "node_stored_bytes", "Blocks that the node sent, as stored.",
                  [](const NodeOverview& node) { return Number(static_cast<double>(node.stored_bytes)); });
  write_for_nodes(text, nodes, "node_removed", "1 when the node may not come in any more.",
                  [](const NodeOverview& node) { return Number(node.revoked ? 1 : 0); });
  write_for_nodes(text, nodes, "node_cloned", "1 when two machines use the node's credential in turn.",
                  [](const NodeOverview& node) { return Number(node.cloned ? 1 : 0); });
}

}  // namespace

std::string encode_metrics(const BackendState& state, const TransportState& transport,
                           const std::vector<NodeOverview>& nodes, const ErrorCounts& errors) {
  MetricsText text;
  write_state(text, state);
  write_transport(text, transport);
  write_errors(text, errors);
  write_nodes(text, nodes);
  return text.take();
}

}  // namespace rb::api
