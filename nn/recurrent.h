// Recurrent layers and their cells: RNN (Elman), LSTM, GRU.
//
//     nn::LSTM lstm({.input_size = 28, .hidden_size = 64, .batch_first = true});
//     const auto [output, h_n, c_n] = lstm(x);            // states start as zeros ...
//     const auto [more, h, c] = lstm(next, {h_n, c_n});   // ... or where they ended before
//
// They take and return more than one tensor, so each has a call operator of its own. As a part of a
// Sequential a layer passes its output on, and LastStep picks the last step of that.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

/// Hidden state h and, only for LSTM, cell state c.
struct LSTMState {
  Tensor h, c;
};
/// The result of RNN and GRU. Shapes: see RecurrentLayer.
struct RecurrentResult {
  Tensor output;  ///< hidden state of the last layer at every step
  Tensor h_n;     ///< hidden state of every layer after its last step
};
/// The result of LSTM.
struct LSTMResult {
  Tensor output;  ///< hidden state of the last layer at every step
  Tensor h_n;     ///< hidden state of every layer after its last step
  Tensor c_n;     ///< cell state of every layer after its last step
};

/// The parameters that one step uses, for G gates and hidden size H.
struct RecurrentWeights {
  Tensor& weight_ih;  ///< [G H, input_size]
  Tensor& weight_hh;  ///< [G H, H]
  Tensor& bias_ih;    ///< [G H]; undefined if an option disables it
  Tensor& bias_hh;    ///< likewise
};

/// What a step computes.
enum class Recurrence { rnn, lstm, gru };
/// The function that bounds the states of an RNN.
enum class RnnNonlinearity { tanh, relu };

/// In place of an option that only an RNN has.
struct NoOption {};
/// The option of an RNN; none for the others.
template <Recurrence kind>
using NonlinearityOption = std::conditional_t<kind == Recurrence::rnn, RnnNonlinearity, NoOption>;

/// Options of RNN, LSTM and GRU: PyTorch's names and defaults.
template <Recurrence kind>
struct RecurrentOptions {
  static constexpr Recurrence recurrence = kind;
  static constexpr const char* type = kind == Recurrence::rnn    ? "RNN"
                                      : kind == Recurrence::lstm ? "LSTM"
                                                                 : "GRU";
  int64_t input_size = 0;   ///< features of a step; required
  int64_t hidden_size = 0;  ///< H, size of the states; required
  int64_t num_layers = 1;   ///< each but the first reads the output of the one before it
  NonlinearityOption<kind> nonlinearity = {};  ///< RNN only: what a step ends with
  bool bias = true;                            ///< have bias_ih and bias_hh
  bool batch_first = false;    ///< input and output are [N, T, ...]; states are not concerned
  double dropout = 0;          ///< in training, of what one layer passes to the next; in [0, 1]
  bool bidirectional = false;  ///< a second set of weights runs from the last step to the first

  void describe(OptionVisitor& visit) {
    visit.required("input_size", input_size);
    visit.required("hidden_size", hidden_size);
    visit("num_layers", num_layers);
    if constexpr (kind == Recurrence::rnn) {
      visit.choice("nonlinearity", nonlinearity, {"tanh", "relu"});
    }
    visit("bias", bias);
    visit("batch_first", batch_first);
    visit("dropout", dropout);
    visit("bidirectional", bidirectional);
    if constexpr (kind != Recurrence::rnn) {
      visit.unsupported("proj_size", "follow the layer with a Linear");
    }
  }
};

/// The options by the kind of layer.
/// @{
using RNNOptions = RecurrentOptions<Recurrence::rnn>;
using LSTMOptions = RecurrentOptions<Recurrence::lstm>;
using GRUOptions = RecurrentOptions<Recurrence::gru>;
/// @}

/// The base of layers and cells: parameters weight_ih [G H, input_size], weight_hh [G H, H],
/// bias_ih and bias_hh [G H] for G gates and hidden size H, uniform in +-1/sqrt(H), and the
/// computation of a step.
class RecurrentModule : public Module {
 protected:
  /// The options, of which an RNN has all, and what follows from the class.
  struct Setting : RNNOptions {
    const char* type;
    Recurrence recurrence;
  };
  template <class Options>
  static Setting setting_of(const Options& o) {
    Setting s{{.input_size = o.input_size, .hidden_size = o.hidden_size, .bias = o.bias},
              Options::type,
              Options::recurrence};
    if constexpr (Options::recurrence == Recurrence::rnn) s.nonlinearity = o.nonlinearity;
    if constexpr (requires { o.num_layers; }) {
      s.num_layers = o.num_layers;
      s.batch_first = o.batch_first;
      s.dropout = o.dropout;
      s.bidirectional = o.bidirectional;
    }
    return s;
  }
  explicit RecurrentModule(const Setting& setting);

