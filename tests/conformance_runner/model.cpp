#include "model.h"

#include <algorithm>

#include "../../core/base/error.h"
#include "../../nn/model_json.h"
#include "../../nn/recurrent.h"
#include "pool_calls.h"

namespace gradus::conformance {
namespace {

void check_layer_type(const std::string& type) {
  const std::vector<std::string> known = nn::layer_types();
  if (std::find(known.begin(), known.end(), type) == known.end()) {
    throw Unsupported("layer '" + type + "'");
  }
}

/// Throws Unsupported for a type of layer, anywhere in the list, that the library does not have.
void check_layer_types(const Json& layers) {
  for (const Json& layer : layers) {
    const std::string type = layer.at("type");
    if (type == "Sequential") {
      check_layer_types(layer.at("layers"));
    } else if (type == "Residual") {
      check_layer_types(layer.at("body"));
      check_layer_types(layer.value("shortcut", Json::array()));
    } else {
      check_layer_type(type);
    }
  }
}

/// Calls `build`; an option that the library does not know is something it does not support.
template <class Build>
std::unique_ptr<nn::Module> build_or_unsupported(Build build) {
  try {
    return build();
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.find("unknown option") != std::string::npos) throw Unsupported(text);
    throw;
  }
}

Tensor input_or_none(const Tensors& inputs, size_t index) {
  return index < inputs.size() ? inputs[index] : Tensor();
}

template <class Layer>
Tensors call_recurrent(Layer& layer, const Tensors& inputs) {
  const nn::RecurrentResult y = layer(inputs.at(0), input_or_none(inputs, 1));
  return {y.output, y.h_n};
}

/// A cell, which no model file knows; nullptr for any other type.
std::unique_ptr<nn::Module> make_cell(const std::string& type, Options options) {
  if (type != "RNNCell" && type != "LSTMCell" && type != "GRUCell") return nullptr;
  const int64_t in = options.integer("input_size"), hidden = options.integer("hidden_size");
  const bool bias = options.boolean("bias", true);
  std::unique_ptr<nn::Module> cell;
  if (type == "LSTMCell") {
    cell = std::make_unique<nn::LSTMCell>(nn::LSTMCellOptions{in, hidden, bias});
  } else if (type == "GRUCell") {
    cell = std::make_unique<nn::GRUCell>(nn::GRUCellOptions{in, hidden, bias});
  } else {
    constexpr Word<nn::RnnNonlinearity> words[] = {{"tanh", nn::RnnNonlinearity::tanh},
                                                   {"relu", nn::RnnNonlinearity::relu}};
    cell = std::make_unique<nn::RNNCell>(
        nn::RNNCellOptions{in, hidden, bias, options.choice("nonlinearity", words)});
  }
  options.check_all_read();
  return cell;
}

}  // namespace

Model::Model(const Case& item) {
  if (item.has("layers")) {
    check_layer_types(item["layers"]);
    const Json description = {{"layers", item["layers"]}};
    module_ = build_or_unsupported([&] { return nn::from_json(description.dump()); });
  } else {
    build(item["op"], item["options"], item.named_tensors(item["option_tensors"]));
  }
}

Model::Model(const Json& description, NamedTensors option_tensors) {
  build(description.at("op"), description.value("options", Json()), std::move(option_tensors));
}

void Model::build(const std::string& type, const Json& options, NamedTensors option_tensors) {
  options_ = options.is_null() ? Json::object() : options;
  option_tensors_ = std::move(option_tensors);
  loss_ = find_loss(type);
  if (loss_ != nullptr) return;
  module_ = make_cell(type, Options(options_, option_tensors_));
  if (module_ != nullptr) return;
  check_layer_type(type);
  if (!option_tensors_.empty()) throw Unsupported("option '" + option_tensors_[0].name + "'");
  returns_indices_ = options_.value("return_indices", false);
  options_.erase("return_indices");
  module_ = build_or_unsupported([&] { return nn::make_layer(type, options_.dump()); });
}

Tensors Model::operator()(const Tensors& inputs) {
  if (loss_ != nullptr) return call_op(*loss_, inputs, Options(options_, option_tensors_));
  if (auto* lstm = dynamic_cast<nn::LSTM*>(module_.get())) {
    const nn::LSTMResult y =
        (*lstm)(inputs.at(0), {input_or_none(inputs, 1), input_or_none(inputs, 2)});
    return {y.output, y.h_n, y.c_n};
  }
  if (auto* cell = dynamic_cast<nn::LSTMCell*>(module_.get())) {
    const nn::LSTMState next =
        (*cell)(inputs.at(0), {input_or_none(inputs, 1), input_or_none(inputs, 2)});
    return {next.h, next.c};
  }
  if (auto* cell = dynamic_cast<nn::RNNCell*>(module_.get())) {
    return {(*cell)(inputs.at(0), input_or_none(inputs, 1))};
  }
  if (auto* cell = dynamic_cast<nn::GRUCell*>(module_.get())) {
    return {(*cell)(inputs.at(0), input_or_none(inputs, 1))};
  }
  if (auto* rnn = dynamic_cast<nn::RNN*>(module_.get())) return call_recurrent(*rnn, inputs);
  if (auto* gru = dynamic_cast<nn::GRU*>(module_.get())) return call_recurrent(*gru, inputs);
  if (returns_indices_ && inputs.size() == 1) return call_with_indices(*module_, inputs[0]);
  if (inputs.size() == 2) return call_with_two(*module_, inputs[0], inputs[1]);
  if (inputs.size() != 1) throw Unsupported("a layer of several inputs");
  return {(*module_)(inputs[0])};
}

void Model::to(DType dtype) {
  if (module_) module_->to(dtype);
}

void Model::set_training(bool on) {
  if (module_) module_->train(on);
}

void Model::load(const NamedTensors& parameters, const NamedTensors& buffers) {
  if (!module_) return;
  NamedTensors state = parameters;
  state.insert(state.end(), buffers.begin(), buffers.end());
  module_->load_state_dict(state);
}

NamedTensors Model::parameters() const {
  return module_ ? module_->named_parameters() : NamedTensors();
}

NamedTensors Model::buffers() const {
  return module_ ? module_->named_buffers() : NamedTensors();
}

}  // namespace gradus::conformance
