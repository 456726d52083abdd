#include "../../nn/module.h"

#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "../../core/base/allocator.h"
#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/lambda.h"
#include "../../nn/linear.h"
#include "../../nn/model_json.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"
#include "../../optim/sgd.h"
#include "../support/errors.h"
#include "../support/processor_time.h"
#include "../support/text.h"

using namespace gradus;
using test::contains;
using test::message_of;

namespace {

struct Scale : nn::Module {
  Tensor& factor = parameter("factor", tensor({2.0F}));
  Tensor& seen = buffer("seen", zeros({}, int64));
  Tensor forward(const Tensor& x) override { return x * factor; }
  std::string type() const override { return "Scale"; }
  /// Registers a tensor of another module as well.
  void register_twice(const Tensor& other) { again = &parameter("again", other); }
  const Tensor* again = nullptr;
  using Module::buffer;
  using Module::child;
  using Module::parameter;
};

/// In a scope of its own, as a template, and with options in braces.
template <class T>
struct Typed : nn::Module {
  nn::Conv2d& conv = child<nn::Conv2d>(
      "conv", {.in_channels = 1, .out_channels = 2, .kernel_size = 3, .bias = false});
  nn::Linear& head = child<nn::Linear>("head", {4, 3});
  nn::ReLU& relu = child<nn::ReLU>("relu", {});
};

struct Net : nn::Module {
  nn::Conv2d& conv = child<nn::Conv2d>("conv", nn::Conv2dOptions{1, 4, 3});
  nn::BatchNorm2d& bn = child<nn::BatchNorm2d>("bn", 4);
  Scale& scale = child<Scale>("scale");
  Tensor forward(const Tensor& x) override { return scale(relu(bn(conv(x)))); }
  std::string type() const override { return "Net"; }
};

std::vector<std::string> names_of(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& t : tensors) names.push_back(t.name);
  return names;
}

Tensor find(const NamedTensors& tensors, const std::string& name) {
  for (const NamedTensor& t : tensors) {
    if (t.name == name) return t.tensor;
  }
  return {};
}

}  // namespace

TEST_CASE("names are those of PyTorch: parameters, then buffers, then children") {
  const Net net;
  CHECK(names_of(net.named_parameters()) == std::vector<std::string>{"conv.weight", "conv.bias",
                                                                     "bn.weight", "bn.bias",
                                                                     "scale.factor"});
  CHECK(names_of(net.named_buffers()) ==
        std::vector<std::string>{"bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
                                 "scale.seen"});
  CHECK(names_of(net.state_dict()) ==
        std::vector<std::string>{"conv.weight", "conv.bias", "bn.weight", "bn.bias",
                                 "bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
                                 "scale.factor", "scale.seen"});
  CHECK(net.parameter_count() == 4 * 9 + 4 + 4 + 4 + 1);
}

TEST_CASE("a name must not be empty, contain a dot, or be taken") {
  Scale m;
  CHECK(message_of([&] { m.parameter("", ones({1})); }) ==
        "[Scale] cannot register \"\": a name must not be empty. Hint: names are unique in a "
        "module and have no dot");
  CHECK(message_of([&] { m.buffer("a.b", ones({1})); }) ==
        "[Scale] cannot register \"a.b\": a name must not contain a dot. Hint: names are unique in "
        "a module and have no dot");
  CHECK(message_of([&] { m.child<Scale>("factor"); }) ==
        "[Scale] cannot register \"factor\": this name is taken. Hint: names are unique in a "
        "module and have no dot");
  CHECK(names_of(m.state_dict()) == std::vector<std::string>{"factor", "seen"});
}

TEST_CASE("references stay valid when more is registered and when the module moves") {
  Scale m;
  Tensor& factor = m.factor;
  for (int i = 0; i < 100; ++i) m.parameter("p" + std::to_string(i), ones({1}));
  Scale moved(std::move(m));
  CHECK(&moved.factor == &factor);
  CHECK(moved.named_parameters()[0].tensor.is_same(factor));
}

TEST_CASE("an undefined parameter is not listed") {
  const nn::Linear layer(2, 3, false);
  CHECK(names_of(layer.named_parameters()) == std::vector<std::string>{"weight"});
  CHECK_FALSE(layer.bias.defined());
}

