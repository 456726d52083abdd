// Recurrent layers and their cells: RNN (Elman), LSTM, GRU.
//
//     nn::LSTM lstm({.input_size = 28, .hidden_size = 64, .batch_first = true});
//     const auto [output, h_n, c_n] = lstm(x);            // states start as zeros ...
//     const auto [more, h, c] = lstm(next, {h_n, c_n});   // ... or where they were left
//
// They take and return more than one tensor, so each has a call operator of its own. As a part of a
// Sequential a layer passes its output on, and LastStep picks the last step of that.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

/// Hidden state h and, for LSTM alone, cell state c.
struct LSTMState {
  Tensor h, c;
};
/// What RNN and GRU return. Shapes: see RecurrentLayer.
struct RecurrentResult {
  Tensor output;  ///< hidden state of the last layer at every step
  Tensor h_n;     ///< hidden state of every layer after its last step
};
/// What LSTM returns.
struct LSTMResult {
  Tensor output;  ///< hidden state of the last layer at every step
  Tensor h_n;     ///< hidden state of every layer after its last step
  Tensor c_n;     ///< cell state of every layer after its last step
};

/// The parameters that one step uses; biases are undefined where an option has switched them off.
struct RecurrentWeights {
  Tensor &weight_ih, &weight_hh, &bias_ih, &bias_hh;
};

/// What bounds the states of an RNN.
enum class RnnNonlinearity { tanh, relu };

// --- Layers --------------------------------------------------------------------------------------

/// Which layer RecurrentOptions are for.
enum class Recurrence { lstm, gru };

/// Options of LSTM and GRU: PyTorch's names and defaults.
template <Recurrence recurrence>
struct RecurrentOptions {
  static constexpr const char* type = recurrence == Recurrence::lstm ? "LSTM" : "GRU";
  int64_t input_size = 0;      ///< features of a step; has to be given
  int64_t hidden_size = 0;     ///< H, size of the states; has to be given
  int64_t num_layers = 1;      ///< each but the first reads the output of the one before it
  bool bias = true;            ///< have bias_ih and bias_hh
  bool batch_first = false;    ///< input and output are [N, T, ...]; states are not concerned
  double dropout = 0;          ///< in training, of what one layer passes to the next; in [0, 1]
  bool bidirectional = false;  ///< a second set of weights runs from the last step to the first

  void describe(OptionVisitor& visit) {
    visit.required("input_size", input_size);
    visit.required("hidden_size", hidden_size);
    visit("num_layers", num_layers);
    visit("bias", bias);
    visit("batch_first", batch_first);
    visit("dropout", dropout);
    visit("bidirectional", bidirectional);
    visit.unsupported("proj_size", "follow the layer with a Linear");
  }
};

/// Options of RNN: PyTorch's names and defaults.
struct RNNOptions {
  static constexpr const char* type = "RNN";
  int64_t input_size = 0;   ///< features of a step; has to be given
  int64_t hidden_size = 0;  ///< H, size of the states; has to be given
  int64_t num_layers = 1;   ///< each but the first reads the output of the one before it
  RnnNonlinearity nonlinearity = RnnNonlinearity::tanh;  ///< what a step ends with
  bool bias = true;                                      ///< have bias_ih and bias_hh
  bool batch_first = false;    ///< input and output are [N, T, ...]; states are not concerned
  double dropout = 0;          ///< in training, of what one layer passes to the next; in [0, 1]
  bool bidirectional = false;  ///< a second set of weights runs from the last step to the first

  void describe(OptionVisitor& visit);
};
using LSTMOptions = RecurrentOptions<Recurrence::lstm>;  ///< of LSTM
using GRUOptions = RecurrentOptions<Recurrence::gru>;    ///< of GRU

/// What RNN, LSTM and GRU have in common.
///
/// Input [T, N, input_size]: T steps of N sequences; [N, T, input_size] with batch_first; or one
/// sequence [T, input_size]. The output has D * hidden_size as its last size, with D = 2 where
/// bidirectional (forward direction first), else 1. States are [num_layers * D, N, hidden_size]
/// ([num_layers * D, hidden_size] for one sequence): layer 0 forward, layer 0 backward, layer 1 ...
/// Initial states that are not given are zeros.
///
/// Parameters of layer k: weight_ih_lk [G H, input_size] (behind the first layer [G H, D H]),
/// weight_hh_lk [G H, H], bias_ih_lk and bias_hh_lk [G H], for G gates and hidden size H; the
/// backward direction has "_reverse" behind these names. They start uniform in +-1/sqrt(H).
///
/// Throws ShapeError for inputs and states of other shapes, and for a sequence without steps.
class RecurrentLayer : public Module {
 public:
  /// The output, from initial states of zeros.
  Tensor forward(const Tensor& x) override { return run(x, {}).output; }
  bool depends_on_mode() const override { return setting_.dropout > 0 && setting_.num_layers > 1; }