  bool has_cell_state() const { return setting_.recurrence == Recurrence::lstm; }
  /// Registers the parameters with `suffix` after their names, for an input of `columns` features.
  RecurrentWeights add_weights(const std::string& suffix, int64_t columns);
  /// `state`, whose shape is checked, or zeros if it is undefined.
  Tensor checked_state(const char* name, const Tensor& state, const Shape& expected,
                       const Tensor& x, const char* hint) const;
  LSTMState step(const Tensor& x, const LSTMState& state, const RecurrentWeights& weights) const;

  Setting setting_;
};

// --- Layers --------------------------------------------------------------------------------------

/// The base of RNN, LSTM and GRU.
///
/// Input [T, N, input_size]: T steps of N sequences; [N, T, input_size] with batch_first; or one
/// sequence [T, input_size]. The output has D * hidden_size as its last size, with D = 2 if
/// bidirectional (forward direction first), else 1. States are [num_layers * D, N, hidden_size]
/// ([num_layers * D, hidden_size] for one sequence): layer 0 forward, layer 0 backward, layer 1 ...
/// Initial states that are not given are zeros.
///
/// Parameters of layer k: weight_ih_lk [G H, input_size] (after the first layer [G H, D H]),
/// weight_hh_lk [G H, H], bias_ih_lk and bias_hh_lk [G H], for G gates and hidden size H; the
/// backward direction has "_reverse" after these names. They start uniform in +-1/sqrt(H).
///
/// Throws ShapeError for inputs and states of other shapes, and for a sequence without steps.
class RecurrentLayer : public RecurrentModule {
 public:
  /// The output, from initial states of zeros.
  Tensor forward(const Tensor& x) override { return run(x, {}).output; }
  bool depends_on_mode() const override { return setting_.dropout > 0 && setting_.num_layers > 1; }

 protected:
  explicit RecurrentLayer(const Setting& setting);
  /// The whole computation.
  LSTMResult run(const Tensor& x, const LSTMState& initial) const;

 private:
  using Steps = std::vector<Tensor>;  // one [N, features] each

  int64_t directions() const { return setting_.bidirectional ? 2 : 1; }
  void check_input(const Tensor& x) const;
  Tensor initial_state(const char* name, const Tensor& given, const Tensor& x) const;
  Steps run_direction(size_t number, const Steps& steps, LSTMState& state) const;
  Steps run_layer(int64_t layer, const Steps& steps, std::vector<LSTMState>& states) const;

  std::vector<RecurrentWeights> weights_;  // layer by layer, in each the forward direction first
};

