// Recurrent layers and cells: values by hand, shapes, directions, modes, errors. Values of PyTorch
// for single layers are in tests/conformance.
#include "../../nn/recurrent.h"

#include <doctest/doctest.h>

#include <cmath>

#include "../../core/gradcheck.h"
#include "../../core/tape.h"
#include "../../nn/linear.h"
#include "../../nn/sequential.h"
#include "../../optim/adam.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

Tensor random(const Shape& shape, uint64_t seed = 1) {
  Rng generator(seed);
  return randn(shape, generator, float64);
}

bool close(const Tensor& a, const Tensor& b, double tolerance = 1e-12) {
  if (a.shape() != b.shape()) return false;
  return a.numel() == 0 || max(flatten(abs(sub(a, b)))).item() <= tolerance;
}

template <class Layer>
Layer make(const typename Layer::Options& options) {
  Layer layer(options);
  layer.to(float64);
  return layer;
}

Tensor parameter_of(const nn::Module& module, const std::string& name) {
  for (const NamedTensor& p : module.named_parameters()) {
    if (p.name == name) return p.tensor;
  }
  FAIL("no parameter " << name);
  return {};
}

void set(const nn::Module& module, const std::string& name, const Tensor& value) {
  const NoGrad pause;
  parameter_of(module, name).copy_(value);
}

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> names;
  for (const NamedTensor& p : module.named_parameters()) names.push_back(p.name);
  return names;
}

