// The tape as a picture: what to_dot and to_svg draw.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "../../core/base/run_program.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/conv.h"
#include "../../nn/sequential.h"
#include "../support/errors.h"
#include "../support/text.h"

using namespace gradus;
using test::contains;
using test::occurrences;

namespace {

Tensor leaf(std::initializer_list<double> values, const std::string& name = "") {
  return tensor(values).requires_grad_().set_name(name);
}

/// The line of a node, or the beginning of that of a frame.
std::string line_with(const std::string& dot, const std::string& part) {
  const size_t at = dot.find(part);
  if (at == std::string::npos) return "no " + part;
  const size_t begin = dot.rfind('\n', at) + 1;
  return dot.substr(begin, dot.find("\n  ", at) - begin);
}

/// What stands within a frame, up to its closing brace.
std::string frame(const std::string& dot, const std::string& title) {
  const size_t begin = dot.find("label=\"" + title);
  size_t at = begin, depth = 1;
  for (; begin != std::string::npos && depth > 0 && at < dot.size(); ++at) {
    if (dot[at] == '{') ++depth;
    if (dot[at] == '}') --depth;
  }
  return begin == std::string::npos ? "" : dot.substr(begin, at - begin);
}

struct Centred : nn::Module {
  Tensor& mean = buffer("mean", full({}, 0.5));
  Tensor forward(const Tensor& x) override { return x - mean; }
};

/// PATH while this exists.
class PathScope {
 public:
  explicit PathScope(const std::string& path) {
    if (const char* const before = std::getenv("PATH")) before_ = before;
    setenv("PATH", path.c_str(), 1);
  }
  ~PathScope() { before_ ? setenv("PATH", before_->c_str(), 1) : unsetenv("PATH"); }
  PathScope(const PathScope&) = delete;
  PathScope& operator=(const PathScope&) = delete;

 private:
  std::optional<std::string> before_;
};

bool has_dot() {
  try {
    return run_program("test", "", {"dot", "-V"}).status == 0;
  } catch (const IoError&) {
    MESSAGE("without Graphviz' program dot there are no pictures to look at");
    return false;
  }
}

size_t open_files() {
  size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
    count += file.path().empty() ? 0 : 1;
  }
  return count;
}

}  // namespace