/// A layer whose state is only h: RNN and GRU.
template <class OptionsType>
class HiddenStateLayer : public Layer<OptionsType, RecurrentLayer> {
 public:
  explicit HiddenStateLayer(const OptionsType& o)
      : Layer<OptionsType, RecurrentLayer>(o, RecurrentLayer::setting_of(o)) {}
  RecurrentResult operator()(const Tensor& x, const Tensor& h_0 = {}) {
    const LSTMResult result = this->call(x, &LSTMResult::output, [&] {
      return this->run(x, {h_0, {}});
    });
    return {result.output, result.h_n};
  }
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it (Elman, "Finding structure in time",
/// 1990).
using RNN = HiddenStateLayer<RNNOptions>;

/// The rows of the weights are those of gates i, f, g, o, in this order:
///
///     i, f, o = sigmoid(...), g = tanh(...), each of W_ih x + b_ih + W_hh h + b_hh
///     c' = f c + i g,  h' = o tanh(c')
///
/// (Hochreiter and Schmidhuber, "Long short-term memory", 1997; the forget gate f is of Gers et
/// al., 2000).
class LSTM : public Layer<LSTMOptions, RecurrentLayer> {
 public:
  explicit LSTM(const LSTMOptions& options) : Layer(options, setting_of(options)) {}
  LSTMResult operator()(const Tensor& x, const LSTMState& initial = {}) {
    return call(x, &LSTMResult::output, [&] { return run(x, initial); });
  }
};

/// The rows of the weights are those of gates r, z, n, in this order:
///
///     r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)
///     n = tanh(W_in x + b_in + r (W_hn h + b_hn)),  h' = (1 - z) n + z h
///
/// (Cho et al., arXiv 1406.1078; r multiplies after the product and its bias, as in cuDNN and
/// PyTorch.)
using GRU = HiddenStateLayer<GRUOptions>;

/// Options of LastStep.
struct LastStepOptions {
  static constexpr const char* type = "LastStep";
  bool batch_first = false;  ///< as in the layer before it
  void describe(OptionVisitor& visit) { visit("batch_first", batch_first); }
  Tensor apply(const Tensor& x) const;
};
/// The last step of a recurrent layer's output: [T, N, H] to [N, H] ([T, H] to [H]). In a
/// bidirectional layer, the backward direction has seen only one step there.
using LastStep = FunctionLayer<LastStepOptions>;

// --- Cells: one step -----------------------------------------------------------------------------

/// The base of the cells: parameters weight_ih, weight_hh, bias_ih and bias_hh, formulas and order
/// of gates are those of the layers. Inputs are [N, input_size] or [input_size], states [N, H] or
/// [H]; states that are not given are zeros. Throws ShapeError for others.
class RecurrentCell : public RecurrentModule, public RecurrentWeights {
 public:
  /// The next hidden state, from states of zeros.
  Tensor forward(const Tensor& x) override { return run(x, {}).h; }

 protected:
  explicit RecurrentCell(const Setting& s)
      : RecurrentModule(s), RecurrentWeights(add_weights("", s.input_size)) {}
  LSTMState run(const Tensor& x, const LSTMState& state) const;
};

/// Options of RNNCell, LSTMCell and GRUCell.
template <Recurrence kind>
struct RecurrentCellOptions {
  static constexpr Recurrence recurrence = kind;
  static constexpr const char* type = kind == Recurrence::rnn    ? "RNNCell"
                                      : kind == Recurrence::lstm ? "LSTMCell"
                                                                 : "GRUCell";
  int64_t input_size = 0;                      ///< features of the input; required
  int64_t hidden_size = 0;                     ///< H, size of the states; required
  bool bias = true;                            ///< have bias_ih and bias_hh
  NonlinearityOption<kind> nonlinearity = {};  ///< RNNCell only: what the step ends with
  void describe(OptionVisitor& visit) {
    visit.required("input_size", input_size);
    visit.required("hidden_size", hidden_size);
    visit("bias", bias);
    if constexpr (kind == Recurrence::rnn) {
      visit.choice("nonlinearity", nonlinearity, {"tanh", "relu"});
    }
  }
};
/// The options by the kind of cell.
/// @{
using RNNCellOptions = RecurrentCellOptions<Recurrence::rnn>;
using LSTMCellOptions = RecurrentCellOptions<Recurrence::lstm>;
using GRUCellOptions = RecurrentCellOptions<Recurrence::gru>;
/// @}

/// A cell whose state is only h: RNNCell and GRUCell.
template <class OptionsType>
class HiddenStateCell : public Layer<OptionsType, RecurrentCell> {
 public:
  explicit HiddenStateCell(const OptionsType& o)
      : Layer<OptionsType, RecurrentCell>(o, RecurrentCell::setting_of(o)) {}
  /// The next hidden state.
  Tensor operator()(const Tensor& x, const Tensor& h = {}) {
    return this->call(x, [&] { return this->run(x, {h, {}}).h; });
  }
};

using RNNCell = HiddenStateCell<RNNCellOptions>;  ///< one step of an RNN
using GRUCell = HiddenStateCell<GRUCellOptions>;  ///< one step of a GRU

/// One step of an LSTM.
class LSTMCell : public Layer<LSTMCellOptions, RecurrentCell> {
 public:
  explicit LSTMCell(const LSTMCellOptions& o) : Layer(o, setting_of(o)) {}
  /// The next states.
  LSTMState operator()(const Tensor& x, const LSTMState& state = {}) {
    return call(x, &LSTMState::h, [&] { return run(x, state); });
  }
};

}  // namespace gradus::nn
