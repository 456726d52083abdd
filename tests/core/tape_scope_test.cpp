// How long tapes, pauses and marks live, and what may happen while a tape is replayed.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "../../core/base/allocator.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "../support/warnings.h"

using namespace gradus;
using test::message_of;

namespace {

using Values = std::vector<double>;

Tensor leaf(std::initializer_list<double> values) {
  return tensor(values).requires_grad_();
}

bool records() {
  return (leaf({1}) * 2.0).requires_grad();
}

int64_t lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

// --- Ends out of order ---

TEST_CASE("an outer tape that ends before an inner one is noticed, and the inner one goes on") {
  const Tensor x = leaf({3});
  const test::Warnings warnings;
  auto outer = std::make_unique<Tape>();
  auto inner = std::make_unique<Tape>();
  const Tensor y = sum(x * x);
  outer.reset();
  CHECK(
      warnings.text() ==
      "gradus: warning: [tape] ended while an inner tape or NoGrad was open. Hint: what is opened "
      "last ends first; keep tapes in scopes\n");
  CHECK(Tape::current() == inner.get());
  inner->backward(y);
  CHECK(x.grad().item() == 6);
  inner.reset();
  CHECK(Tape::current() == nullptr);
  CHECK_FALSE(records());
}

TEST_CASE("a tape that ends inside of NoGrad is noticed, and nothing records after it") {
  const test::Warnings warnings;
  auto tape = std::make_unique<Tape>();
  {
    const NoGrad pause;
    tape.reset();
    CHECK(lines(warnings.text()) == 1);
    CHECK_FALSE(records());
  }
  CHECK(Tape::current() == nullptr);
  CHECK_FALSE(records());
}

TEST_CASE("a NoGrad that ends before a tape opened inside of it is noticed") {
  const test::Warnings warnings;
  const Tape outer;
  auto pause = std::make_unique<NoGrad>();
  auto tape = std::make_unique<Tape>();
  pause.reset();
  CHECK(warnings.text().starts_with("gradus: warning: [no_grad] ended while an inner tape"));
  CHECK(Tape::current() == tape.get());
  tape.reset();
  CHECK(Tape::current() == &outer);
}

TEST_CASE("tapes and pauses in scopes say nothing") {
  const test::Warnings warnings;
  {
    const Tape outer;
    const NoGrad pause;
    const Tape inner;
    const NoGrad again;
    CHECK_FALSE(records());
  }
  CHECK(warnings.text().empty());
}

TEST_CASE("a scope of module names may outlive its tape") {
  const test::Warnings warnings;
  auto tape = std::make_unique<Tape>();
  {
    const Tape::Scope scope(tape.get(), "layer");
    tape.reset();
  }
  CHECK_FALSE(records());
}

// --- Re-entry ---

TEST_CASE("a hook may add hooks: they are called from the next entry on") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(exp(x * x));
  struct {
    Tape& tape;
    std::string seen;
  } state{tape, ""};
  tape.on_replay([&state](const ReplayEvent& event) {
    for (int i = 0; event.index == 3 && i < 20; ++i) {
      state.tape.on_replay([&state](const ReplayEvent&) { state.seen += "+"; });
    }
    state.seen += std::string(event.entry.op) + " ";
  });
  tape.on_replay([&state](const ReplayEvent&) { state.seen += "| "; });
  tape.backward(y);
  const std::string added(20, '+');
  CHECK(state.seen == "sum | exp | " + added + "mul | " + added + "leaf | " + added);
}

TEST_CASE("trim is refused while the tape is replayed, and the tape stays as it is") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(x * x);
  const size_t size = tape.size();
  bool hooked = true;
  tape.on_replay([&](const ReplayEvent&) {
    if (hooked) tape.trim({0});
  });
  CHECK(message_of([&] { tape.backward(y, {.retain = true}); }) ==
        "[trim] this tape is being replayed. Hint: trim it after backward, not in a hook or in the "
        "rule of an operation");
  CHECK(tape.size() == size);
  CHECK_FALSE(x.grad().defined());
  hooked = false;
  tape.backward(y);
  CHECK(x.grad().to_vector<double>() == Values{2, 4});
  tape.trim({0});
  CHECK(tape.size() == 0);
}

TEST_CASE("a rule may not trim either") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = record("mine", inputs(x), x.detach().clone(), saved(),
                          [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList {
                            Tape::current()->trim({0});
                            return {g};
                          });
  CHECK(message_of([&] {
          tape.backward(sum(y), {.create_graph = true});
        }).starts_with("[trim] this tape is being replayed"));
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("a hook may go back over the same tape") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(x * x);
  int depth = 0;
  Tensor inner;
  tape.on_replay([&](const ReplayEvent& event) {
    if (depth > 0 || event.index != 1) return;
    ++depth;
    inner = grad(y, {x}, {.create_graph = true})[0];
    --depth;
  });
  tape.backward(y, {.create_graph = true});
  CHECK(inner.to_vector<double>() == Values{2, 4});
  CHECK(x.grad().to_vector<double>() == Values{2, 4});
}

// --- Trimming ---

TEST_CASE("what is trimmed gives its memory back: entries, constants and module paths") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = x * 2.0;
  const auto branch = [&] {
    const Tape::Mark mark = tape.mark();
    Tensor z = y;
    for (int i = 0; i < 2000; ++i) {
      const Tape::Scope layer(&tape, "a_layer_with_a_rather_long_name");
      z = clamp(z, -1, 1);
    }
    tape.trim(mark);
  };
  branch();
  const int64_t bytes = allocator_statistics().system_bytes;
  const size_t paths = tape.path_count();
  for (int i = 0; i < 20; ++i) branch();
  CHECK(allocator_statistics().system_bytes == bytes);
  CHECK(tape.path_count() == paths);
  CHECK(paths < 10);
  tape.backward(sum(clamp(y, -3, 3)));
  CHECK(x.grad().to_vector<double>() == Values{2, 0});
}