TEST_CASE("a state comes back into another module") {
  Net a, b;
  a.bn.running_mean.fill_(3);
  CHECK(a.conv.weight.to_vector<float>() != b.conv.weight.to_vector<float>());
  b.load_state_dict(a.state_dict());
  for (const NamedTensor& saved : a.state_dict()) {
    INFO(saved.name);
    const Tensor other = find(b.state_dict(), saved.name);
    CHECK(other.shape() == saved.tensor.shape());
    CHECK(other.to(float64).to_vector<double>() == saved.tensor.to(float64).to_vector<double>());
  }
  CHECK(b.conv.weight.requires_grad());
}

TEST_CASE("a state is a copy") {
  Scale m;
  const NamedTensors state = m.state_dict();
  CHECK_FALSE(state[0].tensor.requires_grad());
  const NoGrad pause;
  m.factor.fill_(7);
  CHECK(state[0].tensor.item() == 2);
}

TEST_CASE("loading lists every problem at once and then changes nothing") {
  Net net;
  const std::vector<float> before = net.conv.bias.to_vector<float>();
  NamedTensors state = net.state_dict();
  state[1].tensor = ones({4});           // conv.bias fits and must not be copied
  state[0].tensor = ones({4, 1, 5, 5});  // conv.weight: wrong shape
  state[2].tensor = ones({4}, float64);  // bn.weight: wrong dtype
  state[3].name = "bn.beta";             // bn.bias is missing, bn.beta unexpected
  const std::string message = message_of([&] { net.load_state_dict(state); });
  CHECK(message.starts_with("[Net] the state does not fit, nothing was loaded: "));
  CHECK(message.find("wrong shape: conv.weight is [4,1,5,5], expected [4,1,3,3]") !=
        std::string::npos);
  CHECK(message.find("wrong dtype: bn.weight is float64, expected float32") != std::string::npos);
  CHECK(message.find("missing: bn.bias") != std::string::npos);
  CHECK(message.find("unexpected: bn.beta") != std::string::npos);
  CHECK(message.find("Hint: ") != std::string::npos);
  CHECK(net.conv.bias.to_vector<float>() == before);
}

TEST_CASE("loading that is not strict passes over names, not over shapes") {
  Net net;
  NamedTensors state = {{"conv.bias", ones({4})}, {"other", ones({1})}};
  net.load_state_dict(state, {.strict = false});
  CHECK(net.conv.bias.to_vector<float>() == std::vector<float>(4, 1));
  state[0].tensor = ones({5});
  CHECK_THROWS_AS(net.load_state_dict(state, {.strict = false}), ValueError);
}

TEST_CASE("a file without num_batches_tracked keeps its value") {
  Net net;
  net.bn.num_batches_tracked.fill_(5);
  NamedTensors state = net.state_dict();
  std::erase_if(state, [](const NamedTensor& t) { return t.name == "bn.num_batches_tracked"; });
  net.load_state_dict(state);
  CHECK(net.bn.num_batches_tracked.item() == 5);
}

TEST_CASE("train and eval set the mode of the whole tree and nothing else") {
  Net net;
  CHECK(net.bn.is_training());
  net.eval();
  CHECK_FALSE(net.is_training());
  CHECK_FALSE(net.bn.is_training());
  CHECK(net.conv.weight.requires_grad());
  net.train();
  CHECK(net.bn.is_training());
}

TEST_CASE("freezing survives train and eval") {
  Net net;
  net.conv.requires_grad_(false);
  net.eval();
  net.train();
  CHECK_FALSE(net.conv.weight.requires_grad());
  CHECK(net.bn.weight.requires_grad());
}

TEST_CASE("zero_grad clears all gradients") {
  Net net;
  Tape tape;
  tape.backward(sum(net(ones({2, 1, 4, 4}))));
  CHECK(net.conv.weight.grad().defined());
  net.zero_grad();
  for (const NamedTensor& p : net.named_parameters()) CHECK_FALSE(p.tensor.grad().defined());
}

