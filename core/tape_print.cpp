// The tape as a table, as JSON and as a graph.
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.h"
#include "tape.h"

namespace gradus {

namespace {

/// Bytes that an operation reads and writes, estimated from the shapes and the type of its output.
int64_t moved_bytes(const Tape& tape, const Entry& entry) {
  int64_t elements = entry.shape.numel();
  for (const Shape& shape : tape.input_shapes(entry)) elements += shape.numel();
  return elements * static_cast<int64_t>(size_of(entry.dtype));
}

/// 1234567 and "B" as "1.23 MB".
std::string quantity(double n, const char* unit) {
  const char* const prefixes[] = {"", "k", "M", "G", "T"};
  size_t p = 0;
  while (n >= 1000 && p + 1 < std::size(prefixes)) {
    n /= 1000;
    ++p;
  }
  std::ostringstream out;
  out << std::fixed
      << std::setprecision(p == 0 || n >= 100 ? 0
                           : n >= 10          ? 1
                                              : 2)
      << n << ' ' << prefixes[p] << unit;
  return std::move(out).str();
}

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

void Tape::print(std::ostream& out) const {
  struct Row {
    std::string slot, module, call, shape, saved, flops, bytes;
  };
  std::vector<Row> rows = {{"slot", "module", "operation", "result", "saved", "computes", "moves"}};
  double flops = 0, bytes = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    const bool leaf = e.rule == nullptr;
    flops += e.flops;
    if (!leaf) bytes += static_cast<double>(moved_bytes(*this, e));
    const std::string call = leaf ? "leaf" : call_text(*this, e);
    const auto saved = static_cast<double>(saved_bytes(e));
    const auto moved = static_cast<double>(moved_bytes(*this, e));
    rows.push_back({str("%", i), paths_[e.path], (e.in_backward ? "d " : "") + call,
                    str(e.dtype, e.shape), e.released ? "released" : quantity(saved, "B"),
                    leaf ? "" : quantity(e.flops, "FLOP"), leaf ? "" : quantity(moved, "B")});
  }
  size_t width[7] = {};
  const auto columns = [](const Row& r) {
    return std::array{&r.slot, &r.module, &r.call, &r.shape, &r.saved, &r.flops, &r.bytes};
  };
  for (const Row& row : rows) {
    for (size_t c = 0; c < 7; ++c) width[c] = std::max(width[c], columns(row)[c]->size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (size_t c = 0; c < 7; ++c) {
      const std::string& cell = *columns(row)[c];
      const std::string padding(width[c] - cell.size(), ' ');
      line += c < 4 ? cell + padding : padding + cell;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
  out << entries_.size() << " entries, " << quantity(static_cast<double>(saved_bytes()), "B")
      << " saved, " << quantity(flops, "FLOP") << ", " << quantity(bytes, "B") << " moved\n";
}

std::string Tape::to_string() const {
  std::ostringstream out;
  print(out);
  return std::move(out).str();
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
                       {"module", paths_[e.path]},
                       {"inputs", std::move(input_list)},
                       {"shape", std::vector<int64_t>(e.shape.begin(), e.shape.end())},
                       {"dtype", gradus::name_of(e.dtype)},
                       {"saved_bytes", saved_bytes(e)},
                       {"flops", e.flops},
                       {"moved_bytes", e.rule == nullptr ? 0 : moved_bytes(*this, e)},
                       {"in_backward", e.in_backward},
                       {"released", e.released}});
  }
  return json{{"entries", std::move(entries)}}.dump(1);
}

std::string Tape::to_dot() const {
  std::string dot = "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=\"monospace\"];\n";
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    const std::string& module = paths_[e.path];
    dot += str("  n", i, " [label=\"%", i, " ", e.op, module.empty() ? "" : "\\n", module, "\\n",
               e.shape, "\"", e.rule == nullptr ? ", style=filled" : "",
               e.in_backward ? ", style=dashed" : "", "];\n");
    for (int32_t slot : input_slots(e)) {
      if (slot >= 0) dot += str("  n", slot, " -> n", i, ";\n");
    }
  }
  return dot + "}\n";
}

}  // namespace gradus