TEST_CASE("trim keeps the paths of what stays and of the scopes that are open") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tape::Scope outer(&tape, "outer");
  Tape::Mark mark{};
  Tensor y;
  {
    const Tape::Scope inner(&tape, "inner");
    y = clamp(x, 0, 5);
    mark = tape.mark();
    exp(y);
  }
  {
    const Tape::Scope other(&tape, "other");
    exp(y);
    tape.trim(mark);
    CHECK(tape.path(tape[tape.size() - 1]) == "outer.inner");
    clamp(y, 0, 4);
    CHECK(tape.path(tape[tape.size() - 1]) == "outer.other");
  }
  const Tensor z = clamp(y, 0, 1.5);
  CHECK(tape.path(tape[tape.size() - 1]) == "outer");
  CHECK(tape.path(tape[1]) == "outer.inner");
  tape.backward(sum(z));
  CHECK(x.grad().to_vector<double>() == Values{1, 0});
}

// --- Constants of rules ---

TEST_CASE("constants of a rule fit into what the tape keeps") {
  struct Largest {
    std::array<double, Tape::max_constant_bytes / sizeof(double)> values;
  };
  struct TooLarge {
    Largest most;
    char more;
  };
  struct alignas(128) Wide {
    double value;
  };
  static_assert(RuleConstants<Largest>);
  static_assert(!RuleConstants<TooLarge>);
  static_assert(!RuleConstants<Wide>);
  static_assert(!RuleConstants<Tensor>);
  static_assert(!RuleConstants<std::string>);

  const Tensor x = leaf({1});
  Tape tape;
  Tensor y = x;
  for (int i = 1; i <= 3; ++i) {
    Largest constants{};
    constants.values.back() = i;
    y = record("mine", inputs(y), y.detach().clone(), saved(), constants,
               [](const TensorList&, const Largest& c, const Tensor& g,
                  const Wanted&) -> TensorList { return {mul(g, c.values.back())}; });
  }
  tape.backward(sum(y));
  CHECK(x.grad().item() == 6);
}

// --- Growing ---

TEST_CASE("a tape that outlives many steps says so once") {
  const test::Warnings warnings;
  const Tensor x = leaf({1});
  Tape tape;
  for (int step = 0; step < 12; ++step) {
    Tensor y = x;
    for (int i = 0; i < 10'000; ++i) y = y * 1.0;
    tape.backward(sum(y));
    CHECK(lines(warnings.text()) == (step < 9 ? 0 : 1));
  }
  CHECK(
      warnings.text().starts_with("gradus: warning: [backward] the tape keeps growing: 10 calls"));
  CHECK(warnings.text().find("Hint: open the tape inside of the loop, or trim() it") !=
        std::string::npos);
}

TEST_CASE("bytes that stay on a tape over many steps count as well") {
  const test::Warnings warnings;
  const Tensor x = leaf({1});
  const Tensor large = ones({1}, float64).expand({int64_t{1} << 25});  // counts as 256 MiB
  Tape tape;
  for (int step = 0; step < 8; ++step) {
    record("keeps", inputs(x), x.detach().clone(), saved(large),
           [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList { return {g}; });
    tape.backward(sum(x * 2.0));
    CHECK(lines(warnings.text()) == (step < 3 ? 0 : 1));
  }
}

TEST_CASE("one long step, many passes over it, and a tape that is trimmed say nothing") {
  const test::Warnings warnings;
  const Tensor x = leaf({1});
  {
    Tape tape;
    Tensor y = x;
    for (int i = 0; i < 120'000; ++i) y = y * 1.0;
    for (int i = 0; i < 5; ++i) tape.backward(y, {.retain = true});
  }
  Tape tape;
  for (int step = 0; step < 20; ++step) {
    const Tape::Mark mark = tape.mark();
    Tensor y = x;
    for (int i = 0; i < 10'000; ++i) y = y * 1.0;
    tape.backward(y);
    tape.trim(mark);
  }
  CHECK(warnings.text().empty());
}

// --- At the limit of memory ---

TEST_CASE("an operation that finds no room on the tape leaves the tape as it was") {
  const size_t before = memory_limit();
  int refused = 0;
  for (const bool new_leaves : {false, true}) {
    const Tensor x = leaf({2});
    std::vector<Tensor> leaves;
    Tape tape;
    Tensor y = x;
    double factors = 1;
    release_cached_memory();
    set_memory_limit(static_cast<size_t>(allocator_statistics().system_bytes) + (1 << 20));
    for (int i = 0; i < 3000; ++i) {
      const auto next = [&] {
        const double factor = i % 100 == 0 ? 1.5 : 1.0;
        if (!new_leaves) return clamp(y, -1e30, 1e30) * (i % 100 == 0 ? 1.5 : 1.0);
        if (leaves.size() <= static_cast<size_t>(i)) leaves.push_back(leaf({factor}));
        return y * leaves.back();
      };
      if (i % 100 == 0) factors *= 1.5;
      const std::string message = message_of([&] { y = next(); });
      if (message == "no error") continue;
      ++refused;
      const size_t limit = memory_limit();
      set_memory_limit(before);
      y = next();
      release_cached_memory();
      set_memory_limit(limit + (1 << 18));
    }
    set_memory_limit(before);
    tape.backward(sum(y));
    CHECK(x.grad().item() == doctest::Approx(factors));
    for (size_t i = 0; i < leaves.size(); i += 50) {
      CHECK(leaves[i].grad().item() * leaves[i].item() == doctest::Approx(y.item()));
    }
  }
  CHECK(refused > 3);
}
