// The tape as a picture: as text for Graphviz, and as what Graphviz draws.

#include "base/error.h"
#include "base/run_program.h"
#include "base/text.h"
#include "tape.h"

namespace gradus {

namespace {

constexpr size_t line_width = 40;  // of options

/// A text as it stands within quotes.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else if (c == '&') {
      result += "&amp;";  // Graphviz reads "&lt;" as "<"
    } else {
      result += c;
    }
  }
  return result;
}

/// Lines of a label; empty ones are left out.
std::string label(std::initializer_list<std::string> lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!line.empty()) text += (text.empty() ? "" : "\\n") + escaped(line);
  }
  return text;
}

/// Options, "a=1, b=2", broken into lines.
std::string broken(const std::string& options) {
  std::string text;
  size_t column = 0;
  for (size_t begin = 0; begin < options.size();) {
    const size_t comma = options.find(", ", begin);
    const size_t end = comma == std::string::npos ? options.size() : comma + 2;
    if (column > 0 && column + end - begin > line_width) {
      text += '\n';
      column = 0;
    }
    text += options.substr(begin, end - begin);
    column += end - begin;
    begin = end;
  }
  return text;
}

// Filled boxes with dark text, and lines in medium grey: they suit a light and a dark page.
constexpr const char* style = R"(  graph [fontname="Helvetica,Arial,sans-serif", fontsize=11,
         fontcolor="#7b8aa0", labeljust=l, ranksep=0.3, nodesep=0.25];
  node [fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#0f172a", shape=box,
        style="rounded,filled", color="#64748b", fillcolor="#e8edf4", height=0.3,
        margin="0.12,0.05"];
  edge [color="#8494ab", arrowsize=0.6];
)";
constexpr const char* parameter_colours = R"(color="#b7791f", fillcolor="#fdebc8")";
constexpr const char* leaf_colours = R"(color="#2f855a", fillcolor="#d8f3e1")";
constexpr const char* constant_style = R"(shape=ellipse, style=filled, color="#a0aab8",
      fillcolor="#f6f8fa", fontsize=10, margin="0.04,0.02")";
constexpr const char* module_style = R"(style="rounded,filled", color="#3b82f699",
  fillcolor="#3b82f614")";
constexpr const char* operation_style = R"(style="rounded,dotted", color="#8494ab")";

constexpr size_t no_frame = static_cast<size_t>(-1);

}  // namespace

class Tape::Picture {
 public:
  explicit Picture(const Tape& tape)
      : tape_(tape),
        parts_(tape.spans_.size()),
        children_(tape.spans_.size()),
        frame_of_(tape.size(), no_frame) {}

  std::string text() {
    find_frames();
    for (size_t i = 0; i < tape_.size(); ++i) {
      part(frame_of_[i]) += node(i);
      for (size_t k = 0; k < tape_[i].input_count; ++k) add_input(i, k);
    }
    std::string dot = "digraph tape {\n" + (style + outside_);
    for (size_t k = 0; k < parts_.size(); ++k) {
      if (tape_.spans_[k].parent < 0) append_frame(dot, k);
    }
    return dot + edges_ + "}\n";
  }

 private:
  /// The innermost span of each entry. What leaves are used for says nothing about where they
  /// belong, but for the parameters of a module.
  void find_frames() {
    for (size_t k = 0; k < tape_.spans_.size(); ++k) {  // inner ones follow outer ones
      const SpanEntry& span = tape_.spans_[k];
      if (span.parent >= 0) children_[static_cast<size_t>(span.parent)].push_back(k);
      for (size_t i = span.first; i < span.end; ++i) {
        const bool belongs = !is_leaf(i) || (is_parameter(i) && span.is_module);
        if (belongs) frame_of_[i] = k;
      }
    }
  }

  bool is_leaf(size_t i) const { return tape_[i].rule == nullptr; }
  bool is_parameter(size_t i) const {
    const Tensor* const leaf = tape_.leaf_tensor(i);
    return leaf != nullptr && leaf->is_named_in_module();
  }
  std::string& part(size_t frame) { return frame == no_frame ? outside_ : parts_[frame]; }