 protected:
  /// The options, and what follows from the class.
  struct Setting {
    const char* type;
    int64_t gates;
    bool has_cell_state;
    int64_t input_size, hidden_size, num_layers;
    bool bias, batch_first;
    double dropout;
    bool bidirectional;
  };
  template <class Options>
  static Setting make_setting(const Options& o, int64_t gates, bool has_cell_state = false) {
    return {o.type,       gates,  has_cell_state, o.input_size, o.hidden_size,
            o.num_layers, o.bias, o.batch_first,  o.dropout,    o.bidirectional};
  }
  explicit RecurrentLayer(const Setting& setting);

  /// The whole computation.
  LSTMResult run(const Tensor& x, const LSTMState& initial);
  /// The same as a call: under the layer's name, with its hook.
  LSTMResult call_with_state(const Tensor& x, const LSTMState& initial);

 private:
  using Steps = std::vector<Tensor>;  // one [N, features] each

  virtual LSTMState step(const Tensor& x, const LSTMState& state,
                         const RecurrentWeights& weights) const = 0;

  int64_t directions() const { return setting_.bidirectional ? 2 : 1; }
  void add_weights(int64_t layer, bool reverse);
  void check_input(const Tensor& x) const;
  Tensor initial_state(const char* name, const Tensor& given, const Tensor& x) const;
  Steps run_direction(size_t number, const Steps& steps, LSTMState& state) const;
  Steps run_layer(int64_t layer, const Steps& steps, std::vector<LSTMState>& states) const;

