#include "scan/glob.h"

namespace rb {

namespace {

constexpr std::size_t kNone = std::string_view::npos;

// One element of a pattern that stands for exactly one byte.
struct Element {
  std::size_t length = 0;  // bytes of the pattern
  bool matches = false;
};

bool is_set_negation(char c) {
  return c == '!' || c == '^';
}

// Reads a byte of a set, quoted or not, and moves past it.
unsigned char set_byte(std::string_view glob, std::size_t& at) {
  if (glob[at] == '\\') ++at;
  return static_cast<unsigned char>(glob[at++]);
}

// glob[at] is '['. A ']' that comes first is a member.
Element match_set(std::string_view glob, std::size_t at, unsigned char byte) {
  const std::size_t begin = at++;
  const bool negated = is_set_negation(glob[at]);
  if (negated) ++at;
  bool found = false;
  for (bool first = true; first || glob[at] != ']'; first = false) {
    const unsigned char low = set_byte(glob, at);
    unsigned char high = low;
    if (glob[at] == '-' && glob[at + 1] != ']') {
      ++at;
      high = set_byte(glob, at);
    }
    found |= low <= byte && byte <= high;
  }
  return {at + 1 - begin, found != negated && byte != '/'};
}

Element match_one(std::string_view glob, std::size_t at, unsigned char byte) {
  switch (glob[at]) {
    case '?':
      return {1, byte != '/'};
    case '[':
      return match_set(glob, at, byte);
    case '\\':
      return {2, static_cast<unsigned char>(glob[at + 1]) == byte};
    default:
      return {1, static_cast<unsigned char>(glob[at]) == byte};
  }
}

bool begins_component(std::string_view text, std::size_t at) {
  return at == 0 || text[at - 1] == '/';
}

// Why there is no good set at glob[at] == '[', or nullptr; moves past it.
const char* check_set(std::string_view glob, std::size_t& at) {
  const auto unclosed = [&] { return at >= glob.size(); };
  ++at;
  if (!unclosed() && is_set_negation(glob[at])) ++at;
  for (bool first = true;; first = false) {
    if (unclosed()) return "a set '[' is not closed by ']'";
    if (glob[at] == ']' && !first) break;
    if (glob.substr(at, 2) == "[:") return "classes such as [:alpha:] are not known";
    if (glob[at] == '\\' && at + 1 >= glob.size()) return "a '\\' at the end quotes nothing";
    const unsigned char low = set_byte(glob, at);
    unsigned char high = low;
    if (!unclosed() && glob[at] == '-' && at + 1 < glob.size() && glob[at + 1] != ']') {
      ++at;
      if (glob[at] == '\\' && at + 1 >= glob.size()) return "a '\\' at the end quotes nothing";
      high = set_byte(glob, at);
    }
    if (low > high) return "a range in a set runs backwards";
    if (low == '/' || high == '/') return "a set can't hold '/'";
  }
  ++at;
  return nullptr;
}

}  // namespace

Status check_glob(std::string_view glob) {
  for (std::size_t at = 0; at < glob.size();) {
    const char* wrong = nullptr;
    if (glob[at] == '\0') {
      wrong = "no name holds a NUL byte";
    } else if (glob[at] == '[') {
      wrong = check_set(glob, at);
    } else if (glob[at] == '\\') {
      if (at + 1 >= glob.size()) wrong = "a '\\' at the end quotes nothing";
      at += 2;
    } else {
      ++at;
    }
    if (wrong != nullptr) return fail(Errc::invalid_argument, wrong);
  }
  return {};
}

bool is_literal_glob(std::string_view glob) {
  return glob.find_first_of("*?[\\") == kNone;
}

// Two places to go back to suffice: the last `*` and the last `**`. What stood before a `**` need not be
// tried again, since the `**` can take whatever another choice would have left over; the same holds for a `*`
// within a component, and a '/' after a `*` leaves it no choice.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0;
  std::size_t star_glob = kNone, star_text = 0;  // the pattern after the last `*`; what it must match next
  std::size_t deep_glob = kNone, deep_text = 0;  // the same for the last `**`
  bool deep_by_component = false;                // it was "**/": it ends at the beginnings of components only
  for (;;) {
    if (g < glob.size() && glob[g] == '*') {
      const bool deep = g + 1 < glob.size() && glob[g + 1] == '*';
      const bool at_component = begins_component(glob, g);
      while (g < glob.size() && glob[g] == '*')
        ++g;
      if (deep) {
        deep_by_component = at_component && g < glob.size() && glob[g] == '/';
        if (deep_by_component) ++g;
        deep_glob = g;
        deep_text = t;
        star_glob = kNone;
      } else {
        star_glob = g;
        star_text = t;
      }
      continue;
    }
    if (g == glob.size() && t == text.size()) return true;
    if (g < glob.size() && t < text.size()) {
      const Element e = match_one(glob, g, static_cast<unsigned char>(text[t]));
      if (e.matches) {
        g += e.length;
        ++t;
        continue;
      }
    }
    if (star_glob != kNone && star_text < text.size() && text[star_text] != '/') {
      g = star_glob;
      t = ++star_text;
      continue;
    }
    if (deep_glob == kNone || deep_text >= text.size()) return false;
    ++deep_text;
    if (deep_by_component) {
      while (deep_text < text.size() && !begins_component(text, deep_text))
        ++deep_text;
      if (!begins_component(text, deep_text)) return false;
    }
    star_glob = kNone;
    g = deep_glob;
    t = deep_text;
  }
}

}  // namespace rb
