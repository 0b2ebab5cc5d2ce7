// A stored tree as maps in memory, and as one line of text, for tests:
//
//   "a=1 d/ d/x=2! ~e/ f/@3"   a file a with content 1; a directory d with a file x with content 2, carried
//   over; an
//                              implied directory e; a directory f with other metadata. Directories on the way
//                              to something need not be written.
#pragma once

#include <sstream>

#include "support/tree_samples.h"
#include "tree/directory_cursor.h"
#include "tree/root_tree.h"

namespace rb::samples {

struct Node {
  Entry self;  // of a directory: without its contents
  // Directories only; nothing: nothing is stored beneath it.
  std::optional<std::map<std::string, Node>> contents;

  bool operator==(const Node&) const = default;
  bool is_directory() const { return self.type == EntryType::directory; }
  std::map<std::string, Node> children() const { return contents.value_or(std::map<std::string, Node>{}); }
};

inline Node directory_node(std::string name, int salt = 0) {
  return {directory(std::move(name), std::nullopt, salt), std::map<std::string, Node>{}};
}

inline Entry store(ObjectSink& sink, const Node& node) {
  Entry entry = node.self;
  if (!node.contents) return entry;
  EntryMap entries;
  for (const auto& [name, child] : *node.contents)
    entries.emplace(name, store(sink, child));
  entry.content_kind = ContentKind::tree;
  entry.content = build(sink, entries);
  return entry;
}

// The page of a snapshot whose "/" is the node.
inline ObjectId store_root(ObjectSink& sink, const Node& node) {
  return build(sink, {{"", store(sink, node)}});
}

inline Node load_node(ObjectSource& source, Entry entry) {
  Node node;
  if (entry.content_kind == ContentKind::tree) {
    node.contents.emplace();
    for (Entry& child : value(read_directory(source, entry.content))) {
      const std::string name = child.name;
      node.contents->emplace(name, load_node(source, std::move(child)));
    }
    entry.content_kind = ContentKind::none;
    entry.content = ObjectId{};
  }
  node.self = std::move(entry);
  return node;
}

inline Node load_root(ObjectSource& source, const ObjectId& root) {
  return load_node(source, *value(find_entry(source, root, "")));
}

inline Node parse_item(const std::string& name, std::string_view rest, bool is_implied) {
  const bool is_directory = rest.starts_with('/');
  Node node;
  int salt = 0;
  const std::size_t digit = rest.find_first_of("0123456789");
  if (digit != std::string_view::npos) salt = rest[digit] - '0';
  if (is_directory) {
    node = directory_node(name, salt);
    if (is_implied) node.self = implied(name, 0700 + static_cast<unsigned>(salt));
  } else {
    node.self = file(name, salt);
  }
  if (rest.find('!') != std::string_view::npos) {
    const bool later = rest.find("!!") != std::string_view::npos;
    node.self.kept = Kept{KeptReason::absent, {later ? 200 : 100, 0}};
  }
  return node;
}

inline Node parse_tree(const std::string& text) {
  Node root = directory_node("");
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool is_implied = word.starts_with('~');
    std::string_view rest = std::string_view(word).substr(is_implied ? 1 : 0);
    Node* at = &root;
    for (;;) {
      const std::string name(rest.substr(0, rest.find_first_of("/=!@")));
      rest.remove_prefix(name.size());
      const bool more =
          rest.size() > 1 && rest[0] == '/' && std::string_view("@!").find(rest[1]) == std::string_view::npos;
      if (!more) {
        Node node = parse_item(name, rest, is_implied);
        // The directory may stand there already, for the sake of what is in it.
        if (at->contents->contains(name)) node.contents = at->contents->at(name).contents;
        at->contents->insert_or_assign(name, std::move(node));
        break;
      }
      at = &at->contents->try_emplace(name, directory_node(name)).first->second;
      rest.remove_prefix(1);
    }
  }
  return root;
}

inline void render(const Node& node, const std::string& path, std::string& text) {
  for (const auto& [name, child] : node.children()) {
    const Entry& e = child.self;
    std::string item = (e.implied ? "~" : "") + path + name;
    if (!child.is_directory()) {
      item += "=" + std::to_string(e.mtime.seconds - 1'700'000'000);
    } else {
      item += "/";
      const auto salt =
          e.implied ? static_cast<std::int64_t>(e.mode) - 0700 : e.mtime.seconds - 1'600'000'000;
      if (salt != 0) item += "@" + std::to_string(salt);
      if (!child.contents) item += "(nothing)";
    }
    if (e.kept) item += e.kept->since.seconds > 100 ? "!!" : "!";
    text += text.empty() ? item : " " + item;
    render(child, path + name + "/", text);
  }
}

inline std::string render(const Node& node) {
  std::string text;
  render(node, "", text);
  return text;
}

}  // namespace rb::samples
