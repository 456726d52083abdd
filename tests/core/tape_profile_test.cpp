#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "../../core/base/error.h"
#include "../../core/base/text.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../core/tape_profile.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

Tensor leaf(const Shape& shape) {
  return ones(shape).requires_grad_();
}

const ProfileRow& row_of(const Profile& profile, const std::string& op,
                         const std::string& module = "") {
  for (const ProfileRow& row : profile.rows) {
    if (row.op == op && row.module == module) return row;
  }
  FAIL("no row for " << op);
  return profile.rows.front();
}

/// An operation that takes its time, 20 ms forward and 40 ms backward.
Tensor slow(const Tensor& x) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return record("slow", inputs(x), x.detach().clone(), saved(x),
                [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                  std::this_thread::sleep_for(std::chrono::milliseconds(40));
                  return {mul(g, s[0])};
                });
}

}  // namespace

TEST_CASE("a profile needs a tape that takes times") {
  const Tensor x = leaf({2});
  Tape tape;
  sum(x);
  CHECK(message_of([&] { tape.profile(); }) ==
        "[profile] this tape did not take times. Hint: open it with Tape tape({.profile = true})");
}

TEST_CASE("an empty profile prints its header and a total of nothing") {
  const Tape tape({.profile = true});
  CHECK(tape.profile().rows.empty());
  CHECK(tape.profile().to_string() ==
        "operation  calls  forward ms  backward ms  saved\n"
        "total          0       0.000        0.000    0 B\n");
}

TEST_CASE("a profile has a row per operation, the slowest first") {
  const Tensor x = leaf({4});
  Tape tape({.profile = true});
  const Tensor y = slow(slow(x) * 3.0);
  tape.backward(sum(y));
  const Profile profile = tape.profile();
  REQUIRE(profile.rows.size() >= 3);
  const ProfileRow& row = profile.rows.front();
  CHECK(row.op == "slow");
  CHECK(row.calls == 2);
  CHECK(row.forward.seconds >= 0.04);
  CHECK(row.backward.seconds >= 0.08);
  CHECK(row.saved_bytes == 2 * 16);
  CHECK(row_of(profile, "sum").calls == 1);
  CHECK(row_of(profile, "mul").seconds() < row.seconds());
  for (const ProfileRow& other : profile.rows) CHECK(other.op != "leaf");
}

TEST_CASE("what a program does between operations counts for the next one") {
  const Tensor x = leaf({4});
  Tape tape({.profile = true});
  const Tensor y = exp(x);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const Tensor loss = sum(y);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  tape.backward(loss);
  const Profile profile = tape.profile();
  CHECK(row_of(profile, "sum").forward.seconds >= 0.02);
  CHECK(row_of(profile, "exp").forward.seconds < 0.02);
  CHECK(profile.total().backward.seconds < 0.03);  // the pause before it belongs to nobody
}

TEST_CASE("a profile knows work and traffic, forward and backward") {
  const Tensor x = ones({8, 16}), weight = leaf({4, 16}), bias = leaf({4});
  Tape tape({.profile = true});
  const Tensor y = linear(x, weight, bias);
  tape.backward(y, {.gradient = ones({8, 4})});
  const Profile profile = tape.profile();
  const ProfileRow& row = row_of(profile, "linear");
  CHECK(row.forward.flops == tape[tape.size() - 1].flops);
  CHECK(row.forward.bytes == 4 * (8 * 16 + 4 * 16 + 4 + 8 * 4));
  CHECK(row.saved_bytes == 4 * (8 * 16 + 4 * 16));
  CHECK(row.backward.flops == row.forward.flops);  // of the weight; x wants no gradient
  CHECK(row.backward.bytes == 4 * (8 * 4) + row.saved_bytes + 4 * (4 * 16 + 4));
  CHECK(row.forward.gflops() == doctest::Approx(1e-9 * row.forward.flops / row.forward.seconds));
  CHECK(row.forward.gbytes() == doctest::Approx(1e-9 * row.forward.bytes / row.forward.seconds));
}

TEST_CASE("both factors of a product cost as much backward as the product") {
  const Tensor a = leaf({8, 16}), b = leaf({16, 4});
  Tape tape({.profile = true});
  tape.backward(matmul(a, b), {.gradient = ones({8, 4})});
  const Profile profile = tape.profile();
  const ProfileRow& row = row_of(profile, "matmul");
  CHECK(row.backward.flops == 2 * row.forward.flops);
}

TEST_CASE("views move nothing") {
  const Tensor x = leaf({4, 6});
  Tape tape({.profile = true});
  tape.backward(sum(reshape(x, {24})));
  CHECK(row_of(tape.profile(), "reshape").forward.bytes == 0);
  CHECK(row_of(tape.profile(), "reshape").backward.bytes == 0);
  CHECK(row_of(tape.profile(), "sum").forward.bytes == 4 * 25);
}

TEST_CASE("without backward there is no backward time, twice is twice the work") {
  const Tensor x = leaf({100});
  Tape tape({.profile = true});
  const Tensor y = sum(exp(x));
  CHECK(tape.profile().total().backward.seconds == 0);
  CHECK(tape.profile().total().backward.flops == 0);
  tape.backward(y, {.retain = true});
  const double once = tape.profile().total().backward.flops;
  CHECK(once > 0);
  tape.backward(y);
  CHECK(tape.profile().total().backward.flops == 2 * once);
}

