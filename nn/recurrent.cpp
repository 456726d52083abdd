#include "recurrent.h"

#include <cmath>

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/tape.h"
#include "init.h"

namespace gradus::nn {

// --- One step: what layers and cells share ---

namespace {

Tensor from_input(const Tensor& x, const RecurrentWeights& w) {
  return linear(x, w.weight_ih, w.bias_ih);
}
Tensor from_state(const Tensor& h, const RecurrentWeights& w) {
  return linear(h, w.weight_hh, w.bias_hh);
}

Tensor rnn_step(const Tensor& x, const Tensor& h, const RecurrentWeights& w, RnnNonlinearity f) {
  const Tensor y = add(from_input(x, w), from_state(h, w));
  return f == RnnNonlinearity::tanh ? tanh(y) : relu(y);
}

LSTMState lstm_step(const Tensor& x, const LSTMState& state, const RecurrentWeights& w) {
  const std::vector<Tensor> gates = chunk(add(from_input(x, w), from_state(state.h, w)), 4, -1);
  const Tensor i = sigmoid(gates[0]), f = sigmoid(gates[1]), g = tanh(gates[2]),
               o = sigmoid(gates[3]);
  const Tensor c = add(mul(f, state.c), mul(i, g));
  return {mul(o, tanh(c)), c};
}

Tensor gru_step(const Tensor& x, const Tensor& h, const RecurrentWeights& w) {
  const std::vector<Tensor> of_x = chunk(from_input(x, w), 3, -1);
  const std::vector<Tensor> of_h = chunk(from_state(h, w), 3, -1);
  const Tensor r = sigmoid(add(of_x[0], of_h[0])), z = sigmoid(add(of_x[1], of_h[1]));
  const Tensor n = tanh(add(of_x[2], mul(r, of_h[2])));
  return add(n, mul(z, sub(h, n)));  // (1 - z) n + z h
}

constexpr int64_t max_layers = 1024;  // so that a number from a file cannot keep us busy for hours

}  // namespace

RecurrentModule::RecurrentModule(const Setting& s) : setting_(s) {
  check_at_least(s.type, "input_size", s.input_size, 1);
  check_at_least(s.type, "hidden_size", s.hidden_size, 1);
  check_at_least(s.type, "num_layers", s.num_layers, 1);
  require(s.num_layers <= max_layers, s.type, "more layers are several modules one after the other",
          "num_layers must be at most ", max_layers, ", got ", s.num_layers);
  check_probability(s.type, "dropout", s.dropout);
}

RecurrentWeights RecurrentModule::add_weights(const std::string& suffix, int64_t columns) {
  const Setting& s = setting_;
  const int64_t gates = s.recurrence == Recurrence::lstm  ? 4
                        : s.recurrence == Recurrence::gru ? 3
                                                          : 1;
  const int64_t rows = gates * s.hidden_size;
  const double bound = 1 / std::sqrt(static_cast<double>(s.hidden_size));
  const auto add = [&](const char* name, const Shape& shape) -> Tensor& {
    return parameter(name + suffix, uniform_(Tensor::empty(shape), -bound, bound));
  };
  Tensor& weight_ih = add("weight_ih", {rows, columns});
  Tensor& weight_hh = add("weight_hh", {rows, s.hidden_size});
  const auto add_bias = [&](const char* name) -> Tensor& {
    return s.bias ? add(name, {rows}) : parameter(name + suffix, {});
  };
  Tensor& bias_ih = add_bias("bias_ih");
  return {weight_ih, weight_hh, bias_ih, add_bias("bias_hh")};
}

Tensor RecurrentModule::checked_state(const char* name, const Tensor& state, const Shape& expected,
                                      const Tensor& x, const char* hint) const {
  if (!state.defined()) return zeros(expected, x.dtype());
  require<ShapeError>(state.shape() == expected, setting_.type, hint, "expected ", name, " ",
                      expected, " for input ", x.shape(), ", got ", state.shape());
  return state;
}

LSTMState RecurrentModule::step(const Tensor& x, const LSTMState& state,
                                const RecurrentWeights& w) const {
  constexpr const char* names[] = {"rnn_step", "lstm_step", "gru_step"};
  const Tape::Span span(names[static_cast<size_t>(setting_.recurrence)]);
  if (setting_.recurrence == Recurrence::lstm) return lstm_step(x, state, w);
  if (setting_.recurrence == Recurrence::gru) return {gru_step(x, state.h, w), {}};
  return {rnn_step(x, state.h, w, setting_.nonlinearity), {}};
}

// --- Layers ---

RecurrentLayer::RecurrentLayer(const Setting& s) : RecurrentModule(s) {
  for (int64_t layer = 0; layer < s.num_layers; ++layer) {
    const int64_t columns = layer == 0 ? s.input_size : directions() * s.hidden_size;
    weights_.push_back(add_weights(str("_l", layer), columns));
    if (s.bidirectional) weights_.push_back(add_weights(str("_l", layer, "_reverse"), columns));
  }
}

void RecurrentLayer::check_input(const Tensor& x) const {
  const bool fits = (x.dim() == 2 || x.dim() == 3) && x.shape()[x.dim() - 1] == setting_.input_size;
  require<ShapeError>(fits, setting_.type, "the last size is the input_size of the layer",
                      "expected an input ", setting_.batch_first ? "[N,T," : "[T,N,",
                      setting_.input_size, "] or [T,", setting_.input_size, "], got ", x.shape());
  require<ShapeError>(x.size(x.dim() == 3 && setting_.batch_first ? 1 : 0) > 0, setting_.type,
                      "pad it to at least one step", "the sequence has no steps: input ",
                      x.shape());
}

/// [num_layers * directions, N, hidden_size] for x [T, N, ...], or without N for x [T, ...].
Tensor RecurrentLayer::initial_state(const char* name, const Tensor& given, const Tensor& x) const {
  Shape expected = {setting_.num_layers * directions(), setting_.hidden_size};
  if (x.dim() == 3) expected.insert(1, x.size(1));
  return checked_state(name, given, expected, x,
                       "states are [num_layers * directions, N, hidden_size], also with "
                       "batch_first");
}

RecurrentLayer::Steps RecurrentLayer::run_direction(size_t number, const Steps& steps,
                                                    LSTMState& state) const {
  const bool backward = setting_.bidirectional && number % 2 == 1;
  Steps outputs(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const size_t t = backward ? steps.size() - 1 - i : i;
    state = step(steps[t], state, weights_[number]);
    outputs[t] = state.h;
  }
  return outputs;
}

/// `states` are the initial ones of all layers, and become the last ones of this layer.
RecurrentLayer::Steps RecurrentLayer::run_layer(int64_t layer, const Steps& steps,
                                                std::vector<LSTMState>& states) const {
  const auto first = static_cast<size_t>(layer * directions());
  Steps outputs = run_direction(first, steps, states[first]);
  if (setting_.bidirectional) {
    const Steps others = run_direction(first + 1, steps, states[first + 1]);
    for (size_t t = 0; t < outputs.size(); ++t) outputs[t] = cat({outputs[t], others[t]}, -1);
  }
  const bool drops = is_training() && setting_.dropout > 0 && layer + 1 < setting_.num_layers;
  for (Tensor& y : outputs) {
    if (drops) y = dropout(y, setting_.dropout, default_rng(Stream::dropout));
  }
  return outputs;
}

LSTMResult RecurrentLayer::run(const Tensor& input, const LSTMState& initial) const {
  check_input(input);
  const bool swaps = setting_.batch_first && input.dim() == 3;
  const Tensor x = swaps ? transpose(input, 0, 1) : input;
  const Tensor h_0 = initial_state("h_0", initial.h, x);
  const Tensor c_0 = has_cell_state() ? initial_state("c_0", initial.c, x) : Tensor();
  std::vector<LSTMState> states;
  for (int64_t k = 0; k < h_0.size(0); ++k) {
    states.push_back({select(h_0, 0, k), c_0.defined() ? select(c_0, 0, k) : Tensor()});
  }
  Steps steps = unbind(x);
  for (int64_t layer = 0; layer < setting_.num_layers; ++layer) {
    steps = run_layer(layer, steps, states);
  }
  Steps h_n, c_n;
  for (const LSTMState& state : states) {
    h_n.push_back(state.h);
    c_n.push_back(state.c);
  }
  const Tensor output = stack(steps);
  return {swaps ? transpose(output, 0, 1) : output, stack(h_n),
          has_cell_state() ? stack(c_n) : Tensor()};
}

Tensor LastStepOptions::apply(const Tensor& x) const {
  require<ShapeError>(x.dim() == 2 || x.dim() == 3, type,
                      "it comes right after the recurrent layer",
                      "expected the output of a recurrent layer, ",
                      batch_first ? "[N,T,H]" : "[T,N,H]", " or [T,H], got ", x.shape());
  return select(x, batch_first && x.dim() == 3 ? 1 : 0, -1);
}

// --- Cells ---

LSTMState RecurrentCell::run(const Tensor& x, const LSTMState& state) const {
  const bool fits = (x.dim() == 1 || x.dim() == 2) && x.shape()[x.dim() - 1] == setting_.input_size;
  require<ShapeError>(fits, setting_.type, "the last size is the input_size of the cell",
                      "expected an input [N,", setting_.input_size, "] or [", setting_.input_size,
                      "], got ", x.shape());
  Shape expected = x.shape();
  expected[x.dim() - 1] = setting_.hidden_size;
  const auto checked = [&](const char* name, const Tensor& given) {
    return checked_state(name, given, expected, x, "the state has hidden_size numbers per sample");
  };
  const Tensor h = checked("h", state.h);
  return step(x, {h, has_cell_state() ? checked("c", state.c) : Tensor()}, *this);
}

}  // namespace gradus::nn
