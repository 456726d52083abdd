// Recurrent nodes. Weights are [directions, gates H, ...]; inputs [T, N, features].
#include <algorithm>

#include "../../core/base/error.h"
#include "import_node.h"

namespace gradus::onnx {

namespace {

enum class Cell { rnn, gru, lstm };

/// What a node has for one direction.
struct Direction {
  Tensor w, r;                      ///< weights of input and state
  Tensor w_bias = {}, r_bias = {};  ///< undefined if there are none
  Tensor h, c = {};                 ///< the state; undefined for zeros
};

struct RecurrentNode {
  Cell cell;
  int64_t hidden_size, directions;
  bool reverse;                     ///< the only direction is from the end to the beginning
  bool resets_after;                ///< GRU: r multiplies after the product, as in PyTorch
  bool fixed_h, fixed_c;            ///< the initial states are not learned, nor computed from x
  std::vector<std::string> bounds;  ///< RNN: Tanh or Relu, of each direction
};

int64_t gates_of(Cell cell) {
  return cell == Cell::rnn ? 1 : cell == Cell::gru ? 3 : 4;
}

/// The activations that the node names must be the usual ones, or for an RNN Tanh or Relu.
void check_activations(NodeReader& n, RecurrentNode& node) {
  const auto names = n.texts("activations");
  node.bounds.assign(static_cast<size_t>(node.directions), "Tanh");
  if (!names) return;
  const std::vector<std::string> usual = node.cell == Cell::gru
                                             ? std::vector<std::string>{"Sigmoid", "Tanh"}
                                             : std::vector<std::string>{"Sigmoid", "Tanh", "Tanh"};
  const size_t each = node.cell == Cell::rnn ? 1 : usual.size();
  bool fits = names->size() == each * static_cast<size_t>(node.directions);
  for (size_t i = 0; fits && i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    fits = node.cell == Cell::rnn ? name == "Tanh" || name == "Relu" : name == usual[i % each];
  }
  n.check(fits, "use the default ones", "activations ", printable(joined(*names)),
          " are not supported");
  if (node.cell == Cell::rnn) node.bounds = *names;
}

/// W h + b; without a state, which is zero then, only b, if there is one.
Tensor of_state(const Tensor& h, const Tensor& weight, const Tensor& bias) {
  return h.defined() ? linear(h, weight, bias) : bias;
}
Tensor plus(const Tensor& a, const Tensor& b) {
  return b.defined() ? a + b : a;
}

/// h' of an RNN, from x's part with its bias.
Tensor rnn_step(const RecurrentNode& node, size_t number, const Direction& d,
                const Tensor& from_x) {
  const Tensor sum = plus(from_x, of_state(d.h, d.r, d.r_bias));
  return node.bounds[number] == "Relu" ? relu(sum) : tanh(sum);
}

/// Gates are z, r, n: h' = (1 - z) n + z h.
Tensor gru_step(const RecurrentNode& node, const Direction& d, const Tensor& from_x) {
  const int64_t size = node.hidden_size;
  const auto gate = [size](const Tensor& t, int64_t first, int64_t count, int dim = -1) {
    return t.defined() ? narrow(t, dim, first * size, count * size) : t;
  };
  Tensor zr, from_state;
  if (node.resets_after) {
    const Tensor all = of_state(d.h, d.r, d.r_bias);
    zr = sigmoid(plus(gate(from_x, 0, 2), gate(all, 0, 2)));
    if (all.defined()) from_state = gate(zr, 1, 1) * gate(all, 2, 1);
  } else {
    zr = sigmoid(plus(gate(from_x, 0, 2), of_state(d.h, gate(d.r, 0, 2, 0), gate(d.r_bias, 0, 2))));
    const Tensor kept = d.h.defined() ? gate(zr, 1, 1) * d.h : Tensor();
    from_state = of_state(kept, gate(d.r, 2, 1, 0), gate(d.r_bias, 2, 1));
  }
  const Tensor n = tanh(plus(gate(from_x, 2, 1), from_state)), z = gate(zr, 0, 1);
  return d.h.defined() ? n + z * (d.h - n) : n - z * n;
}

/// Gates are i, o, f, g: c' = f c + i g, h' = o tanh(c').
void lstm_step(const RecurrentNode& node, Direction& d, const Tensor& from_x) {
  const Tensor gates = plus(from_x, of_state(d.h, d.r, d.r_bias));
  const int64_t size = node.hidden_size;
  const Tensor iof = sigmoid(narrow(gates, 1, 0, 3 * size)),
               g = tanh(narrow(gates, 1, 3 * size, size));
  const Tensor added = narrow(iof, 1, 0, size) * g;
  d.c = d.c.defined() ? narrow(iof, 1, 2 * size, size) * d.c + added : added;
  d.h = narrow(iof, 1, size, size) * tanh(d.c);
}

/// The hidden states of one direction, in the order of x's steps [T, N, I].
Tensors run_direction(const RecurrentNode& node, size_t number, const Tensor& x, Direction& d) {
  const auto steps = unbind(linear(x, d.w, d.w_bias));  // all at once
  const bool reverse = number == 1 || node.reverse;
  Tensors states(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const size_t t = reverse ? steps.size() - 1 - i : i;
    if (node.cell == Cell::lstm) lstm_step(node, d, steps[t]);
    if (node.cell == Cell::gru) d.h = gru_step(node, d, steps[t]);
    if (node.cell == Cell::rnn) d.h = rnn_step(node, number, d, steps[t]);
    states[t] = d.h;
  }
  return states;
}

/// Inputs are (x, W, R, B, sequence_lens, initial h, initial c, P).
Direction direction_of(const RecurrentNode& node, size_t number, const Call& c) {
  const auto i = static_cast<int64_t>(number), rows = gates_of(node.cell) * node.hidden_size;
  const bool has_one_step = c[0].size(0) == 1;  // whose zeros give weights a gradient of 0
  const auto state = [&](size_t input, bool fixed) {
    const Tensor given = c.has(input) ? select(c[input], 0, i) : Tensor();
    const bool counts = given.defined() && (!fixed || any(ne(given, 0)).item<bool>());
    if (counts || !has_one_step) return counts ? given : Tensor();
    return zeros({c[0].size(1), node.hidden_size}, c[0].dtype());
  };
  Direction d{.w = select(c[1], 0, i), .r = select(c[2], 0, i), .h = state(5, node.fixed_h)};
  if (c.has(3)) {
    const Tensor both = select(c[3], 0, i);
    d.w_bias = narrow(both, 0, 0, rows);
    d.r_bias = narrow(both, 0, rows, rows);
  }
  if (node.cell == Cell::lstm) d.c = state(6, node.fixed_c);
  return d;
}

/// Outputs are all states [T, directions, N, H], and the last ones [directions, N, H].
Tensors run_recurrent(const RecurrentNode& node, const Call& c) {
  require<ShapeError>(c[0].dim() == 3, load_op, "give steps of a batch", "expected [T,N,I], got ",
                      c[0].shape());
  require(c[0].size(0) > 0, load_op, "give at least one step", "there are no steps in input ",
          c[0].shape());
  Tensors all, last_h, last_c;
  for (size_t number = 0; number < static_cast<size_t>(node.directions); ++number) {
    Direction d = direction_of(node, number, c);
    all.push_back(stack(run_direction(node, number, c[0], d)));
    last_h.push_back(d.h);
    if (d.c.defined()) last_c.push_back(d.c);
  }
  return {stack(all, 1), stack(last_h), last_c.empty() ? Tensor() : stack(last_c)};
}

template <Cell cell>
Compute recurrent(NodeReader& n) {
  const std::string direction = n.text("direction", "forward");
  const bool both = direction == "bidirectional", reverse = direction == "reverse";
  n.check(both || reverse || direction == "forward", export_again, "direction '",
          printable(direction), "' is unknown");
  RecurrentNode node{cell,
                     n.integer("hidden_size", 0),
                     both ? 2 : 1,
                     reverse,
                     n.flag("linear_before_reset", false),
                     n.is_fixed(5),
                     n.is_fixed(6),
                     {}};
  n.check(node.hidden_size > 0, export_again, "hidden_size is ", node.hidden_size);
  check_activations(n, node);
  n.check(n.integer("layout", 0) == 0, "export it with steps before samples",
          "layout 1 is not supported");
  n.check(!n.flag("input_forget", false), "", "input_forget is not supported");
  n.check(!n.has_input(4), "export it for sequences of equal length",
          "sequence_lens is not supported");
  n.check(!n.has_input(7), "", "peepholes are not supported");
  return [node](const Call& c) { return run_recurrent(node, c); };
}

constexpr OpRow recurrent_table[] = {
    {"LSTM", recurrent<Cell::lstm>, 3, 8, 0b1110'0000, 3},
    {"GRU", recurrent<Cell::gru>, 3, 6, 0b10'0000, 2},
    {"RNN", recurrent<Cell::rnn>, 3, 6, 0b10'0000, 2},
};

}  // namespace

std::span<const OpRow> recurrent_rows() {
  return recurrent_table;
}

}  // namespace gradus::onnx
