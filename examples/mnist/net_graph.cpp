#include "net_graph.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/random.h>
#include <gradus/core/base/run_program.h>
#include <gradus/core/base/text.h>
#include <gradus/core/ops.h>
#include <gradus/core/tape.h>
#include <gradus/nn/training_mode.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace gradus::examples {

namespace {

constexpr int32_t no_node = -1;

// Boxes with dark text, and lines in medium gray: they suit a light and a dark page.
constexpr const char* style = R"(  graph [ranksep=0.25, nodesep=0.3];
  node [fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#0f172a", shape=box,
        style="rounded,filled", color="#64748b", fillcolor="#e8edf4", height=0.3,
        margin="0.14,0.06"];
  edge [color="#8494ab", arrowsize=0.6];
)";

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

/// "16 × 28 × 28", without the batch.
std::string sample_text(const Shape& shape) {
  std::string text;
  for (int d = 1; d < shape.dim(); ++d) text += str(d > 1 ? " × " : "", shape[d]);
  return text;
}

/// Entries of a tape as nodes: those of a layer are one.
class Nodes {
 public:
  explicit Nodes(const Tape& tape) : tape_(tape), node_of_(tape.size(), no_node) {
    std::vector<char> has_layers(tape.spans().size(), 0);
    for (const SpanEntry& span : tape.spans()) {
      for (int32_t k = span.is_module ? span.parent : -1; k >= 0; k = parent(k)) {
        has_layers[static_cast<size_t>(k)] = 1;
      }
    }
    // Inner spans follow outer ones; what no layer does is a node of its own, after the spans.
    const auto spans = static_cast<int32_t>(tape.spans().size());
    for (size_t i = 0; i < tape.size(); ++i) node_of_[i] = spans + static_cast<int32_t>(i);
    for (int32_t k = 0; k < spans; ++k) {
      const SpanEntry& span = tape.spans()[static_cast<size_t>(k)];
      if (!span.is_module || has_layers[static_cast<size_t>(k)] != 0) continue;
      for (size_t i = span.first; i < span.end; ++i) node_of_[i] = k;
    }
  }

  int32_t of(size_t entry) const { return node_of_[entry]; }

  std::string label(int32_t node) const {
    const auto k = static_cast<size_t>(node);
    if (k >= tape_.spans().size()) return tape_[k - tape_.spans().size()].op;
    const SpanEntry& span = tape_.spans()[k];
    const std::string shape =
        span.output < 0 ? "" : sample_text(tape_[static_cast<size_t>(span.output)].shape);
    return str(escaped(tape_.path(span)), "  ", escaped(span.name), "\\n", shape);
  }

 private:
  int32_t parent(int32_t span) const { return tape_.spans()[static_cast<size_t>(span)].parent; }

  const Tape& tape_;
  std::vector<int32_t> node_of_;
};

}  // namespace

std::string net_graph(nn::Module& net, const Shape& sample) {
  const nn::ModeScope evaluating(net, nn::Mode::evaluation);
  const RandomScope random;
  Shape shape = sample;
  shape.insert(0, 1);
  const Tensor x = zeros(shape).requires_grad_();  // so that every operation is recorded
  const Tape tape;
  net(x);
  const Nodes nodes(tape);
  std::string dot = str("digraph net {\n", style, "  input [label=\"input\\n",
                        sample_text(x.shape()), "\", fillcolor=\"#d8f3e1\", color=\"#2f855a\"];\n");
  std::set<int32_t> drawn;
  std::set<std::pair<std::string, int32_t>> edges;
  int32_t input = no_node;
  for (const auto& [slot, tensor] : tape.leaves()) {
    if (tensor.id() == x.id()) input = slot;
  }
  for (size_t i = 0; i < tape.size(); ++i) {
    if (tape[i].rule == nullptr) continue;  // a leaf
    const int32_t node = nodes.of(i);
    if (drawn.insert(node).second)
      dot += str("  n", node, " [label=\"", nodes.label(node), "\"];\n");
    for (const int32_t slot : tape.input_slots(tape[i])) {
      if (slot < 0) continue;
      const auto from = static_cast<size_t>(slot);
      if (slot == input) {
        edges.emplace("input", node);
      } else if (tape[from].rule != nullptr && nodes.of(from) != node) {
        edges.emplace(str("n", nodes.of(from)), node);
      }
    }
  }
  for (const auto& [from, to] : edges) dot += str("  ", from, " -> n", to, ";\n");
  return dot + "}\n";
}

std::string net_picture(nn::Module& net, const Shape& sample) {
  const char* const hint = "install Graphviz (apt-get install graphviz)";
  const FinishedProgram dot = run_program("report", hint, {"dot", "-Tsvg", "-Gbgcolor=transparent"},
                                          net_graph(net, sample));
  const size_t begin = dot.output.find("<svg");  // after the prolog, which HTML does not allow
  require<IoError>(dot.status == 0 && begin != std::string::npos, "report", hint,
                   "the program dot failed with status ", dot.status);
  return dot.output.substr(begin);
}

}  // namespace gradus::examples
