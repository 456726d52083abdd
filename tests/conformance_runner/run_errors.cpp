// Calls that must be rejected, and near misses that must work.
#include <algorithm>

#include "../../core/base/error.h"
#include "../../core/grad.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "kinds.h"
#include "model.h"
#include "optimizers.h"
#include "schedulers.h"

namespace gradus::conformance {
namespace {

Tensors described_tensors(const Json& list, Rng& generator) {
  Tensors result;
  for (const Json& description : list) result.push_back(described_tensor(description, generator));
  return result;
}

NamedTensors described_tensors_by_name(const Json& list, Rng& generator) {
  NamedTensors result;
  for (const auto& item : list.items()) {
    result.push_back({item.key(), described_tensor(item.value(), generator)});
  }
  return result;
}

Rng input_generator() {
  return Rng(1);
}

/// Runs what reads `inputs`. An error about shapes or indices has to show all of them, one about
/// types at least one; other errors are about options.
template <class F>
void forward(const Tensors& inputs, Checker& checker, const F& f) {
  const auto shown = [&](const Error& error) {
    return std::count_if(inputs.begin(), inputs.end(), [&](const Tensor& input) {
      const std::string shape = input.shape().to_string();
      return std::string_view(error.what()).find(shape) != std::string_view::npos;
    });
  };
  const auto expect_shapes = [&](const Error& error, int64_t least) {
    checker.expect(shown(error) >= least,
                   str("the message does not show all shapes: ", error.what()));
  };
  try {
    f();
  } catch (const ShapeError& error) {
    expect_shapes(error, std::ssize(inputs));
    throw;
  } catch (const IndexError& error) {
    expect_shapes(error, std::ssize(inputs));
    throw;
  } catch (const DTypeError& error) {
    expect_shapes(error, 1);
    throw;
  }
}

void call_op_case(const Case& item, Checker& checker) {
  Rng generator = input_generator();
  const Tensors inputs = described_tensors(item["inputs"], generator);
  const Options options(item["options"],
                        described_tensors_by_name(item["option_tensors"], generator));
  const OpFunction& op = find_op(item["op"]);
  if (item["op"] == "index") {  // takes the tensor apart step by step, and stops at a part of it
    call_op(op, inputs, options);
    return;
  }
  forward(inputs, checker, [&] { call_op(op, inputs, options); });
}

/// Also sees that a rejected call leaves parameters and running statistics as they were.
void call_module_case(const Case& item, Checker& checker) {
  Rng generator = input_generator();
  Model model(Json{{"op", item["op"]}, {"options", item["options"]}},
              described_tensors_by_name(item["option_tensors"], generator));
  model.set_training(item["mode"] != "eval");
  if (!item.has("inputs")) return;
  const Tensors inputs = described_tensors(item["inputs"], generator);
  NamedTensors before;
  if (model.module() != nullptr) before = model.module()->state_dict();
  try {
    forward(inputs, checker, [&] { model(inputs); });
  } catch (const Error&) {
    if (model.module() != nullptr) {
      checker.check("after the rejected call:", model.module()->state_dict(), before);
    }
    throw;
  }
}

void load_state_case(const Case& item, Checker& checker) {
  Model model(item);
  NamedTensors state = model.module()->state_dict();
  for (const Json& name : item["remove"]) {
    std::erase_if(state, [&](const NamedTensor& t) { return t.name == name; });
  }
  Rng generator = input_generator();
  for (NamedTensor& t : described_tensors_by_name(item["replace"], generator)) {
    std::erase_if(state, [&](const NamedTensor& s) { return s.name == t.name; });
    state.push_back(std::move(t));
  }
  const NamedTensors before = model.module()->state_dict();
  try {
    model.module()->load_state_dict(state, {.strict = item["strict"] != false});
  } catch (const Error&) {
    checker.check("after the rejected call:", model.module()->state_dict(), before);
    throw;
  }
}

/// Two elements per parameter, each with a gradient, so that stepping works.
NamedTensors small_parameters(int64_t count) {
  NamedTensors parameters;
  for (int64_t i = 0; i < count; ++i) {
    Tensor p = ones({2});
    p.requires_grad_();
    p.set_grad(ones({2}));
    parameters.push_back({"p" + std::to_string(i), p});
  }
  return parameters;
}

void optimizer_case(const Case& item, Checker&) {
  const Json& n_params = item["n_params"];
  const NamedTensors parameters =
      small_parameters(n_params.is_null() ? 1 : n_params.get<int64_t>());
  std::vector<optim::ParameterGroup> groups{{.parameters = parameters}};
  if (item["duplicate"] == true) groups.push_back({.parameters = parameters});
  const auto optimizer = make_optimizer(item["op"], groups, Options(item["options"], {}));
  SchedulerStep schedule = [](double) {};
  if (item.has("scheduler")) schedule = make_scheduler(item["scheduler"], *optimizer);
  const Json& steps = item["steps"];
  for (int64_t i = 0; i < (steps.is_null() ? 0 : steps.get<int64_t>()); ++i) {
    optimizer->step();
    schedule(1);
  }
}

void load_file_case(const Case& item, Checker& checker) {
  const SafeTensors found = load_safetensors(item.folder() / item["file"].get<std::string>());
  const Json& expected = item["tensors"];
  if (expected.is_null()) return;
  checker.expect(found.tensors.size() == expected.size(),
                 str("there are ", found.tensors.size(), " tensors, expected ", expected.size()));
  const std::map<std::string, const char*> dtypes{{"F32", "float32"}, {"F64", "float64"},
                                                  {"I64", "int64"},   {"I32", "int32"},
                                                  {"U8", "uint8"},    {"BOOL", "bool"}};
  Rng generator = input_generator();
  for (const auto& entry : expected.items()) {
    Json description = entry.value();
    description["dtype"] = dtypes.at(description["dtype"]);
    checker.check(entry.key(), found.at(entry.key()), described_tensor(description, generator));
  }
}

// --- Small programs of gradients: x is a vector of three that asks for gradients ---

struct Program {
  Tape tape;
  Tensor x = [] {
    Tensor t = tensor({1.0F, 2.0F, 3.0F});
    t.requires_grad_();
    return t;
  }();
};

void backward_non_scalar() {
  Program p;
  p.tape.backward(p.x * 2);
}

void backward_wrong_grad_shape() {
  Program p;
  p.tape.backward(p.x * 2, {.gradient = ones({2})});
}

void backward_twice() {
  Program p;
  const Tensor y = sum(p.x * p.x);
  p.tape.backward(y);
  p.tape.backward(y);
}

void backward_twice_retain_graph() {
  Program p;
  const Tensor y = sum(p.x * p.x);
  p.tape.backward(y, {.retain = true});
  p.tape.backward(y);
}

void backward_no_grad_required() {
  Program p;
  p.tape.backward(sum(ones({3})));
}

void backward_under_no_grad() {
  Program p;
  Tensor y;
  {
    const NoGrad pause;
    y = sum(p.x * 2);
  }
  p.tape.backward(y);
}

void inplace_on_leaf() {
  Program p;
  p.x.add_(ones({3}));
}

void inplace_under_no_grad() {
  Program p;
  const NoGrad pause;
  p.x.add_(ones({3}));
}

void inplace_overwrites_saved() {
  Program p;
  Tensor y = exp(p.x);
  y.mul_(2);
  p.tape.backward(sum(y));
}

void item_of_many() {
  Program p;
  static_cast<void>(p.x.item());
}

void requires_grad_on_int() {
  Tensor t = zeros({3}, int64);
  t.requires_grad_();
}

void grad_of_detached() {
  Program p;
  grad(sum(p.x.detach() * 2), {p.x});
}

void grad_of_unused() {
  Program p;
  Tensor other = ones({3});
  other.requires_grad_();
  grad(sum(p.x * 2), {other});
}

void autograd_case(const Case& item, Checker&) {
  static const std::map<std::string, void (*)()> programs{
      {"backward_non_scalar", backward_non_scalar},
      {"backward_wrong_grad_shape", backward_wrong_grad_shape},
      {"backward_twice", backward_twice},
      {"backward_twice_retain_graph", backward_twice_retain_graph},
      {"backward_no_grad_required", backward_no_grad_required},
      {"backward_under_no_grad", backward_under_no_grad},
      {"inplace_on_leaf", inplace_on_leaf},
      {"inplace_under_no_grad", inplace_under_no_grad},
      {"inplace_overwrites_saved", inplace_overwrites_saved},
      {"item_of_many", item_of_many},
      {"requires_grad_on_int", requires_grad_on_int},
      {"grad_of_detached", grad_of_detached},
      {"grad_of_unused", grad_of_unused},
  };
  const auto found = programs.find(item["what"]);
  if (found == programs.end()) throw Unsupported("autograd program " + item["what"].dump());
  found->second();
}

void call(const Case& item, Checker& checker) {
  static const std::map<std::string, void (*)(const Case&, Checker&)> calls{
      {"op", call_op_case},
      {"module", call_module_case},
      {"load_state_dict", load_state_case},
      {"optimizer", optimizer_case},
      {"load_safetensors", load_file_case},
      {"autograd", autograd_case},
  };
  const auto found = calls.find(item["kind_of_call"]);
  if (found == calls.end()) throw Unsupported("call " + item["kind_of_call"].dump());
  found->second(item, checker);
}

}  // namespace

void run_error(const Case& item, Checker& checker) {
  try {
    call(item, checker);
  } catch (const Error& error) {  // as it must be; any other exception fails the case
    checker.expect(!error.op().empty(), str("the message names no operation: ", error.what()));
    checker.expect(!error.hint().empty(), str("the message has no hint: ", error.what()));
    return;
  }
  checker.fail(str("was accepted, must be rejected: ", item["message"].dump()));
}

void run_accepts(const Case& item, Checker& checker) {
  call(item, checker);
}

}  // namespace gradus::conformance