double sigma(double x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

TEST_CASE("parameters have PyTorch's names, order and shapes") {
  const nn::LSTM lstm({.input_size = 3, .hidden_size = 2, .num_layers = 2, .bidirectional = true});
  CHECK(names_of(lstm) == std::vector<std::string>{
                              "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0",
                              "weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse",
                              "bias_hh_l0_reverse", "weight_ih_l1", "weight_hh_l1", "bias_ih_l1",
                              "bias_hh_l1", "weight_ih_l1_reverse", "weight_hh_l1_reverse",
                              "bias_ih_l1_reverse", "bias_hh_l1_reverse"});
  CHECK(parameter_of(lstm, "weight_ih_l0").shape() == Shape{8, 3});
  CHECK(parameter_of(lstm, "weight_ih_l1").shape() == Shape{8, 4});
  CHECK(parameter_of(lstm, "weight_hh_l1_reverse").shape() == Shape{8, 2});
  CHECK(parameter_of(lstm, "bias_hh_l0").shape() == Shape{8});
  const nn::GRU gru({.input_size = 3, .hidden_size = 2, .bias = false});
  CHECK(names_of(gru) == std::vector<std::string>{"weight_ih_l0", "weight_hh_l0"});
  CHECK(parameter_of(gru, "weight_ih_l0").shape() == Shape{6, 3});
  CHECK(parameter_of(nn::RNN({.input_size = 3, .hidden_size = 2}), "bias_ih_l0").shape() ==
        Shape{2});
  CHECK(names_of(nn::GRUCell({.input_size = 3, .hidden_size = 2})) ==
        std::vector<std::string>{"weight_ih", "weight_hh", "bias_ih", "bias_hh"});
}

TEST_CASE("parameters start uniform in +-1/sqrt(hidden_size), biases too") {
  const nn::GRU gru({.input_size = 40, .hidden_size = 25});
  for (const NamedTensor& p : gru.named_parameters()) {
    const double largest = max(flatten(abs(p.tensor.detach()))).item();
    CHECK_MESSAGE(largest <= 0.2 + 1e-7, p.name);
    CHECK_MESSAGE(largest > 0.18, p.name);
  }
}

TEST_CASE("one step of an LSTM by hand") {
  auto lstm = make<nn::LSTM>({.input_size = 1, .hidden_size = 1});
  set(lstm, "weight_ih_l0", tensor({0.1, 0.2, 0.3, 0.4}, {4, 1}));
  set(lstm, "weight_hh_l0", tensor({0.5, 0.6, 0.7, 0.8}, {4, 1}));
  set(lstm, "bias_ih_l0", tensor({0.01, 0.02, 0.03, 0.04}));
  set(lstm, "bias_hh_l0", tensor({0.05, 0.06, 0.07, 0.08}));
  const double x = 2, h = -1, c = 0.5;
  const auto [output, h_n, c_n] =
      lstm(full({1, 1}, x, float64), {full({1, 1}, h, float64), full({1, 1}, c, float64)});
  const double i = sigma(0.1 * x + 0.5 * h + 0.06), f = sigma(0.2 * x + 0.6 * h + 0.08);
  const double g = std::tanh(0.3 * x + 0.7 * h + 0.1), o = sigma(0.4 * x + 0.8 * h + 0.12);
  const double cell = f * c + i * g;
  CHECK(c_n.item() == doctest::Approx(cell));
  CHECK(h_n.item() == doctest::Approx(o * std::tanh(cell)));
  CHECK(output.item() == h_n.item());
}

TEST_CASE("one step of a GRU by hand: the reset gate multiplies the hidden bias too") {
  auto gru = make<nn::GRU>({.input_size = 1, .hidden_size = 1});
  set(gru, "weight_ih_l0", tensor({0.1, 0.2, 0.3}, {3, 1}));
  set(gru, "weight_hh_l0", tensor({0.5, 0.6, 0.7}, {3, 1}));
  set(gru, "bias_ih_l0", tensor({0.01, 0.02, 0.03}));
  set(gru, "bias_hh_l0", tensor({0.05, 0.06, 0.9}));
  const double x = 2, h = -1;
  const double r = sigma(0.1 * x + 0.01 + 0.5 * h + 0.05);
  const double z = sigma(0.2 * x + 0.02 + 0.6 * h + 0.06);
  const double n = std::tanh(0.3 * x + 0.03 + r * (0.7 * h + 0.9));
  const nn::RecurrentResult y = gru(full({1, 1}, x, float64), full({1, 1}, h, float64));
  CHECK(y.h_n.item() == doctest::Approx((1 - z) * n + z * h));
}

TEST_CASE("one step of an RNN by hand, with tanh and with relu") {
  for (const auto f : {nn::RnnNonlinearity::tanh, nn::RnnNonlinearity::relu}) {
    auto rnn = make<nn::RNN>({.input_size = 1, .hidden_size = 1, .nonlinearity = f});
    set(rnn, "weight_ih_l0", tensor({0.5}, {1, 1}));
    set(rnn, "weight_hh_l0", tensor({2.0}, {1, 1}));
    set(rnn, "bias_ih_l0", tensor({0.1}));
    set(rnn, "bias_hh_l0", tensor({0.2}));
    const double sum = 0.5 * 3 + 0.1 + 2 * 0.25 + 0.2;
    const double expected = f == nn::RnnNonlinearity::tanh ? std::tanh(sum) : sum;
    CHECK(rnn(full({1, 1}, 3, float64), full({1, 1}, 0.25, float64)).h_n.item() ==
          doctest::Approx(expected));
  }
}

TEST_CASE("shapes of results") {
  const Tensor x = random({5, 3, 4});
  auto lstm =
      make<nn::LSTM>({.input_size = 4, .hidden_size = 6, .num_layers = 2, .bidirectional = true});
  const nn::LSTMResult y = lstm(x);
  CHECK(y.output.shape() == Shape{5, 3, 12});
  CHECK(y.h_n.shape() == Shape{4, 3, 6});
  CHECK(y.c_n.shape() == Shape{4, 3, 6});
  auto rnn = make<nn::RNN>({.input_size = 4, .hidden_size = 6, .batch_first = true});
  CHECK(rnn(x).output.shape() == Shape{5, 3, 6});
  CHECK(rnn(x).h_n.shape() == Shape{1, 5, 6});
}

TEST_CASE("the output's last step is the last hidden state of the last layer") {
  auto gru = make<nn::GRU>({.input_size = 4, .hidden_size = 3, .num_layers = 2});
  const auto [output, h_n] = gru(random({5, 2, 4}));
  CHECK(close(select(output, 0, -1), select(h_n, 0, -1), 0));
}

TEST_CASE("batch_first is the same with input and output transposed, states are not") {
  auto plain = make<nn::LSTM>({.input_size = 4, .hidden_size = 3, .num_layers = 2});
  auto swapped =
      make<nn::LSTM>({.input_size = 4, .hidden_size = 3, .num_layers = 2, .batch_first = true});
  swapped.load_state_dict(plain.state_dict());
  const Tensor x = random({5, 2, 4}), h = random({2, 2, 3}, 2), c = random({2, 2, 3}, 3);
  const nn::LSTMResult a = plain(x, {h, c}), b = swapped(transpose(x, 0, 1), {h, c});
  CHECK(close(a.output, transpose(b.output, 0, 1), 0));
  CHECK(close(a.h_n, b.h_n, 0));
  CHECK(close(a.c_n, b.c_n, 0));
}

TEST_CASE("a sequence without a batch is a batch of one") {
  auto gru =
      make<nn::GRU>({.input_size = 4, .hidden_size = 3, .num_layers = 2, .bidirectional = true});
  const Tensor x = random({5, 4}), h = random({4, 3}, 2);
  const nn::RecurrentResult one = gru(x, h), batch = gru(unsqueeze(x, 1), unsqueeze(h, 1));
  CHECK(one.output.shape() == Shape{5, 6});
  CHECK(one.h_n.shape() == Shape{4, 3});
  CHECK(close(one.output, squeeze(batch.output, 1)));
  CHECK(close(one.h_n, squeeze(batch.h_n, 1)));
}

TEST_CASE("a bidirectional layer is two layers, one of which reads backwards") {
  auto both = make<nn::LSTM>({.input_size = 4, .hidden_size = 3, .bidirectional = true});
  auto forward = make<nn::LSTM>({.input_size = 4, .hidden_size = 3});
  auto backward = make<nn::LSTM>({.input_size = 4, .hidden_size = 3});
  for (const std::string& name : names_of(forward)) {
    set(forward, name, parameter_of(both, name));
    set(backward, name, parameter_of(both, name + "_reverse"));
  }
  const Tensor x = random({5, 2, 4});
  const nn::LSTMResult y = both(x), f = forward(x), b = backward(flip(x, {0}));
  CHECK(close(y.output, cat({f.output, flip(b.output, {0})}, -1)));
  CHECK(close(y.h_n, cat({f.h_n, b.h_n})));
  CHECK(close(y.c_n, cat({f.c_n, b.c_n})));
}

TEST_CASE("two layers are one layer on the output of another") {
  auto deep = make<nn::GRU>({.input_size = 4, .hidden_size = 3, .num_layers = 2});
  auto lower = make<nn::GRU>({.input_size = 4, .hidden_size = 3});
  auto upper = make<nn::GRU>({.input_size = 3, .hidden_size = 3});
  for (const std::string name : {"weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l"}) {
    set(lower, name + "0", parameter_of(deep, name + "0"));
    set(upper, name + "0", parameter_of(deep, name + "1"));
  }
  const Tensor x = random({5, 2, 4});
  const nn::RecurrentResult y = deep(x), first = lower(x), second = upper(first.output);
  CHECK(close(y.output, second.output));
  CHECK(close(y.h_n, cat({first.h_n, second.h_n})));
}

TEST_CASE("a sequence may be read in pieces: states are handed on") {
  auto lstm = make<nn::LSTM>({.input_size = 4, .hidden_size = 3, .num_layers = 2});
  const Tensor x = random({6, 2, 4});
  const nn::LSTMResult whole = lstm(x), first = lstm(narrow(x, 0, 0, 2));
  const nn::LSTMResult rest = lstm(narrow(x, 0, 2, 4), {first.h_n, first.c_n});
  CHECK(close(whole.output, cat({first.output, rest.output})));
  CHECK(close(whole.c_n, rest.c_n));
}

TEST_CASE("states that are not given are zeros") {
  auto lstm = make<nn::LSTM>({.input_size = 4, .hidden_size = 3});
  const Tensor x = random({5, 2, 4}), zero = zeros({1, 2, 3}, float64), h = random({1, 2, 3}, 2);
  CHECK(close(lstm(x).output, lstm(x, {zero, zero}).output, 0));
  CHECK(close(lstm(x, {h, {}}).output, lstm(x, {h, zero}).output, 0));
}

TEST_CASE("cells do one step of a layer") {
  const Tensor x = random({2, 4}), h = random({2, 3}, 2), c = random({2, 3}, 3);
  const auto with_weights_of = [](auto& cell, const nn::Module& layer) {
    for (const std::string& name : names_of(cell)) {
      set(cell, name, parameter_of(layer, name + "_l0"));
    }
  };
  auto lstm = make<nn::LSTM>({.input_size = 4, .hidden_size = 3});
  auto lstm_cell = make<nn::LSTMCell>({.input_size = 4, .hidden_size = 3});
  with_weights_of(lstm_cell, lstm);
  const nn::LSTMState next = lstm_cell(x, {h, c});
  const nn::LSTMResult layer = lstm(unsqueeze(x, 0), {unsqueeze(h, 0), unsqueeze(c, 0)});
  CHECK(close(next.h, squeeze(layer.h_n, 0), 0));
  CHECK(close(next.c, squeeze(layer.c_n, 0), 0));

  auto gru = make<nn::GRU>({.input_size = 4, .hidden_size = 3});
  auto gru_cell = make<nn::GRUCell>({.input_size = 4, .hidden_size = 3});
  with_weights_of(gru_cell, gru);
  CHECK(close(gru_cell(x, h), squeeze(gru(unsqueeze(x, 0), unsqueeze(h, 0)).h_n, 0), 0));
  CHECK(close(gru_cell(x), squeeze(gru(unsqueeze(x, 0)).h_n, 0), 0));

  auto rnn =
      make<nn::RNN>({.input_size = 4, .hidden_size = 3, .nonlinearity = nn::RnnNonlinearity::relu});
  auto rnn_cell = make<nn::RNNCell>(
      {.input_size = 4, .hidden_size = 3, .nonlinearity = nn::RnnNonlinearity::relu});
  with_weights_of(rnn_cell, rnn);
  CHECK(close(rnn_cell(x, h), squeeze(rnn(unsqueeze(x, 0), unsqueeze(h, 0)).h_n, 0), 0));
  CHECK(rnn_cell(random({4}), random({3})).shape() == Shape{3});
}

TEST_CASE("dropout acts between layers, in training only, and not behind the last") {
  manual_seed(5);
  auto deep = make<nn::GRU>({.input_size = 4, .hidden_size = 3, .num_layers = 2, .dropout = 0.5});
  auto single = make<nn::GRU>({.input_size = 4, .hidden_size = 3, .dropout = 0.5});
  const Tensor x = random({5, 2, 4});
  CHECK(deep.depends_on_mode());
  CHECK_FALSE(single.depends_on_mode());
  CHECK_FALSE(close(deep(x).output, deep(x).output, 1e-6));
  CHECK(close(single(x).output, single(x).output, 0));
  deep.eval();
  const RandomState before = random_state();
  const Tensor calm = deep(x).output;
  CHECK(random_state().streams == before.streams);
  CHECK(close(calm, deep(x).output, 0));

  // With p = 1 the second layer sees zeros alone; the first state is not touched.
  auto all = make<nn::GRU>({.input_size = 4, .hidden_size = 3, .num_layers = 2, .dropout = 1});
  const nn::RecurrentResult y = all(x), other = all(random({5, 2, 4}, 9));
  CHECK(close(y.output, other.output, 0));
  CHECK_FALSE(close(select(y.h_n, 0, 0), select(other.h_n, 0, 0), 1e-6));
}

TEST_CASE("gradients reach inputs, states and all weights, to second order") {
  const auto check = [](auto& layer, const auto& run) {
    const Tensor x = random({3, 2, 2}).requires_grad_(), h = random({2, 2, 2}, 2).requires_grad_();
    std::vector<Tensor> inputs{x, h};
    for (const NamedTensor& p : layer.named_parameters()) inputs.push_back(p.tensor);
    const TensorFunction f = [&](const std::vector<Tensor>& t) { return run(layer, t[0], t[1]); };
    const GradcheckResult first = gradcheck(f, inputs);
    CHECK_MESSAGE(first, first.message);
    const GradcheckResult second = gradgradcheck(f, inputs);
    CHECK_MESSAGE(second, second.message);
  };
  auto lstm = make<nn::LSTM>({.input_size = 2, .hidden_size = 2, .bidirectional = true});
  check(lstm, [](nn::LSTM& layer, const Tensor& x, const Tensor& h) {
    const nn::LSTMResult y = layer(x, {h, mul(h, 2)});
    return cat({flatten(y.output), flatten(y.h_n), flatten(y.c_n)});
  });
  auto gru = make<nn::GRU>({.input_size = 2, .hidden_size = 2, .num_layers = 2});
  check(gru, [](nn::GRU& layer, const Tensor& x, const Tensor& h) {
    const nn::RecurrentResult y = layer(x, h);
    return cat({flatten(y.output), flatten(y.h_n)});
  });
}

TEST_CASE("in a sequential the output goes on, and LastStep picks its end") {
  nn::Sequential net;
  net.add("lstm", nn::LSTM({.input_size = 4, .hidden_size = 3, .batch_first = true}));
  net.add("last", nn::LastStep({.batch_first = true}));
  net.add("fc", nn::Linear(3, 2));
  CHECK(net(ones({7, 5, 4})).shape() == Shape{7, 2});
  auto& lstm = dynamic_cast<nn::LSTM&>(net[0]);
  const Tensor x = random({7, 5, 4}).to(float32);
  CHECK(close(net[1](net[0](x)), squeeze(lstm(x).h_n, 0), 0));
  CHECK(nn::LastStep()(ones({5, 7, 3})).shape() == Shape{7, 3});
  CHECK(nn::LastStep({.batch_first = true})(ones({5, 3})).shape() == Shape{3});
  CHECK(message_of([] { nn::LastStep()(ones({3})); }) ==
        "[LastStep] expected the output of a recurrent layer, [T,N,H] or [T,H], got [3]. Hint: it "
        "comes right after the recurrent layer");
}

TEST_CASE("a call with states has the layer's name on the tape, in errors, and its hook") {
  struct Net : nn::Module {
    nn::LSTM& lstm = child<nn::LSTM>("lstm", nn::LSTMOptions{.input_size = 4, .hidden_size = 3});
    Tensor forward(const Tensor& x) override { return lstm(x).h_n; }
    std::string type() const override { return "Net"; }
  };
  Net net;
  int hooked = 0;
  net.lstm.set_forward_hook([&](nn::Module&, const Tensor&, const Tensor& y) {
    ++hooked;
    CHECK(y.shape() == Shape{5, 2, 3});
  });
  const Tape tape;
  net(ones({5, 2, 4}));
  CHECK(hooked == 1);
  CHECK(tape.path(tape[tape.size() - 1]) == "lstm");
  CHECK(message_of([&] {
          net(ones({5, 2, 3}));
        }) ==
        "[LSTM] (lstm) expected an input [T,N,4] or [T,4], got [5,2,3]. Hint: the last size is the "
        "input_size of the layer");
}

TEST_CASE("inputs and states of other shapes are refused") {
  nn::GRU gru({.input_size = 4, .hidden_size = 3, .batch_first = true, .bidirectional = true});
  CHECK(message_of([&] {
          gru(ones({2, 5, 3}));
        }) ==
        "[GRU] expected an input [N,T,4] or [T,4], got [2,5,3]. Hint: the last size is the "
        "input_size of the layer");
  CHECK(message_of([&] { gru(ones({4})); }) ==
        "[GRU] expected an input [N,T,4] or [T,4], got [4]. Hint: the last size is the input_size "
        "of the layer");
  CHECK(message_of([&] {
          gru(ones({2, 0, 4}));
        }) == "[GRU] the sequence has no steps: input [2,0,4]. Hint: pad it to at least one step");
  CHECK(message_of([&] {
          gru(ones({2, 5, 4}), ones({2, 5, 3}));
        }) ==
        "[GRU] expected h_0 [2,2,3] for input [5,2,4], got [2,5,3]. Hint: states are [num_layers * "
        "directions, N, hidden_size], also with batch_first");
  nn::LSTM lstm({.input_size = 4, .hidden_size = 3});
  CHECK(message_of([&] {
          lstm(ones({5, 2, 4}), {ones({1, 2, 3}), ones({1, 2, 4})});
        }).starts_with("[LSTM] expected c_0 [1,2,3] for input [5,2,4], got [1,2,4]"));
  CHECK_THROWS_AS(gru(ones({2, 5, 4}, float64)), DTypeError);
  nn::LSTMCell cell({.input_size = 4, .hidden_size = 3});
  CHECK(message_of([&] {
          cell(ones({2, 3}));
        }) ==
        "[LSTMCell] expected an input [N,4] or [4], got [2,3]. Hint: the last size is the "
        "input_size of the cell");
  CHECK(message_of([&] {
          cell(ones({2, 4}), {ones({2, 3}), ones({3})});
        }) ==
        "[LSTMCell] expected c [2,3] for input [2,4], got [3]. Hint: the state has hidden_size "
        "numbers per sample");
}

TEST_CASE("options that make no sense are refused") {
  CHECK(message_of([] { nn::LSTM({.input_size = 0, .hidden_size = 3}); }) ==
        "[LSTM] input_size must be at least 1, got 0. Hint: sizes, steps and counts start at 1");
  CHECK(message_of([] { nn::GRU({.input_size = 1, .hidden_size = 3, .num_layers = 0}); }) ==
        "[GRU] num_layers must be at least 1, got 0. Hint: sizes, steps and counts start at 1");
  CHECK(message_of([] { nn::RNN({.input_size = 1, .hidden_size = 3, .dropout = 1.5}); }) ==
        "[RNN] dropout must be in [0, 1], got 1.5. Hint: it is a probability: 0.5 is every second "
        "time");
  CHECK(
      message_of([] { nn::GRUCell({.input_size = 1, .hidden_size = -3}); }) ==
      "[GRUCell] hidden_size must be at least 1, got -3. Hint: sizes, steps and counts start at 1");
}

TEST_CASE("an empty batch gives an empty result") {
  nn::LSTM lstm({.input_size = 4, .hidden_size = 3});
  CHECK(lstm(ones({5, 0, 4})).output.shape() == Shape{5, 0, 3});
  CHECK(lstm(ones({5, 0, 4})).c_n.shape() == Shape{1, 0, 3});
}

TEST_CASE("an LSTM learns to remember the first element of a sequence") {
  manual_seed(1);
  nn::LSTM lstm({.input_size = 1, .hidden_size = 8});
  nn::Linear head(8, 1);
  NamedTensors parameters = lstm.named_parameters();
  for (const NamedTensor& p : head.named_parameters()) parameters.push_back(p);
  optim::Adam adam(parameters, {.lr = 0.02});
  Rng generator(2);
  double last = 1;
  for (int i = 0; i < 150; ++i) {
    const Tensor x = rand({4, 32, 1}, generator, -1, 1);
    Tape tape;
    const Tensor loss = mean(square(sub(head(squeeze(lstm(x).h_n, 0)), select(x, 0, 0))));
    tape.backward(loss);
    adam.step();
    adam.zero_grad();
    last = loss.item();
  }
  CHECK(last < 0.05);  // always answering the mean gives 1/3
}