  std::string node(size_t i) const {
    const Entry& e = tape_[i];
    const std::string name = tape_.name(i);
    const std::string title = !is_leaf(i)    ? (name.empty() ? "" : name + " = ") + e.op
                              : name.empty() ? "leaf"
                                             : name;
    const std::string value = nested(tape_.value(i), e.shape);
    const std::string gradient = tape_.gradient_text(i);
    const std::string text = label({str("%", i, " ", title), in_module(i), broken(tape_.options(e)),
                                    str(e.shape, saved_text(e)), value.empty() ? "" : "= " + value,
                                    gradient.empty() ? "" : "gradient " + gradient});
    return str("  n", i, " [label=\"", text, "\", class=\"", kind(i),
               e.in_backward ? " backward\", style=\"rounded,filled,dashed\"" : "\"", colours(i),
               "];\n");
  }
  /// The module of an entry that is in no frame of it: of one that a backward pass recorded.
  std::string in_module(size_t i) const {
    const std::string& path = tape_.path(tape_[i]);
    for (size_t k = frame_of_[i]; k != no_frame; k = parent(k)) {
      if (tape_.spans_[k].is_module && tape_.path(tape_.spans_[k]) == path) return "";
    }
    return is_leaf(i) || path.empty() ? "" : "in " + path;
  }
  size_t parent(size_t frame) const {
    const int32_t outer = tape_.spans_[frame].parent;
    return outer < 0 ? no_frame : static_cast<size_t>(outer);
  }
  std::string saved_text(const Entry& entry) const {
    if (entry.released) return "  released";
    if (entry.saved_count == 0) return "";
    return "  saves " + quantity(static_cast<double>(tape_.saved_bytes(entry)), "B");
  }
  const char* kind(size_t i) const {
    return !is_leaf(i) ? "op" : is_parameter(i) ? "leaf parameter" : "leaf";
  }
  std::string colours(size_t i) const {
    if (!is_leaf(i)) return "";
    return str(", ", is_parameter(i) ? parameter_colours : leaf_colours);
  }

  /// An edge to entry number `i`, from an entry or from a constant, which gets a node of its own.
  void add_input(size_t i, size_t k) {
    const Entry& e = tape_[i];
    const int32_t slot = tape_.input_slots(e)[k];
    if (slot >= 0) {
      edges_ += str("  n", slot, " -> n", i, ";\n");
    } else if (tape_.has_input(e, k)) {
      const NamedConstant* const named = tape_.named_constant(e, k);
      const bool is_buffer = named != nullptr && named->in_module;
      const Shape& shape = tape_.input_shapes(e)[k];
      const std::string value = nested(tape_.input_value(i, k), shape);
      const std::string text =
          label({tape_.input_name(i, k), shape.empty() ? "" : shape.to_string(), value});
      part(is_buffer ? frame_of_[i] : no_frame) +=
          str("  c", e.first_input + k, " [label=\"", text, "\", class=\"constant\", ",
              constant_style, "];\n");
      edges_ += str("  c", e.first_input + k, " -> n", i, ";\n");
    }
  }

  /// The frames of a span and of those within it: an explicit stack, since spans can be nested as
  /// deeply as modules.
  void append_frame(std::string& dot, size_t outermost) const {
    struct Open {
      size_t frame, next_child;
    };
    std::vector<Open> open = {{outermost, 0}};
    dot += frame_begin(outermost);
    while (!open.empty()) {
      const size_t frame = open.back().frame;
      if (open.back().next_child < children_[frame].size()) {
        const size_t child = children_[frame][open.back().next_child++];
        dot += frame_begin(child);
        open.push_back({child, 0});
      } else {
        dot += parts_[frame] + "  }\n";
        open.pop_back();
      }
    }
  }
  std::string frame_begin(size_t k) const {
    const SpanEntry& span = tape_.spans_[k];
    const std::string& path = tape_.path(span);
    const bool with_path = span.is_module && !path.empty();
    const std::string title = with_path ? path + " (" + span.name + ")" : span.name;
    return str("  subgraph cluster_", k, " {\n  label=\"", label({title, broken(span.options)}),
               "\"; class=\"", span.is_module ? "module" : "operation",
               span.in_backward ? " backward" : "", "\"; graph [",
               span.is_module ? module_style : operation_style, "];\n");
  }

  const Tape& tape_;
  std::vector<std::string> parts_;  // the nodes of each frame
  std::string outside_, edges_;
  std::vector<std::vector<size_t>> children_;  // of each span
  std::vector<size_t> frame_of_;               // each entry
};

std::string Tape::to_dot() const {
  return Picture(*this).text();
}

std::string Tape::to_svg() const {
  const char* const hint =
      "install Graphviz (apt-get install graphviz), or give what to_dot() returns to another "
      "viewer";
  // On the command line: it is white for those who draw to_dot() themselves.
  const FinishedProgram dot =
      run_program("to_svg", hint, {"dot", "-Tsvg", "-Gbgcolor=transparent"}, to_dot());
  const size_t begin = dot.output.find("<svg");  // after the prolog, which HTML does not allow
  require<IoError>(dot.status == 0 && begin != std::string::npos, "to_svg", hint,
                   "the program dot failed with status ", dot.status, ": ",
                   printable(dot.errors.substr(0, dot.errors.find('\n'))));
  return dot.output.substr(begin);
}

}  // namespace gradus