TEST_CASE("to converts floating parameters and buffers, and leaves integers") {
  Net net;
  net.to(float64);
  CHECK(net.conv.weight.dtype() == float64);
  CHECK(net.conv.weight.requires_grad());
  CHECK(net.bn.running_var.dtype() == float64);
  CHECK_FALSE(net.bn.running_var.requires_grad());
  CHECK(net.bn.num_batches_tracked.dtype() == int64);
  CHECK(net(ones({2, 1, 4, 4}, float64)).dtype() == float64);
  CHECK_THROWS_AS(net.to(int32), DTypeError);
}

TEST_CASE("to keeps the tensors, so that an optimizer built before trains on") {
  Net net;
  net.scale.register_twice(net.conv.weight);
  optim::SGD sgd(net.conv.named_parameters(), {.lr = 1, .momentum = 0.9});
  const Tensor weight = net.conv.weight, view = net.conv.weight.detach();
  const uint32_t version = weight.version();
  net.conv.weight.set_grad(ones(weight.shape()));
  net.to(float64);
  CHECK(net.conv.weight.is_same(weight));
  CHECK(net.scale.again->is_same(weight));  // is still one tensor for both
  CHECK(weight.version() > version);
  CHECK(weight.grad().dtype() == float64);
  CHECK(view.dtype() == float32);
  const std::vector<double> before = weight.detach().to_vector<double>();
  CHECK(before[3] == static_cast<double>(view.to_vector<float>()[3]));
  sgd.step();
  CHECK(weight.detach().to_vector<double>()[3] == before[3] - 1);
  net.to(float32);
  CHECK(message_of([&] { sgd.step(); }).find("its state momentum_buffer float64") !=
        std::string::npos);
}

TEST_CASE("to converts everything or nothing") {
  Net net;
  {
    const Tape tape;
    CHECK(message_of([&] {
            net.to(float64);
          }).starts_with("[to] cannot write in place to a tensor [4,1,3,3] that a tape tracks"));
  }
  const size_t limit = memory_limit();
  release_cached_memory();
  set_memory_limit(static_cast<size_t>(allocator_statistics().system_bytes) + 1024);
  CHECK_THROWS_AS(net.to(float64), Error);
  set_memory_limit(limit);
  for (const NamedTensor& t : net.named_parameters()) CHECK(t.tensor.dtype() == float32);
  for (const NamedTensor& t : net.named_buffers()) CHECK(t.tensor.dtype() != float64);
}

TEST_CASE("a parameter that is converted between forward and backward is noticed") {
  Net net;
  Tape tape;
  const Tensor loss = sum(net(ones({2, 1, 4, 4})));
  {
    const NoGrad pause;
    net.conv.to(float64);
  }
  const std::string message = message_of([&] { tape.backward(loss); });
  CAPTURE(message);
  CHECK(message.find("was overwritten: version") != std::string::npos);
  for (const NamedTensor& t : net.named_parameters()) CHECK_FALSE(t.tensor.grad().defined());
  nn::Linear linear(2, 2);
  const Tensor y = sum(linear.bias);
  {
    const NoGrad pause;
    linear.to(float64);
  }
  CHECK(message_of([&] { tape.backward(y); }) ==
        "[backward] a leaf [2] was float32 when it was used, and is float64 now. Hint: convert "
        "parameters before the forward pass");
}

TEST_CASE("the tape and errors name the layer") {
  nn::Sequential net;
  net.add("layer1", nn::Sequential(nn::Linear(3, 2)));
  {
    const Tape tape;
    net(ones({1, 3}));
    CHECK(tape.path(tape[tape.size() - 1]) == "layer1.0");
  }
  CHECK(message_of([&] { net(ones({1, 5})); }).find("] (layer1.0) ") != std::string::npos);
}

TEST_CASE("the type of a module is the name of its class") {
  struct Local : nn::Module {
  } local;
  CHECK(local.type() == "Local");
  CHECK(message_of([&] { local(ones({1})); }).starts_with("[Local] has no forward"));
  CHECK(Typed<std::pair<int, Local>>().type().starts_with("Typed<std::pair<int, "));
  CHECK(nn::Lambda([](const Tensor& x) { return x; }).type() == "Lambda");
  CHECK(nn::Module().type() == "Module");
}

TEST_CASE("options of a child stand in braces") {
  const Typed<int> module;
  CHECK(module.type() == "Typed<int>");
  CHECK(names_of(module.named_parameters()) ==
        std::vector<std::string>{"conv.weight", "head.weight", "head.bias"});
  CHECK(module.conv.weight.shape() == Shape{2, 1, 3, 3});
  CHECK(module.head.weight.shape() == Shape{3, 4});
}