TEST_CASE("a node shows what is known: name, operation, shape, memory, value and gradient") {
  const Tensor w = leaf({0.5, -1.0}, "w");
  Tape tape;
  const Tensor h = tanh(w).set_name("h");
  const Tensor y = sum(square(h));
  CHECK(contains(tape.to_dot(), R"~(n0 [label="%0 w\n[2]\n= (0.5, -1)", class="leaf")~"));
  CHECK(contains(tape.to_dot(),
                 R"~(n1 [label="%1 h = tanh\n[2]  saves 16 B\n= (0.4621, -0.7616)")~"));
  tape.backward(y);
  CHECK(contains(tape.to_dot(), R"~(%0 w\n[2]\n= (0.5, -1)\ngradient (0.7269, -0.6397)")~"));
  CHECK(contains(tape.to_dot(), R"~(%1 h = tanh\n[2]  released\n= (0.4621, -0.7616)\ngradient )~"
                                R"~((0.9242, -1.523)", class="op"])~"));
}

TEST_CASE("edges lead from the inputs at the top to the results, one for each use") {
  const Tensor x = leaf({2});
  const Tape tape;
  x* x;
  const std::string dot = tape.to_dot();
  CHECK(occurrences(dot, "n0 -> n1;") == 2);
  CHECK_FALSE(contains(dot, "rankdir"));  // Graphviz' own direction is from top to bottom
}

TEST_CASE("inputs without gradient are small nodes of their own") {
  const Tensor w = leaf({2, 3});
  const Tape tape;
  w* tensor({5.0, 7.0}).set_name("x") * ones({9, 1}, float64);
  const std::string dot = tape.to_dot();
  CHECK(contains(line_with(dot, "c1 ["), R"~(label="x\n[2]\n(5, 7)", class="constant")~"));
  CHECK(contains(line_with(dot, "shape=ellipse"), "class=\"constant\""));
  CHECK(contains(dot, "c1 -> n1;"));
  CHECK(contains(dot, R"~([label="[9,2]", class="constant")~"));
}

TEST_CASE("an optional input that was not given is nothing") {
  const Tensor x = ones({1, 1, 3, 3}).requires_grad_();
  const Tape tape;
  conv2d(x, ones({1, 1, 9, 9}), {}, {.padding = 4});
  CHECK(occurrences(tape.to_dot(), "class=\"constant\"") == 1);
  CHECK(contains(tape.to_string(), "conv2d(%0, [1,1,9,9], none)"));
}

TEST_CASE("modules are frames with path, type and options, and hold their parameters") {
  nn::Sequential net;
  net.add("conv1", nn::Conv2d({.in_channels = 1, .out_channels = 2, .kernel_size = 3}));
  net.add("centred", Centred());
  const Tensor x = ones({1, 1, 5, 5}).requires_grad_().set_name("x");
  const Tape tape;
  net(x);
  const std::string dot = tape.to_dot();
  const std::string conv = frame(dot, "conv1 (Conv2d)"), centred = frame(dot, "centred (Centred)");
  CHECK(contains(conv, R"~(conv1 (Conv2d)\nin_channels=1, out_channels=2,)~"));
  CHECK(contains(conv, "class=\"module\""));
  CHECK(contains(conv, "conv1.weight"));
  CHECK(contains(conv, "conv1.bias"));
  CHECK(contains(conv, "class=\"leaf parameter\""));
  CHECK(contains(centred, R"~(label="centred.mean\n[1,2,3,3]", class="constant")~"));
  CHECK_FALSE(contains(centred, "conv1"));
  CHECK(contains(frame(dot, "Sequential"), conv));
  // The input is not the module's.
  CHECK(contains(dot, "%0 x"));
  CHECK_FALSE(contains(frame(dot, "Sequential"), "%0 x"));
}

TEST_CASE("composed operations are frames of another kind, without the leaves that they use") {
  const Tensor x = leaf({1, 2}, "logits");
  const Tape tape;
  cross_entropy(x.reshape({1, 2}), tensor<int64_t>({1}));
  const std::string loss = frame(tape.to_dot(), "cross_entropy");
  CHECK(contains(loss, "class=\"operation\""));
  CHECK(contains(loss, "log_softmax"));
  CHECK_FALSE(contains(loss, "logits"));
}

TEST_CASE("what was recorded in a backward pass is dashed, and says for which module") {
  nn::Sequential net;
  net.add("conv1", nn::Conv2d({.in_channels = 1, .out_channels = 1, .kernel_size = 1}));
  const Tensor x = ones({1, 1, 2, 2}).requires_grad_();
  Tape tape;
  const Tensor y = sum(square(net(x)));
  CHECK_FALSE(contains(tape.to_dot(), "dashed"));
  grad(y, {x}, {.create_graph = true});
  const std::string dot = tape.to_dot();
  CHECK(contains(line_with(dot, "in conv1"),
                 R"~(class="op backward", style="rounded,filled,dashed")~"));
}

TEST_CASE("gradient norms of large tensors are drawn if the tape notes them") {
  const Tensor x = ones({3, 4}, float64).requires_grad_();
  for (const bool wanted : {true, false}) {
    Tape tape({.gradient_norms = wanted});
    tape.backward(sum(square(square(x))));
    CHECK(contains(line_with(tape.to_dot(), "n1 ["), "gradient norm 6.928") == wanted);
    CHECK(contains(line_with(tape.to_dot(), "n0 ["), "gradient norm 13.86"));
    x.grad().zero_();
  }
}

TEST_CASE("names may hold anything") {
  const Tensor x = leaf({1}, "a \"b\" \\ <c> &lt; \xff\x01 \n {d}");
  const Tape tape;
  exp(x);
  const std::string dot = tape.to_dot();
  CHECK(contains(dot, R"~(%0 a \"b\" \\ <c> &amp;lt; )~"
                      "\xef\xbf\xbd\xef\xbf\xbd"
                      R"~( \n {d}\n)~"));
  if (!has_dot()) return;
  const std::string svg = tape.to_svg();
  CHECK(contains(svg, "&lt;c&gt; &amp;lt;"));
  CHECK(contains(svg, "{d}"));
}

TEST_CASE("a picture is an SVG element that can stand in a page") {
  if (!has_dot()) return;
  const Tensor x = leaf({1, 2}, "x");
  const Tape tape;
  {
    const Tape::Span span("cube");
    x* x* x;
  }
  const size_t files = open_files();
  const std::string svg = tape.to_svg();
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(contains(svg, "class=\"node leaf\""));
  CHECK(contains(svg, "class=\"cluster operation\""));
  CHECK_FALSE(contains(svg, "fill=\"white\""));  // the background is the page's
  CHECK(open_files() == files);
}

TEST_CASE("a large picture is drawn, too, and nothing waits forever") {
  if (!has_dot()) return;
  const Tensor x = leaf({1});
  const Tape tape;
  Tensor y = x;
  for (int i = 0; i < 400; ++i) y = tanh(y);
  CHECK(contains(tape.to_svg(), "%400 tanh"));
}

TEST_CASE("without Graphviz the error says what to do") {
  const Tape tape;
  const PathScope nothing("/nonexistent");
  CHECK_THROWS_WITH_AS(tape.to_svg(),
                       "[to_svg] cannot run the program dot: No such file or directory. Hint: "
                       "install Graphviz (apt-get install graphviz), or give what to_dot() returns "
                       "to another viewer",
                       IoError);
}

TEST_CASE("a program gets its input, and gives its output, errors and status") {
  const auto shell = [](const std::string& script, const std::string& input = "") {
    return run_program("test", "none", {"sh", "-c", script}, input);
  };
  const std::string large(1 << 20, 'x');  // more than any pipe holds
  CHECK(shell("cat", large).output == large);
  CHECK(shell("exit 3", large).status == 3);
  CHECK(shell("echo no >&2").errors == "no\n");
  CHECK(shell("kill -9 $$").status == 128 + 9);
}

TEST_CASE("a program that takes too long is killed, with all that it has started") {
  const auto slow =
      run_program("test", "none", {"sh", "-c", "echo begun; sleep 60 & sleep 60"}, "", 0.2);
  CHECK(slow.is_too_slow);
  CHECK(slow.output == "begun\n");
  CHECK(slow.status == 128 + 9);
  const auto quick = run_program("test", "none", {"sh", "-c", "exit 3"}, "", 60);
  CHECK_FALSE(quick.is_too_slow);
  CHECK(quick.status == 3);
}
