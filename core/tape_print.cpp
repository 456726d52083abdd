// The tape as a table, as JSON and as a graph.
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.h"
#include "base/text.h"
#include "tape.h"

namespace gradus {

namespace {

std::string call_text(const Tape& tape, const Entry& entry) {
  std::string text = std::string(entry.op) + "(";
  const auto slots = tape.input_slots(entry);
  const auto shapes = tape.input_shapes(entry);
  for (size_t k = 0; k < slots.size(); ++k) {
    if (k > 0) text += ", ";
    text += slots[k] >= 0 ? str("%", slots[k]) : shapes[k].to_string();
  }
  return text + ")";
}

}  // namespace

std::string Tape::to_string() const {
  std::vector<std::vector<std::string>> rows = {
      {"slot", "module", "operation", "result", "saved", "computes", "moves", "", ""}};
  double flops = 0, bytes = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    const bool leaf = e.rule == nullptr;
    flops += e.flops;
    if (!leaf) bytes += static_cast<double>(moved_bytes(e));
    const std::string call = leaf ? "leaf" : call_text(*this, e);
    const auto saved = static_cast<double>(saved_bytes(e));
    const auto moved = static_cast<double>(moved_bytes(e));
    rows.push_back({str("%", i), paths_[e.path], (e.in_backward ? "d " : "") + call,
                    str(e.dtype, e.shape), e.released ? "released" : quantity(saved, "B"),
                    leaf ? "" : quantity(e.flops, "FLOP"), leaf ? "" : quantity(moved, "B"),
                    composed_of(i), options(e)});
    if (!rows.back()[7].empty()) rows[0][7] = "part of";
    if (!rows.back()[8].empty()) rows[0][8] = "options";
  }
  return aligned_table(rows, "llllrrrll") +
         str(entries_.size(), " entries, ", quantity(static_cast<double>(saved_bytes()), "B"),
             " saved, ", quantity(flops, "FLOP"), ", ", quantity(bytes, "B"), " moved\n");
}

void Tape::print(std::ostream& out) const {
  out << to_string();
}

std::string Tape::to_json() const {
  using nlohmann::json;
  json entries = json::array();
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    json input_list = json::array();
    for (size_t k = 0; k < e.input_count; ++k) {
      const int32_t slot = input_slots(e)[k];
      const Shape& shape = input_shapes(e)[k];
      input_list.push_back({{"slot", slot >= 0 ? json(slot) : json(nullptr)},
                            {"shape", std::vector<int64_t>(shape.begin(), shape.end())}});
    }
    entries.push_back({{"slot", i},
                       {"op", e.op},
                       {"options", options(e)},
                       {"module", paths_[e.path]},
                       {"inputs", std::move(input_list)},
                       {"shape", std::vector<int64_t>(e.shape.begin(), e.shape.end())},
                       {"dtype", gradus::name_of(e.dtype)},
                       {"saved_bytes", saved_bytes(e)},
                       {"flops", e.flops},
                       {"moved_bytes", e.rule == nullptr ? 0 : moved_bytes(e)},
                       {"in_backward", e.in_backward},
                       {"released", e.released}});
  }
  // Names of modules are the user's; invalid UTF-8 in them must not hide the rest.
  json spans = json::array();
  for (const SpanEntry& span : spans_) {
    spans.push_back({{"name", span.name},
                     {"options", span.options},
                     {"kind", span.is_module ? "module" : "operation"},
                     {"module", paths_[span.path]},
                     {"parent", span.parent},
                     {"first", span.first},
                     {"end", span.end},
                     {"output", span.output},
                     {"in_backward", span.in_backward}});
  }
  return json{{"entries", std::move(entries)}, {"spans", std::move(spans)}}.dump(
      1, ' ', false, json::error_handler_t::replace);
}

namespace {

/// A quoted text, as Graphviz reads it.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace

std::string Tape::to_dot() const {
  std::string dot = "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=\"monospace\"];\n";
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    const std::string module = escaped(paths_[e.path]);
    const std::string options_line = escaped(options(e));
    dot += str("  n", i, " [label=\"%", i, " ", e.op, module.empty() ? "" : "\\n", module,
               options_line.empty() ? "" : "\\n", options_line, "\\n", e.shape, "\"",
               e.rule == nullptr ? ", style=filled" : "", e.in_backward ? ", style=dashed" : "",
               "];\n");
    for (int32_t slot : input_slots(e)) {
      if (slot >= 0) dot += str("  n", slot, " -> n", i, ";\n");
    }
  }
  // A frame for each span, with the entries that are in no inner one.
  const auto frame = [&](const auto& self, int32_t index) -> std::string {
    const auto inner = [&](size_t k) { return spans_[k].parent == index; };
    const SpanEntry& span = spans_[static_cast<size_t>(index)];
    std::vector<bool> in_child(span.end - span.first);
    std::string text = str("  subgraph cluster_", index, " {\n  label=\"", escaped(span.name),
                           span.options.empty() ? "" : "\\n", escaped(span.options), "\";\n");
    for (size_t k = static_cast<size_t>(index) + 1; k < spans_.size(); ++k) {
      if (!inner(k)) continue;
      text += self(self, static_cast<int32_t>(k));
      for (size_t i = spans_[k].first; i < spans_[k].end; ++i) in_child[i - span.first] = true;
    }
    for (size_t i = 0; i < in_child.size(); ++i) {
      if (!in_child[i]) text += str("  n", span.first + i, ";\n");
    }
    return text + "  }\n";
  };
  for (size_t k = 0; k < spans_.size(); ++k) {
    if (spans_[k].parent < 0) dot += frame(frame, static_cast<int32_t>(k));
  }
  return dot + "}\n";
}

}  // namespace gradus