TEST_CASE("a module without forward says so") {
  struct Empty : nn::Module {
    std::string type() const override { return "Empty"; }
  } empty;
  CHECK(message_of([&] { empty(ones({1})); }).starts_with("[Empty] has no forward"));
}

TEST_CASE("a forward hook sees input and output, and can be taken off") {
  nn::Linear layer(3, 2);
  int calls = 0;
  layer.set_forward_hook([&](nn::Module& m, const Tensor& x, const Tensor& y) {
    ++calls;
    CHECK(&m == &layer);
    CHECK(x.shape() == Shape{4, 3});
    CHECK(y.shape() == Shape{4, 2});
  });
  layer(ones({4, 3}));
  layer.set_forward_hook({});
  layer(ones({4, 3}));
  CHECK(calls == 1);
}

TEST_CASE("several forward hooks run in the order in which they were added, until removed") {
  nn::Linear layer(3, 2);
  std::string seen;
  const auto writes = [&seen](const char* what) {
    return [&seen, what](nn::Module&, const Tensor&, const Tensor&) { seen += what; };
  };
  const nn::HookId a = layer.add_forward_hook(writes("a"));
  const nn::HookId b = layer.add_forward_hook(writes("b"));
  layer.set_forward_hook(writes("set "));
  layer(ones({1, 3}));
  CHECK(seen == "set ab");
  layer.remove_hook(a);
  layer.remove_hook(a);  // nothing happens
  layer.set_forward_hook({});
  layer(ones({1, 3}));
  CHECK(seen == "set abb");
  CHECK(b != layer.add_forward_hook(writes("c")));
  layer.remove_hook(b);
  layer(ones({1, 3}));
  CHECK(seen == "set abbc");
  CHECK(message_of([&] { layer.add_forward_hook({}); }).starts_with("[Linear] a hook is empty"));
}

TEST_CASE("a gradient hook sees the gradient of the module's output, once for each call") {
  nn::Sequential net(nn::Linear(3, 3), nn::Tanh());
  std::vector<Tensor> seen;
  net[0].add_gradient_hook([&](const Tensor& g) { seen.push_back(g.clone()); });
  const Tensor x = tensor({0.5F, -1.0F, 2.0F}, {1, 3});
  Tensor inner, outer;
  {
    Tape tape;
    inner = net[0](x);
    outer = net(net[1](inner));
    tape.backward(sum(outer));
  }
  REQUIRE(seen.size() == 2);  // the call that came last first
  const auto expected = [](const Tensor& y, const Tensor& g) { return g * (1.0 - square(y)); };
  const NoGrad pause;
  const Tensor last = expected(outer.detach(), ones({1, 3}));
  CHECK(allclose(seen[0], last));
  const auto& weight = net.get_parameter("0.weight");
  CHECK(allclose(seen[1], expected(tanh(inner.detach()), matmul(last, weight))));
}

TEST_CASE("gradient hooks end with their removal, their module and their tape's entries") {
  nn::Linear layer(2, 2);
  std::string seen;
  const auto add = [&seen](nn::Module& m, const char* what) {
    return m.add_gradient_hook([&seen, what](const Tensor&) { seen += what; });
  };
  const nn::HookId a = add(layer, "a");
  add(layer, "b");
  const Tensor x = ones({1, 2});
  Tape tape;
  const Tensor y = layer(x);
  tape.backward(sum(y), {.retain = true});
  CHECK(seen == "ab");
  layer.remove_hook(a);
  tape.backward(sum(y));
  CHECK(seen == "abb");

  const Tape::Mark mark = tape.mark();
  layer(x);
  tape.trim(mark);
  tape.backward(sum(linear(x, layer.weight, layer.bias)));  // at the place of the call before
  CHECK(seen == "abb");

  auto gone = std::make_unique<nn::Linear>(2, 2);
  add(*gone, "gone");
  const Tensor z = sum((*gone)(x));
  gone.reset();
  tape.backward(z);
  CHECK(seen == "abb");
  layer(x);  // without a gradient to come
  const NoGrad pause;
  CHECK(layer(x).shape() == Shape{1, 2});
}

