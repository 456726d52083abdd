// Spans: composed operations and calls of modules, as the tape shows them.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/sequential.h"
#include "../support/text.h"

using namespace gradus;
using test::contains;

namespace {

struct CubeOptions {
  double factor = 1;
  std::array<int64_t, 2> sizes = {1, 1};
  std::optional<int64_t> limit;
  bool exact = true;
  enum class Mode { slow, fast } mode = Mode::fast;

  static void describe(auto& o, auto& visit) {
    visit("factor", o.factor);
    visit("sizes", o.sizes);
    visit("limit", o.limit);
    visit("exact", o.exact);
    visit.choice("mode", o.mode, {"slow", "fast"});
  }
};

Tensor cube(const Tensor& x, const CubeOptions& options = {}) {
  const Tape::Span span("cube", options);
  return x * x * x * options.factor;
}

Tensor leaf(std::initializer_list<double> values) {
  return tensor(values).requires_grad_();
}

nn::Sequential small_net() {
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in_channels = 1, .out_channels = 2, .kernel_size = 3}));
  net.add("flatten", nn::Flatten());
  net.add("fc", nn::Linear(8, 3));
  return net;
}

}  // namespace

TEST_CASE("a composed operation is a span with its options, entries and result") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(cube(x, {.factor = 0.5, .sizes = {2, 3}}));
  REQUIRE(tape.spans().size() == 1);
  const SpanEntry& span = tape.spans()[0];
  CHECK(span.name == "cube");
  CHECK(span.options == "factor=0.5, sizes=[2,3], limit=none, exact=true, mode=fast");
  CHECK(span.is_module == false);
  CHECK(span.parent == -1);
  CHECK(std::string(tape[span.end].op) == "sum");
  CHECK(span.output == static_cast<int32_t>(span.end) - 1);
  CHECK(tape.composed_of(span.first) == "cube");
  CHECK(tape.composed_of(span.end).empty());
}

TEST_CASE("equal options for all dimensions are one number") {
  CHECK(contains(option_text(CubeOptions{.sizes = {2, 2}, .limit = 7}), "sizes=2, limit=7"));
}

TEST_CASE("without a tape, spans are nothing") {
  CHECK(cube(leaf({2})).item<double>() == 8);
}

TEST_CASE("calls of modules are spans with type, options, module path and result") {
  nn::Sequential net = small_net();
  Tape tape;
  const Tensor y = net(ones({1, 1, 4, 4}));
  std::map<std::string, SpanEntry> by_path;
  for (const SpanEntry& span : tape.spans()) {
    if (span.is_module) by_path.emplace(tape.path(span), span);
  }
  REQUIRE(by_path.size() == 4);
  CHECK(by_path.at("").name == "Sequential");
  const SpanEntry& conv = by_path.at("conv");
  CHECK(conv.name == "Conv2d");
  CHECK(contains(conv.options, "in_channels=1, out_channels=2, kernel_size=3"));
  CHECK(std::string(tape[static_cast<size_t>(conv.output)].op) == "conv2d");
  CHECK(tape.spans()[static_cast<size_t>(conv.parent)].name == "Sequential");
  CHECK(by_path.at("").output == by_path.at("fc").output);
  CHECK(by_path.at("").end == tape.size());
}

TEST_CASE("a module that returns its input has no entry of its own as its result") {
  nn::Sequential net;
  net.add("nothing", nn::Identity());
  const Tensor x = leaf({1});
  Tape tape;
  const Tensor twice = x * 2.0;
  net(twice);
  for (const SpanEntry& span : tape.spans()) {
    CHECK(span.first == span.end);
    CHECK(span.output == 1);  // what made `twice`
  }
}

TEST_CASE("a hook sees the module path, and which gradient is that of a module's output") {
  nn::Sequential net = small_net();
  Tape tape;
  const Tensor y = net(ones({1, 1, 4, 4}));
  const Tensor loss = sum(y * y);
  std::map<std::string, Shape> output_gradients;
  std::string path_of_conv;
  tape.on_replay([&](const ReplayEvent& event) {
    for (const int32_t index : event.results_of) {
      const SpanEntry& span = tape.spans()[static_cast<size_t>(index)];
      output_gradients[tape.path(span)] = event.output_gradient.shape();
    }
    if (std::string(event.entry.op) == "conv2d") path_of_conv = event.path;
  });
  tape.backward(loss);
  CHECK(path_of_conv == "conv");
  CHECK(output_gradients ==
        std::map<std::string, Shape>{
            {"", {1, 3}}, {"conv", {1, 2, 2, 2}}, {"flatten", {1, 8}}, {"fc", {1, 3}}});
}

TEST_CASE("trim() drops the spans of what it drops, and cuts those that began before") {
  const Tensor x = leaf({1});
  Tape tape;
  cube(x);
  const auto mark = tape.mark();
  cube(x);
  tape.trim(mark);
  REQUIRE(tape.spans().size() == 1);
  CHECK(tape.spans()[0].end == tape.size());
  {
    const Tape::Span open("outer");
    cube(x);
    tape.trim(mark);
    CHECK(tape.spans().size() == 2);
    cube(x);
  }
  REQUIRE(tape.spans().size() == 3);
  CHECK(tape.spans()[1].name == "outer");
  CHECK(tape.spans()[2].parent == 1);
  CHECK(tape.spans()[1].end == tape.spans()[2].end);
}

TEST_CASE("a span that outlives its tape touches nothing") {
  std::optional<Tape> tape(std::in_place);
  const Tape::Span span("lonely");
  tape.reset();
}

TEST_CASE("prints, JSON and pictures show spans and options") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  conv2d(reshape(cube(x), {1, 1, 1, 2}), ones({1, 1, 1, 1}, float64), {}, {.padding = 1});
  CHECK(contains(tape.to_string(), "part of"));
  CHECK(contains(tape.to_string(), "cube"));
  CHECK(contains(tape.to_dot(), "label=\"cube\\nfactor=1"));
  const auto json = nlohmann::json::parse(tape.to_json());
  CHECK(json["spans"][0]["name"] == "cube");
  CHECK(json["spans"][0]["kind"] == "operation");
  CHECK(json["spans"][0]["parent"] == -1);
}