TEST_CASE("operations that a rule records count their own time") {
  const Tensor x = leaf({4});
  Tape tape({.profile = true});
  const auto start = std::chrono::steady_clock::now();
  const Tensor g = grad(sum(slow(x)), {x}, {.create_graph = true})[0];
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const Profile profile = tape.profile();
  // The rule sleeps and then multiplies: its time up to the record of the product is the product's.
  CHECK(row_of(profile, "mul").forward.seconds >= 0.04);
  CHECK(profile.total().seconds() <= wall.count());
}

TEST_CASE("a profile by module names who called") {
  const Tensor x = leaf({4});
  Tape tape({.profile = true});
  Tensor y = x;
  for (const char* name : {"first", "second"}) {
    const Tape::Scope scope(&tape, name);
    y = exp(y);
  }
  const Profile profile = tape.profile(ProfileBy::module);
  CHECK(profile.rows.size() == 2);
  CHECK(row_of(profile, "exp", "first").calls == 1);
  CHECK(row_of(profile, "exp", "second").calls == 1);
  CHECK(profile.to_string().find("operation  module") == 0);
  CHECK(tape.profile().rows.size() == 1);
}

TEST_CASE("what trim drops is not in the profile") {
  const Tensor x = leaf({4});
  Tape tape({.profile = true});
  exp(x);
  const Tape::Mark mark = tape.mark();
  sin(x);
  tape.trim(mark);
  cos(x);
  const Profile profile = tape.profile();
  CHECK(profile.rows.size() == 2);
  CHECK(row_of(profile, "cos").calls == 1);
}

TEST_CASE("profiles add up") {
  Profile sum{{{.op = "exp", .calls = 1, .forward = {1, 10, 100}, .saved_bytes = 8}}};
  sum += Profile{{{.op = "sin", .calls = 2, .forward = {5, 1, 1}},
                  {.op = "exp", .calls = 3, .forward = {2, 20, 200}, .backward = {1, 1, 1}}}};
  REQUIRE(sum.rows.size() == 2);
  CHECK(sum.rows[0].op == "sin");
  CHECK(sum.rows[1].calls == 4);
  CHECK(sum.rows[1].seconds() == 4);
  CHECK(sum.rows[1].forward.flops == 30);
  CHECK(sum.total().calls == 6);
  CHECK(sum.total().forward.bytes == 301);
}

TEST_CASE("the share of a ceiling is that of the scarcer resource") {
  const ProfileCost cost{.seconds = 1, .flops = 50e9, .bytes = 2e9};
  CHECK(cost.share_of({.gflops = 100, .gbytes = 10}) == doctest::Approx(0.5));
  CHECK(cost.share_of({.gflops = 100, .gbytes = 2.5}) == doctest::Approx(0.8));
  CHECK(cost.share_of({}) == 0);
  CHECK(ProfileCost{}.share_of({.gflops = 100, .gbytes = 10}) == 0);
}

TEST_CASE("a profile prints as a table") {
  const Profile profile{{{.op = "conv2d",
                          .calls = 2,
                          .forward = {0.002, 100e6, 2e6},
                          .backward = {0.005, 250e6, 10e6},
                          .saved_bytes = 1500000},
                         {.op = "relu", .calls = 1, .forward = {0.001, 0, 4e6}}}};
  CHECK(profile.to_string({.gflops = 100, .gbytes = 8}) ==
        "operation  calls  forward ms  GFLOP/s  GB/s  of peak  backward ms  GFLOP/s  GB/s  of peak"
        "     time    saved\n"
        "conv2d         2       2.000     50.0   1.0     50 %        5.000     50.0   2.0     50 %"
        "   87.5 %  1.50 MB\n"
        "relu           1       1.000            4.0     50 %        0.000                        "
        "   12.5 %      0 B\n"
        "total          3       3.000     33.3   2.0     33 %        5.000     50.0   2.0     50 %"
        "  100.0 %  1.50 MB\n"
        "peak: 100 GFLOP/s, 8 GB/s\n");
}

TEST_CASE("the ceilings of this machine are positive and measured quickly") {
  const auto start = std::chrono::steady_clock::now();
  const Ceilings ceilings = measure_ceilings();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  CHECK(ceilings.gflops > 0.1);
  CHECK(ceilings.gbytes > 0.1);
  CHECK(wall.count() < 10);  // some 50 ms; sanitizers and a busy machine take their time
}

TEST_CASE("quantities have three digits and a prefix") {
  CHECK(quantity(0, "B") == "0 B");
  CHECK(quantity(999, "B") == "999 B");
  CHECK(quantity(1234567, "B") == "1.23 MB");
  CHECK(quantity(45.6e9, "FLOP") == "45.6 GFLOP");
  CHECK(quantity(3e15, "B") == "3000 TB");
}

TEST_CASE("tables align their columns and end without spaces") {
  CHECK(aligned_table({{"name", "n", "note"}, {"a", "100", ""}, {"longer", "7"}}, "lrl") ==
        "name      n  note\n"
        "a       100\n"
        "longer    7\n");
}
