#include "recurrent.h"

#include <algorithm>
#include <cmath>

#include "../core/base/error.h"
#include "../core/base/random.h"
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

void reset_uniformly(const RecurrentWeights& w, int64_t hidden_size) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  for (const Tensor& t : {w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh}) {
    if (t.defined()) uniform_(t, -bound, bound);
  }
}

constexpr int64_t max_layers = 1024;  // so that a number from a file cannot keep us busy for hours

Shape with_last(Shape shape, int64_t size) {
  shape[shape.dim() - 1] = size;
  return shape;
}

}  // namespace

// --- Layers: registration ---

void RNNOptions::describe(OptionVisitor& visit) {
  visit.required("input_size", input_size);
  visit.required("hidden_size", hidden_size);
  visit("num_layers", num_layers);
  visit.choice("nonlinearity", nonlinearity, {"tanh", "relu"});
  visit("bias", bias);
  visit("batch_first", batch_first);
  visit("dropout", dropout);
  visit("bidirectional", bidirectional);
}

RecurrentLayer::RecurrentLayer(const Setting& s) : setting_(s) {
  check_at_least(s.type, "input_size", s.input_size, 1);
  check_at_least(s.type, "hidden_size", s.hidden_size, 1);
  check_at_least(s.type, "num_layers", s.num_layers, 1);
  if (s.num_layers > max_layers) {
    throw ValueError(s.type, str("num_layers must be at most ", max_layers, ", got ", s.num_layers),
                     "more layers are several modules one after the other");
  }
  check_probability(s.type, "dropout", s.dropout);
  for (int64_t layer = 0; layer < s.num_layers; ++layer) {
    add_weights(layer, false);
    if (s.bidirectional) add_weights(layer, true);
  }
}

void RecurrentLayer::add_weights(int64_t layer, bool reverse) {
  const int64_t hidden = setting_.hidden_size, rows = setting_.gates * hidden;
  const int64_t columns = layer == 0 ? setting_.input_size : directions() * hidden;
  const std::string suffix = str("_l", layer, reverse ? "_reverse" : "");
  const auto bias = [&] { return setting_.bias ? Tensor::empty({rows}) : Tensor(); };
  Tensor& weight_ih = parameter("weight_ih" + suffix, Tensor::empty({rows, columns}));
  Tensor& weight_hh = parameter("weight_hh" + suffix, Tensor::empty({rows, hidden}));
  Tensor& bias_ih = parameter("bias_ih" + suffix, bias());
  Tensor& bias_hh = parameter("bias_hh" + suffix, bias());
  weights_.push_back({weight_ih, weight_hh, bias_ih, bias_hh});
  reset_uniformly(weights_.back(), hidden);
}

// --- Layers: running ---

void RecurrentLayer::check_input(const Tensor& x) const {
  const bool fits = (x.dim() == 2 || x.dim() == 3) && x.shape()[x.dim() - 1] == setting_.input_size;
  if (!fits) {
    throw ShapeError(
        setting_.type,
        str("expected an input ", setting_.batch_first ? "[N,T," : "[T,N,", setting_.input_size,
            "] or [T,", setting_.input_size, "], got ", x.shape()),
        "the last size is the input_size of the layer");
  }
  if (x.size(x.dim() == 3 && setting_.batch_first ? 1 : 0) == 0) {
    throw ShapeError(setting_.type, str("the sequence has no steps: input ", x.shape()),
                     "pad it to at least one step");
  }
}

/// [num_layers * directions, N, hidden_size] for x [T, N, ...], or without N for x [T, ...].
Tensor RecurrentLayer::initial_state(const char* name, const Tensor& given, const Tensor& x) const {
  const int64_t count = setting_.num_layers * directions();
  const Shape expected = x.dim() == 3 ? Shape{count, x.size(1), setting_.hidden_size}
                                      : Shape{count, setting_.hidden_size};
  if (!given.defined()) return zeros(expected, x.dtype());
  if (given.shape() == expected) return given;
  throw ShapeError(
      setting_.type,
      str("expected ", name, " ", expected, " for input ", x.shape(), ", got ", given.shape()),
      "states are [num_layers * directions, N, hidden_size], also with batch_first");
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

LSTMResult RecurrentLayer::run(const Tensor& input, const LSTMState& initial) {
  check_input(input);
  const bool swaps = setting_.batch_first && input.dim() == 3;
  const Tensor x = swaps ? transpose(input, 0, 1) : input;
  const Tensor h_0 = initial_state("h_0", initial.h, x);
  const Tensor c_0 = setting_.has_cell_state ? initial_state("c_0", initial.c, x) : Tensor();
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
          setting_.has_cell_state ? stack(c_n) : Tensor()};
}

LSTMResult RecurrentLayer::call_with_state(const Tensor& x, const LSTMState& initial) {
  LSTMResult result;
  call(x, [&] {
    result = run(x, initial);
    return result.output;
  });
  return result;
}