TEST_CASE("a forward hook that removes one of the others changes the next forward") {
  nn::Linear layer(3, 2);
  std::string seen;
  nn::HookId second = 0;
  layer.add_forward_hook([&](nn::Module& m, const Tensor&, const Tensor&) {
    seen += "first ";
    m.remove_hook(second);
  });
  second =
      layer.add_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) { seen += "second "; });
  layer(ones({1, 3}));
  layer(ones({1, 3}));
  CHECK(seen == "first second first ");
}

TEST_CASE("a forward hook may take itself off, and set another one") {
  nn::Linear layer(3, 2);
  std::string seen;
  const std::vector<int> numbers(100, 7);  // what a hook holds lies in memory of its own
  layer.set_forward_hook([&, numbers](nn::Module& m, const Tensor&, const Tensor&) {
    const nn::ForwardHook own =
        m.set_forward_hook([&](nn::Module& again, const Tensor&, const Tensor&) {
          again.set_forward_hook({});
          seen += "second ";
        });
    CHECK(static_cast<bool>(own));
    seen += "first" + std::to_string(numbers.back()) + " ";
  });
  for (int i = 0; i < 3; ++i) layer(ones({1, 3}));
  CHECK(seen == "first7 second ");
}

TEST_CASE("layers that a hook adds run from the next call on") {
  nn::Sequential net(nn::Linear(2, 2), nn::ReLU());
  net[0].set_forward_hook([&](nn::Module& m, const Tensor&, const Tensor&) {
    m.set_forward_hook({});
    for (int i = 0; i < 50; ++i) net.add(nn::Lambda([](const Tensor& x) { return x + 1.0; }));
  });
  const Tensor x = zeros({1, 2});
  const double before = sum(net(x)).item();
  CHECK(sum(net(x)).item() == doctest::Approx(before + 100));
}

TEST_CASE("a module prints as a tree with options and parameter counts") {
  nn::Sequential net(nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = {3, 5}}),
                     nn::ReLU());
  std::ostringstream out;
  out << net;
  CHECK(out.str() ==
        "Sequential()  64\n"
        "  0: Conv2d(in_channels=1, out_channels=4, kernel_size=[3,5], stride=1, padding=0, "
        "dilation=1, groups=1, bias=true, padding_mode=zeros, winograd=true)  64\n"
        "  1: ReLU()\n");
}

TEST_CASE("an error in anomaly mode names each module of the path once") {
  nn::Sequential inner;
  inner.add("log", nn::Lambda([](const Tensor& x) { return log(x); }));
  nn::Sequential net;
  net.add("features", std::move(inner));
  const Tensor x = full({2}, -1).requires_grad_();
  Tape tape({.detect_anomaly = true});
  CHECK(message_of([&] { net(x); }).find("[log] (features.log) NaN or infinity") == 0);
}