  Setting setting_;
  std::vector<RecurrentWeights> weights_;  // layer by layer, in each the forward direction first
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it (Elman, "Finding structure in time",
/// 1990).
class RNN : public Layer<RNNOptions, RecurrentLayer> {
 public:
  explicit RNN(const RNNOptions& options) : Layer(options, make_setting(options, 1)) {}
  RecurrentResult operator()(const Tensor& x, const Tensor& h_0 = {});

 private:
  LSTMState step(const Tensor& x, const LSTMState& state,
                 const RecurrentWeights& weights) const override;
};

/// Gates i, f, g, o stand in this order in the rows of the weights:
///
///     i, f, o = sigmoid(...), g = tanh(...), each of W_ih x + b_ih + W_hh h + b_hh
///     c' = f c + i g,  h' = o tanh(c')
///
/// (Hochreiter and Schmidhuber, "Long short-term memory", 1997; the forget gate f is of Gers et
/// al., 2000).
class LSTM : public Layer<LSTMOptions, RecurrentLayer> {
 public:
  explicit LSTM(const LSTMOptions& options) : Layer(options, make_setting(options, 4, true)) {}
  LSTMResult operator()(const Tensor& x, const LSTMState& initial = {});

 private:
  LSTMState step(const Tensor& x, const LSTMState& state,
                 const RecurrentWeights& weights) const override;
};

/// Gates r, z, n stand in this order in the rows of the weights:
///
///     r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)
///     n = tanh(W_in x + b_in + r (W_hn h + b_hn)),  h' = (1 - z) n + z h
///
/// (Cho et al., arXiv 1406.1078; r multiplies behind the product and its bias, as in cuDNN and
/// PyTorch.)
class GRU : public Layer<GRUOptions, RecurrentLayer> {
 public:
  explicit GRU(const GRUOptions& options) : Layer(options, make_setting(options, 3)) {}
  RecurrentResult operator()(const Tensor& x, const Tensor& h_0 = {});

 private:
  LSTMState step(const Tensor& x, const LSTMState& state,
                 const RecurrentWeights& weights) const override;
};

/// Options of LastStep.
struct LastStepOptions {
  static constexpr const char* type = "LastStep";
  bool batch_first = false;  ///< as in the layer before it
  void describe(OptionVisitor& visit) { visit("batch_first", batch_first); }
  Tensor apply(const Tensor& x) const;
};
/// The last step of a recurrent layer's output: [T, N, H] to [N, H] ([T, H] to [H]). Of a
/// bidirectional layer it is where the backward direction has seen one step only.
using LastStep = FunctionLayer<LastStepOptions>;

// --- Cells: one step -----------------------------------------------------------------------------

/// What the cells have in common: parameters weight_ih [G H, input_size], weight_hh [G H, H],
/// bias_ih and bias_hh [G H], uniform in +-1/sqrt(H); formulas and order of gates are those of the
/// layers. Inputs are [N, input_size] or [input_size], states [N, H] or [H]; states that are not
/// given are zeros. Throws ShapeError for others.
class RecurrentCell : public Module {
 public:
  Tensor& weight_ih;  ///< [G H, input_size]
  Tensor& weight_hh;  ///< [G H, H]
  Tensor& bias_ih;    ///< [G H]; undefined without bias
  Tensor& bias_hh;    ///< likewise

 protected:
  /// The options, and what follows from the class.
  struct Setting {
    const char* type;
    int64_t gates, input_size, hidden_size;
    bool bias;
  };
  explicit RecurrentCell(const Setting& setting);
  RecurrentWeights weights() { return {weight_ih, weight_hh, bias_ih, bias_hh}; }
  /// `state` checked against x, or zeros.
  Tensor checked_state(const char* name, const Tensor& x, const Tensor& state) const;

 private:
  static const Setting& checked(const Setting& setting);
  RecurrentCell(const Setting& setting, int64_t rows);

  Setting setting_;
};

/// Options of RNNCell.
struct RNNCellOptions {
  static constexpr const char* type = "RNNCell";
  int64_t input_size = 0;                                ///< features of the input; has to be given
  int64_t hidden_size = 0;                               ///< H, size of the states; has to be given
  bool bias = true;                                      ///< have bias_ih and bias_hh
  RnnNonlinearity nonlinearity = RnnNonlinearity::tanh;  ///< what the step ends with
  void describe(OptionVisitor& visit);
};
/// Options of LSTMCell.
struct LSTMCellOptions {
  static constexpr const char* type = "LSTMCell";
  int64_t input_size = 0;   ///< features of the input; has to be given
  int64_t hidden_size = 0;  ///< H, size of the states; has to be given
  bool bias = true;         ///< have bias_ih and bias_hh
  void describe(OptionVisitor& visit);
};
/// Options of GRUCell.
struct GRUCellOptions {
  static constexpr const char* type = "GRUCell";
  int64_t input_size = 0;   ///< features of the input; has to be given
  int64_t hidden_size = 0;  ///< H, size of the states; has to be given
  bool bias = true;         ///< have bias_ih and bias_hh
  void describe(OptionVisitor& visit);
};

/// One step of an RNN.
class RNNCell : public Layer<RNNCellOptions, RecurrentCell> {
 public:
  explicit RNNCell(const RNNCellOptions& o)
      : Layer(o, Setting{o.type, 1, o.input_size, o.hidden_size, o.bias}) {}
  /// The next hidden state.
  Tensor operator()(const Tensor& x, const Tensor& h = {});
  Tensor forward(const Tensor& x) override { return step(x, {}); }

 private:
  Tensor step(const Tensor& x, const Tensor& h);
};

/// One step of an LSTM.
class LSTMCell : public Layer<LSTMCellOptions, RecurrentCell> {
 public:
  explicit LSTMCell(const LSTMCellOptions& o)
      : Layer(o, Setting{o.type, 4, o.input_size, o.hidden_size, o.bias}) {}
  /// The next states.
  LSTMState operator()(const Tensor& x, const LSTMState& state = {});
  Tensor forward(const Tensor& x) override { return step(x, {}).h; }

 private:
  LSTMState step(const Tensor& x, const LSTMState& state);
};

/// One step of a GRU.
class GRUCell : public Layer<GRUCellOptions, RecurrentCell> {
 public:
  explicit GRUCell(const GRUCellOptions& o)
      : Layer(o, Setting{o.type, 3, o.input_size, o.hidden_size, o.bias}) {}
  /// The next hidden state.
  Tensor operator()(const Tensor& x, const Tensor& h = {});
  Tensor forward(const Tensor& x) override { return step(x, {}); }

 private:
  Tensor step(const Tensor& x, const Tensor& h);
};

}  // namespace gradus::nn