RecurrentResult RNN::operator()(const Tensor& x, const Tensor& h_0) {
  const LSTMResult result = call_with_state(x, {h_0, {}});
  return {result.output, result.h_n};
}
LSTMResult LSTM::operator()(const Tensor& x, const LSTMState& initial) {
  return call_with_state(x, initial);
}
RecurrentResult GRU::operator()(const Tensor& x, const Tensor& h_0) {
  const LSTMResult result = call_with_state(x, {h_0, {}});
  return {result.output, result.h_n};
}

LSTMState RNN::step(const Tensor& x, const LSTMState& state, const RecurrentWeights& w) const {
  return {rnn_step(x, state.h, w, options().nonlinearity), {}};
}
LSTMState LSTM::step(const Tensor& x, const LSTMState& state, const RecurrentWeights& w) const {
  return lstm_step(x, state, w);
}
LSTMState GRU::step(const Tensor& x, const LSTMState& state, const RecurrentWeights& w) const {
  return {gru_step(x, state.h, w), {}};
}

Tensor LastStepOptions::apply(const Tensor& x) const {
  if (x.dim() != 2 && x.dim() != 3) {
    throw ShapeError(type,
                     str("expected the output of a recurrent layer, ",
                         batch_first ? "[N,T,H]" : "[T,N,H]", " or [T,H], got ", x.shape()),
                     "it comes right after the recurrent layer");
  }
  return select(x, batch_first && x.dim() == 3 ? 1 : 0, -1);
}

// --- Cells ---

namespace {

template <class Options>
void describe_cell(Options& o, OptionVisitor& visit) {
  visit.required("input_size", o.input_size);
  visit.required("hidden_size", o.hidden_size);
  visit("bias", o.bias);
}

}  // namespace

void RNNCellOptions::describe(OptionVisitor& visit) {
  describe_cell(*this, visit);
  visit.choice("nonlinearity", nonlinearity, {"tanh", "relu"});
}
void LSTMCellOptions::describe(OptionVisitor& visit) {
  describe_cell(*this, visit);
}
void GRUCellOptions::describe(OptionVisitor& visit) {
  describe_cell(*this, visit);
}

const RecurrentCell::Setting& RecurrentCell::checked(const Setting& s) {
  check_at_least(s.type, "input_size", s.input_size, 1);
  check_at_least(s.type, "hidden_size", s.hidden_size, 1);
  return s;
}

RecurrentCell::RecurrentCell(const Setting& s)
    : RecurrentCell(checked(s), s.gates * s.hidden_size) {}

RecurrentCell::RecurrentCell(const Setting& s, int64_t rows)
    : weight_ih(parameter("weight_ih", Tensor::empty({rows, s.input_size}))),
      weight_hh(parameter("weight_hh", Tensor::empty({rows, s.hidden_size}))),
      bias_ih(parameter("bias_ih", s.bias ? Tensor::empty({rows}) : Tensor())),
      bias_hh(parameter("bias_hh", s.bias ? Tensor::empty({rows}) : Tensor())),
      setting_(s) {
  reset_uniformly(weights(), s.hidden_size);
}

Tensor RecurrentCell::checked_state(const char* name, const Tensor& x, const Tensor& state) const {
  const bool fits = (x.dim() == 1 || x.dim() == 2) && x.shape()[x.dim() - 1] == setting_.input_size;
  if (!fits) {
    throw ShapeError(setting_.type,
                     str("expected an input [N,", setting_.input_size, "] or [",
                         setting_.input_size, "], got ", x.shape()),
                     "the last size is the input_size of the cell");
  }
  const Shape expected = with_last(x.shape(), setting_.hidden_size);
  if (!state.defined()) return zeros(expected, x.dtype());
  if (state.shape() == expected) return state;
  throw ShapeError(
      setting_.type,
      str("expected ", name, " ", expected, " for input ", x.shape(), ", got ", state.shape()),
      "the state has hidden_size numbers per sample");
}

Tensor RNNCell::step(const Tensor& x, const Tensor& h) {
  return rnn_step(x, checked_state("h", x, h), weights(), options().nonlinearity);
}
LSTMState LSTMCell::step(const Tensor& x, const LSTMState& state) {
  return lstm_step(x, {checked_state("h", x, state.h), checked_state("c", x, state.c)}, weights());
}
Tensor GRUCell::step(const Tensor& x, const Tensor& h) {
  return gru_step(x, checked_state("h", x, h), weights());
}

Tensor RNNCell::operator()(const Tensor& x, const Tensor& h) {
  return call(x, [&] { return step(x, h); });
}
LSTMState LSTMCell::operator()(const Tensor& x, const LSTMState& state) {
  LSTMState next;
  call(x, [&] {
    next = step(x, state);
    return next.h;
  });
  return next;
}
Tensor GRUCell::operator()(const Tensor& x, const Tensor& h) {
  return call(x, [&] { return step(x, h); });
}

}  // namespace gradus::nn