TEST_CASE("the state of very many layers is loaded in linear time") {
  nn::Sequential net;
  for (int i = 0; i < 20'000; ++i) net.add(nn::BatchNorm1d(1));
  const NamedTensors state = net.state_dict();
  CHECK(test::processor_seconds([&] { net.load_state_dict(state); }) < 5);
}

TEST_CASE("very many layers are cloned in linear time") {
  nn::Sequential net;
  for (int i = 0; i < 5000; ++i) net.add(nn::BatchNorm1d(1));
  const auto clone = [&] { CHECK(nn::clone(net)->parameter_count() == 10'000); };
  CHECK(test::processor_seconds(clone) < 5);
}

// --- Access by name ---

TEST_CASE("a parameter, a buffer and a module are found by their names") {
  nn::Sequential net(nn::Linear(2, 3), nn::Sequential(nn::BatchNorm1d(3)));
  CHECK(net.get_parameter("0.weight").is_same(net.named_parameters()[0].tensor));
  CHECK(net.get_buffer("1.0.running_mean").shape() == Shape{3});
  CHECK(net.get_submodule("1.0").type() == "BatchNorm1d");
  CHECK(&net.get_submodule("") == &net);
  const nn::Sequential& constant = net;
  CHECK(&constant.get_submodule("0") == &net[0]);
  CHECK(message_of([&] { net.get_parameter("weight"); }) ==
        "[get_parameter] Sequential has no \"weight\". Hint: there are 0.weight, 0.bias, "
        "1.0.weight, 1.0.bias");
  CHECK(message_of([] { nn::Sequential().get_parameter("weight"); }) ==
        "[get_parameter] Sequential has no \"weight\". Hint: there are none; parameter() and "
        "child() register them");
  CHECK_THROWS_AS(net.get_buffer("0.weight"), ValueError);
  CHECK_THROWS_AS(net.get_submodule("2"), ValueError);
}

TEST_CASE("what is taken from a list of parameters in the line that makes it stays alive") {
  nn::Sequential net(nn::Linear(2, 3));
  const Tensor& weight = net.named_parameters()[0].tensor;
  const Tensor& bias = net.state_dict().back().tensor;
  const auto& [path, module] = net.named_modules()[1];
  CHECK(weight.is_same(net.get_parameter("0.weight")));
  CHECK(bias.shape() == Shape{3});
  CHECK(path == "0");
  CHECK(module == &net[0]);
}

// --- Modules with several inputs or outputs ---

namespace {

struct TwoInputs : nn::Module {
  nn::Sequential& enc =
      child<nn::Sequential>("enc", nn::Sequential(nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 2)));
  /// Sum and difference.
  std::pair<Tensor, Tensor> operator()(const Tensor& a, const Tensor& b) {
    return call([&] { return std::pair(enc(a) + enc(b), enc(a) - enc(b)); });
  }
  void look(const Tensor& x) {
    call([&] { enc(x); });
  }
  std::string type() const override { return "TwoInputs"; }
};

struct Comparison : nn::Module {
  TwoInputs& two = child<TwoInputs>("two");
  Tensor forward(const Tensor& x) override {
    const auto [sum, difference] = two(x, x);
    return sum * difference;
  }
  std::string type() const override { return "Comparison"; }
};

}  // namespace

TEST_CASE("a module with several inputs and outputs is on the tape and in errors by its name") {
  Comparison net;
  Tape tape;
  net(ones({5, 3}));
  std::set<std::string> paths;
  for (size_t i = 0; i < tape.size(); ++i) paths.insert(tape.path(tape[i]));
  CHECK(paths == std::set<std::string>{"", "two", "two.enc.0", "two.enc.1", "two.enc.2"});
  CHECK(contains(message_of([&] { net(ones({5, 4})); }), "(two.enc.0) "));
  CHECK(contains(message_of([&] { net.two.look(ones({5, 4})); }), "(two.enc.0) "));
}

TEST_CASE("a module of doubles is cloned while a tape records") {
  nn::Linear layer(2, 3);
  layer.to(float64);
  Tape tape;
  const auto copy = nn::clone(layer);
  CHECK(copy->get_parameter("weight").dtype() == float64);
  CHECK(tape.size() == 0);
}

TEST_CASE("parameters and buffers are named, and stand on the tape with the path of their module") {
  Net net;
  CHECK(net.get_parameter("conv.weight").name() == "weight");
  CHECK(net.get_buffer("scale.seen").name() == "seen");
  const Tape tape;
  net(ones({2, 1, 3, 3}));
  std::set<std::string> names;
  for (size_t i = 0; i < tape.size(); ++i) names.insert(tape.name(i));
  CHECK(names.contains("conv.weight"));
  CHECK(names.contains("scale.factor"));
}

TEST_CASE("the outermost module has no path, so its parameters have their names alone") {
  Scale scale;
  const Tape tape;
  scale(ones({1}));
  CHECK(tape.name(0) == "factor");
}

TEST_CASE("a parameter of two modules is one leaf, under the path of the first that uses it") {
  struct Tied : nn::Module {
    Scale& first = child<Scale>("first");
    Scale& second = child<Scale>("second");
    Tied() { second.register_twice(first.factor); }
    Tensor forward(const Tensor& x) override { return second(first(x)) * *second.again; }
  };
  Tied net;
  const Tape tape;
  net(ones({1}));
  std::vector<std::string> names;
  for (size_t i = 0; i < tape.size(); ++i) {
    if (!tape.name(i).empty()) names.push_back(tape.name(i));
  }
  CHECK(names == std::vector<std::string>{"first.factor", "second.factor"});
}
