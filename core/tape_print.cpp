// The tape as a table and as JSON.
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.h"
#include "base/text.h"
#include "tape.h"

namespace gradus {

namespace {

/// A name as it can stand in a table.
std::string one_line(const std::string& name) {
  std::string text = printable(name);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// "h = mul(%0, x[3]=(1, 2, 3))", or "leaf conv1.weight".
std::string call_text(const Tape& tape, size_t index,
                      const std::function<std::string(size_t input)>& constant) {
  const Entry& entry = tape[index];
  const std::string name = one_line(tape.name(index));
  if (entry.rule == nullptr) return name.empty() ? "leaf" : "leaf " + name;
  std::string text = (entry.in_backward ? "d " : "") + (name.empty() ? name : name + " = ");
  text += entry.op + std::string("(");
  const auto slots = tape.input_slots(entry);
  for (size_t k = 0; k < slots.size(); ++k) {
    if (k > 0) text += ", ";
    text += slots[k] >= 0 ? str("%", slots[k]) : constant(k);
  }
  return text + ")";
}

}  // namespace

std::string Tape::constant_text(size_t index, size_t input) const {
  const Entry& entry = entries_[index];
  if (!has_input(entry, input)) return "none";
  const Shape& shape = input_shapes(entry)[input];
  const std::string name = one_line(input_name(index, input));
  const std::string value = nested(input_value(index, input), shape);
  const std::string known = name + (shape.empty() ? "" : shape.to_string());
  return known + (known.empty() || value.empty() ? "" : "=") + value;
}

std::string Tape::gradient_text(size_t index) const {
  const std::vector<double> values = gradient(index);
  if (!values.empty()) return nested(values, entries_[index].shape);
  const std::optional<double> norm = gradient_norm(index);
  return norm ? "norm " + rounded(*norm, 4) : "";
}

std::string Tape::to_string() const {
  std::vector<std::vector<std::string>> rows = {
      {"slot", "module", "operation", "result", "saved", "computes", "moves", "", "", "", ""}};
  const std::vector<std::string> optional_titles = {"value", "gradient", "part of", "options"};
  const size_t first_optional = rows[0].size() - optional_titles.size();
  double flops = 0, bytes = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    const bool leaf = e.rule == nullptr;
    flops += e.flops;
    if (!leaf) bytes += static_cast<double>(moved_bytes(e));
    const std::string call = call_text(*this, i, [&](size_t k) { return constant_text(i, k); });
    const auto saved = static_cast<double>(saved_bytes(e));
    const auto moved = static_cast<double>(moved_bytes(e));
    rows.push_back({str("%", i), paths_[e.path], call, str(e.dtype, e.shape),
                    e.released ? "released" : quantity(saved, "B"),
                    leaf ? "" : quantity(e.flops, "FLOP"), leaf ? "" : quantity(moved, "B"),
                    nested(value(i), e.shape), gradient_text(i), composed_of(i), options(e)});
    for (size_t k = 0; k < optional_titles.size(); ++k) {
      const size_t column = first_optional + k;
      if (!rows.back()[column].empty()) rows[0][column] = optional_titles[k];
    }
  }
  return aligned_table(rows, "llllrrrllll") +
         str(entries_.size(), " entries, ", quantity(static_cast<double>(saved_bytes()), "B"),
             " saved, ", quantity(flops, "FLOP"), ", ", quantity(bytes, "B"), " moved\n");
}

void Tape::print(std::ostream& out) const {
  out << to_string();
}

std::string Tape::to_json() const {
  using nlohmann::json;
  json entries = json::array();
  const auto known = [](const std::vector<double>& values) {
    return values.empty() ? json(nullptr) : json(values);
  };
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    const std::optional<double> norm = gradient_norm(i);
    json input_list = json::array();
    for (size_t k = 0; k < e.input_count; ++k) {
      const int32_t slot = input_slots(e)[k];
      const Shape& shape = input_shapes(e)[k];
      input_list.push_back({{"slot", slot >= 0 ? json(slot) : json(nullptr)},
                            {"shape", std::vector<int64_t>(shape.begin(), shape.end())},
                            {"given", has_input(e, k)},
                            {"name", input_name(i, k)},
                            {"value", known(input_value(i, k))}});
    }
    entries.push_back({{"slot", i},
                       {"op", e.op},
                       {"name", name(i)},
                       {"options", options(e)},
                       {"module", paths_[e.path]},
                       {"inputs", std::move(input_list)},
                       {"shape", std::vector<int64_t>(e.shape.begin(), e.shape.end())},
                       {"dtype", gradus::name_of(e.dtype)},
                       {"value", known(value(i))},
                       {"gradient", known(gradient(i))},
                       {"gradient_norm", norm ? json(*norm) : json(nullptr)},
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

}  // namespace gradus
