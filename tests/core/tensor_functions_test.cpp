// Creation, conditions, rounding, diagonals and other conveniences.
#include <doctest/doctest.h>

#include <limits>
#include <numbers>
#include <set>

#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;
using Bools = std::vector<bool>;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Bools bools(const Tensor& x) {
  return x.to_vector<bool>();
}

}  // namespace

// --- Creation ---

TEST_CASE("linspace includes both ends, exactly") {
  CHECK(values(linspace(0, 1, 5)) == Doubles{0, 0.25, 0.5, 0.75, 1});
  CHECK(values(linspace(3, -3, 3, float64)) == Doubles{3, 0, -3});
  CHECK(values(linspace(2, 7, 1)) == Doubles{2});
  CHECK(linspace(0, 1, 0).shape() == Shape{0});
  const Tensor x = linspace(0.1, 0.7, 11, float64);
  CHECK(x.select(0, 0).item() == 0.1);
  CHECK(x.select(0, 10).item() == 0.7);
  CHECK(message_of([] { linspace(0, 1, -1); }) ==
        "[linspace] from 0 to 1 in -1 steps. Hint: both ends must be finite, and steps at least 0");
  CHECK_THROWS_AS(linspace(0, infinity, 3), ValueError);
  CHECK_THROWS_AS(linspace(0, 1, 3, int64), DTypeError);
}

TEST_CASE("eye has ones on its diagonal") {
  CHECK(values(eye(2)) == Doubles{1, 0, 0, 1});
  CHECK(values(eye(2, 3, int64)) == Doubles{1, 0, 0, 0, 1, 0});
  CHECK(eye(2, 3, boolean).dtype() == boolean);
  CHECK(eye(0).shape() == Shape{0, 0});
  CHECK(message_of([] { eye(-1); }) ==
        "[eye] a matrix of -1 rows and -1 columns. Hint: both must be at least 0");
  CHECK_THROWS_AS(eye(2, -1), ShapeError);
}

TEST_CASE("arange of whole numbers is int64, with a fraction's type anywhere float32") {
  CHECK(arange(10).to_vector<int64_t>() == Ints{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(arange(5, 0, -2).to_vector<int64_t>() == Ints{5, 3, 1});
  CHECK(arange(3, 3).shape() == Shape{0});
  CHECK(arange(5, 0).shape() == Shape{0});
  for (const Tensor& x : {arange(0, 1, 0.25), arange(0.0F, 1, 0.25), arange(0, 1.0, 0.25)}) {
    CHECK(x.dtype() == float32);
    CHECK(values(x) == Doubles{0, 0.25, 0.5, 0.75});
  }
  CHECK(values(arange(0.5, 3)) == Doubles{0.5, 1.5, 2.5});
  CHECK(arange(2.0).dtype() == float32);
}

TEST_CASE("arange in a type that is given, with nothing lost") {
  CHECK(values(arange(0, 3, 1, float64)) == Doubles{0, 1, 2});
  CHECK(arange(3, uint8).dtype() == uint8);
  CHECK(arange(0.0, 3.0, 1.0, int32).dtype() == int32);
  CHECK(
      message_of([] { arange(0, 1, 0.25, int64); }) ==
      "[arange] from 0 to 1 in steps of 0.25 as int64. Hint: fractions need a floating type: give "
      "float32, or none");
  CHECK_THROWS_AS(arange(0.5, 3, 1, int64), ValueError);
  CHECK_THROWS_AS(arange(300, uint8), ValueError);
  CHECK_THROWS_AS(arange(-1, 3, 1, uint8), ValueError);
  CHECK(arange(250, 256, 1, uint8).size(0) == 6);
}

TEST_CASE("arange is exact at the ends of int64, and refuses what no memory holds") {
  constexpr int64_t highest = std::numeric_limits<int64_t>::max(), lowest = -highest - 1;
  CHECK(arange(highest - 2, highest).to_vector<int64_t>() == Ints{highest - 2, highest - 1});
  CHECK(arange(lowest, highest, highest).to_vector<int64_t>() == Ints{lowest, -1, highest - 1});
  CHECK(arange(highest, lowest, lowest).to_vector<int64_t>() == Ints{highest, -1});
  CHECK(
      message_of([&] { arange(0, highest); }) ==
      "[arange] from 0 to 9223372036854775807 in steps of 1 are 9.22337e+18 numbers. Hint: that is "
      "larger than any memory");
  CHECK_THROWS_AS(arange(0.0, 1e300), ValueError);
  CHECK(message_of([] { arange(0, 3, 0); }) ==
        "[arange] the step is 0. Hint: it must lead from start to end");
  CHECK_THROWS_AS(arange(0, infinity), ValueError);
  CHECK_THROWS_AS(arange(0, 3, not_a_number), ValueError);
}

TEST_CASE("a number that a type cannot hold is refused wherever a number becomes an element") {
  Tensor bytes = ones({2}, uint8), whole = ones({2}, int64);
  CHECK(
      message_of([] { full({2}, 0.5, int64); }) ==
      "[full] the number 0.5 is not an integer, the tensor is int64 [2]. Hint: convert the tensor "
      "with .to(float32)");
  CHECK(message_of([] { full({2}, -1, uint8); }) ==
        "[full] the number -1 is out of range, the tensor is uint8 [2]. Hint: uint8 goes from 0 to "
        "255");
  CHECK(message_of([&] {
          full_like(whole, 1e30);
        }).starts_with("[full_like] the number 1e+30 is out of range, the tensor is int64 [2]"));
  CHECK_THROWS_AS(full({2}, not_a_number, int32), ValueError);
  CHECK_THROWS_AS(full({2}, infinity, int64), ValueError);
  CHECK_THROWS_AS(full({2}, 0x1p31, int32), ValueError);
  CHECK_THROWS_AS(full({2}, 0x1p63, int64), ValueError);
  CHECK_THROWS_AS(full({2}, 2, boolean), ValueError);
  CHECK_THROWS_AS(bytes.fill_(256), ValueError);
  CHECK_THROWS_AS(bytes.fill_(0.5), DTypeError);
  CHECK_THROWS_AS(whole.add_(whole, 0.5), DTypeError);
  CHECK_THROWS_AS(add(bytes, -1), ValueError);
  CHECK_THROWS_AS(masked_fill(whole, ones({2}, boolean), not_a_number), ValueError);
  CHECK(values(bytes) == Doubles{1, 1});
  CHECK(values(full({1}, 255, uint8)) == Doubles{255});
  CHECK(full({}, -0x1p63, int64).to_vector<int64_t>() == Ints{std::numeric_limits<int64_t>::min()});
  CHECK(std::isnan(full({}, not_a_number).item()));
}

TEST_CASE("the forms with _like take shape and type from a tensor") {
  Rng generator(1);
  const Tensor x = zeros({2, 3}, float64);
  for (const Tensor& y : {full_like(x, 7), rand_like(x, generator), randn_like(x, generator)}) {
    CHECK(y.shape() == x.shape());
    CHECK(y.dtype() == float64);
  }
  CHECK(sum(full_like(x, 7)).item() == 42);
}

TEST_CASE("randint draws every number of its range and no other, randperm every order") {
  Rng generator(3);
  const Ints drawn = randint(-2, 3, {1000}, generator).to_vector<int64_t>();
  CHECK(std::set<int64_t>(drawn.begin(), drawn.end()) == std::set<int64_t>{-2, -1, 0, 1, 2});
  CHECK(
      message_of([&] { randint(3, 3, {1}, generator); }) ==
      "[randint] there is no number in [3, 3). Hint: the lower bound is included, the upper one is "
      "not");
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  CHECK(randint(lowest, lowest + 1, {}, generator).to_vector<int64_t>() == Ints{lowest});

  std::set<Ints> orders;
  for (int i = 0; i < 200; ++i) orders.insert(randperm(3, generator).to_vector<int64_t>());
  CHECK(orders.size() == 6);
  CHECK(unique(randperm(100, generator)).to_vector<int64_t>() ==
        arange(0, 100).to_vector<int64_t>());
  CHECK(randperm(0, generator).numel() == 0);
  CHECK_THROWS_AS(randperm(-1, generator), ValueError);
}

TEST_CASE("the same generator gives the same numbers") {
  Rng a(5), b(5);
  CHECK(randint(0, 100, {20}, a).to_vector<int64_t>() ==
        randint(0, 100, {20}, b).to_vector<int64_t>());
  CHECK(randperm(20, a).to_vector<int64_t>() == randperm(20, b).to_vector<int64_t>());
}

// --- Conditions ---

TEST_CASE("isnan, isinf and isfinite tell numbers from what is none") {
  const Tensor x = tensor({1.0, not_a_number, infinity, -infinity, -0.0});
  CHECK(bools(isnan(x)) == Bools{false, true, false, false, false});
  CHECK(bools(isinf(x)) == Bools{false, false, true, true, false});
  CHECK(bools(isfinite(x)) == Bools{true, false, false, false, true});
  CHECK(bools(isfinite(tensor<int64_t>({1, 2}))) == Bools{true, true});
  CHECK(bools(isinf(tensor<uint8_t>({1}))) == Bools{false});
  CHECK(bools(isnan(tensor({true}))) == Bools{false});
}

TEST_CASE("conditions combine, and broadcast") {
  const Tensor a = tensor({true, true, false, false}, {4, 1}), b = tensor({true, false});
  CHECK(bools(logical_and(a, b)) == Bools{true, false, true, false, false, false, false, false});
  CHECK(bools(logical_or(a, b)) == Bools{true, true, true, true, true, false, true, false});
  CHECK(bools(logical_not(b)) == Bools{false, true});
  CHECK(message_of([&] { logical_and(a, ones({2})); }) ==
        "[logical_and] the second condition must be bool, got float32 [2]. Hint: convert it with "
        ".to(bool)");
  CHECK_THROWS_AS(logical_not(ones({2})), DTypeError);
}

TEST_CASE("any and all, of everything or along dimensions, also of nothing") {
  const Tensor x = tensor({true, false, true, true}, {2, 2});
  CHECK(any(x).item() == 1);
  CHECK(all(x).item() == 0);
  CHECK(bools(all(x, {1})) == Bools{false, true});
  CHECK(bools(any(logical_not(x), {0})) == Bools{false, true});
  CHECK(all(x, {1}, true).shape() == Shape{2, 1});
  CHECK(all(zeros({0}, boolean)).item() == 1);
  CHECK(any(zeros({0}, boolean)).item() == 0);
  CHECK_THROWS_AS(any(ones({2})), DTypeError);
}

TEST_CASE("allclose compares within a tolerance; infinities and NaN have their own rules") {
  const Tensor x = tensor({1.0, 100.0});
  CHECK(allclose(x, tensor({1.0 + 5e-6, 100.0 - 5e-4})));
  CHECK_FALSE(allclose(x, tensor({1.0 + 2e-5, 100.0})));
  CHECK(allclose(x, tensor({1.5, 100.5}), {.rtol = 0, .atol = 0.5}));
  CHECK(allclose(tensor({infinity, -infinity}), tensor({infinity, -infinity})));
  CHECK_FALSE(allclose(tensor({infinity}), tensor({-infinity})));
  CHECK_FALSE(allclose(tensor({1.0}), tensor({infinity})));
  CHECK_FALSE(allclose(tensor({not_a_number}), tensor({not_a_number})));
  CHECK(allclose(tensor({not_a_number}), tensor({not_a_number}), {.equal_nan = true}));
  CHECK(allclose(tensor<int64_t>({1, 2}), tensor<int64_t>({1, 2})));
  CHECK_FALSE(allclose(tensor<uint8_t>({1}), tensor<uint8_t>({2})));
  CHECK(bools(isclose(x, full({}, 1, float64))) == Bools{true, false});
  CHECK_THROWS_AS(allclose(x, x, {.rtol = -1}), ValueError);
  CHECK_THROWS_AS(allclose(x, to(x, float32)), DTypeError);
}

TEST_CASE("a condition on a tensor with gradient records nothing") {
  Tensor x = random({3});
  x.requires_grad_();
  const Tape tape;
  isfinite(x);
  isnan(x);
  allclose(x, x);
  CHECK(tape.size() == 0);
}

// --- Arithmetic ---

TEST_CASE("round takes halves to the even neighbour; ceil, floor and trunc go one way") {
  const Tensor x = tensor({-1.5, -0.5, 0.5, 1.5, 2.5, 0.4});
  CHECK(values(round(x)) == Doubles{-2, 0, 0, 2, 2, 0});
  CHECK(values(ceil(x)) == Doubles{-1, 0, 1, 2, 3, 1});
  CHECK(values(trunc(x)) == Doubles{-1, 0, 0, 1, 2, 0});
  CHECK_THROWS_AS(round(tensor<int64_t>({1})), DTypeError);
}

TEST_CASE("remainder has the sign of the divisor, as Python's %") {
  CHECK(values(remainder(tensor({5.5, -5.5, 5.5, -5.5}), tensor({3.0, 3.0, -3.0, -3.0}))) ==
        Doubles{2.5, 0.5, -0.5, -2.5});
  CHECK(remainder(tensor<int64_t>({7, -7, 7, -7}), tensor<int64_t>({3, 3, -3, -3}))
            .to_vector<int64_t>() == Ints{1, 2, -2, -1});
  CHECK(values(remainder(tensor<uint8_t>({250, 255}), 255)) == Doubles{250, 0});
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  CHECK(remainder(tensor({lowest}), -1).item() == 0);
  CHECK(std::isnan(remainder(tensor({1.0}), 0).item()));
  CHECK(message_of([] {
          remainder(tensor<int64_t>({1, 2}), 0);
        }) ==
        "[remainder] division by zero: int64 [2] and [] with a 0 in it. Hint: whole numbers have "
        "no infinity; convert with .to(float32)");
}

TEST_CASE("the functions of a circle and the powers of two") {
  const Tensor x = tensor({-0.5, 0.25, 0.75});
  check_close(sin(asin(x)), x);
  check_close(cos(acos(x)), x);
  check_close(tan(atan(x)), x);
  check_close(square(cosh(x)), add(square(sinh(x)), 1));
  check_close(log2(exp2(x)), x);
  CHECK(values(exp2(tensor({-1.0, 3.0}))) == Doubles{0.5, 8});
  CHECK(atan(tensor({infinity})).item() == std::numbers::pi / 2);
}

TEST_CASE("sums, products and running sums of whole numbers are int64") {
  const Tensor big = full({4}, 2'000'000'000, int32);
  CHECK(sum(big).dtype() == int64);
  CHECK(sum(big).item() == 8e9);
  CHECK(cumsum(big, 0).to_vector<int64_t>() ==
        Ints{2'000'000'000, 4'000'000'000, 6'000'000'000, 8'000'000'000});
  CHECK(prod(narrow(big, 0, 0, 2)).item() == 4e18);
  for (DType dtype : {uint8, boolean}) {
    CHECK(sum(ones({300}, dtype)).item() == 300);
    CHECK(prod(ones({3}, dtype)).dtype() == int64);
  }
}

// --- Products ---

TEST_CASE("dot, outer and bmm are matmul for exactly one kind of shapes") {
  const Tensor a = random({3}), b = random({3}, 2), m = random({2, 3, 4}), n = random({2, 4, 5}, 2);
  check_close(dot(a, b), sum(mul(a, b)));
  check_close(outer(a, b), matmul(unsqueeze(a, 1), unsqueeze(b, 0)));
  check_close(bmm(m, n), matmul(m, n));
  CHECK(message_of([&] { bmm(m, narrow(n, 0, 0, 1)); }) ==
        "[bmm] the batches differ: [2,3,4] times [1,4,5]. Hint: matmul() broadcasts them");
  CHECK_THROWS_AS(dot(m, a), ShapeError);
  CHECK_THROWS_AS(outer(a, m), ShapeError);
  CHECK_THROWS_AS(bmm(m, a), ShapeError);
}

TEST_CASE("a bound that is NaN, and padding in a table without rows, are refused") {
  CHECK(message_of([] { clamp(ones({1}), not_a_number, {}); }) ==
        "[clamp] a bound is NaN. Hint: leave the bound out, or give infinity");
  CHECK(message_of([] {
          embedding(zeros({0, 2}), zeros({0}, int64), 0);
        }) == "[embedding] padding_idx 0 is no row of [0,2]. Hint: it has no rows");
}

// --- Shapes ---

TEST_CASE("a slice that leaves the tensor says how far it may go") {
  const Tensor x = zeros({5});
  CHECK(message_of([&] { narrow(x, 0, 3, 3); }) ==
        "[slice] start 3, length 3, step 1 do not lie in dimension 0 of [5]. Hint: start + (length "
        "- 1) * step must be below the size, 5; a negative start counts from the end");
  CHECK(message_of([&] {
          slice(x, 0, -6, 1);
        }).starts_with("[slice] start -6, length 1, step 1 do not lie in dimension 0 of [5]."));
  CHECK(message_of([&] { slice(x, 0, 4, 5, -1); }) ==
        "[slice] start 4, length 5, step -1 do not lie in dimension 0 of [5]. Hint: steps go "
        "forward; flip() turns the order round");
  CHECK(message_of([&] { slice(x, 0, 4, -1); }) ==
        "[slice] start 4, length -1, step 1 do not lie in dimension 0 of [5]. Hint: the length is "
        "the number of elements to take");
}

TEST_CASE("diagonal shows the diagonal of matrices as a view; the new dimension is the last") {
  const Tensor x = reshape(arange(0, 6), {2, 3});
  CHECK(diagonal(x).to_vector<int64_t>() == Ints{0, 4});
  CHECK(diagonal(x, 1).to_vector<int64_t>() == Ints{1, 5});
  CHECK(diagonal(x, -1).to_vector<int64_t>() == Ints{3});
  CHECK(diagonal(x, 3).shape() == Shape{0});
  CHECK(diagonal(x, std::numeric_limits<int64_t>::min()).shape() == Shape{0});
  CHECK(diagonal(x).raw_data() == x.raw_data());
  CHECK(diagonal(zeros({2, 3, 4}), 0, 0, 2).shape() == Shape{3, 2});
  CHECK_THROWS_AS(diagonal(x, 0, 1, -1), IndexError);
  CHECK_THROWS_AS(diagonal(zeros({3})), ShapeError);
}

TEST_CASE("diag makes a matrix of a vector and takes the diagonal of a matrix") {
  CHECK(diag(tensor<int64_t>({1, 2})).to_vector<int64_t>() == Ints{1, 0, 0, 2});
  CHECK(diag(tensor<int64_t>({1}), -1).to_vector<int64_t>() == Ints{0, 0, 1, 0});
  CHECK(diag(diag(arange(0, 3), 2), 2).to_vector<int64_t>() == Ints{0, 1, 2});
  CHECK(trace(reshape(arange(0, 9), {3, 3})).item() == 12);
  CHECK_THROWS_AS(diag(zeros({2, 2, 2})), ShapeError);
  CHECK_THROWS_AS(trace(zeros({2})), ShapeError);
  CHECK_THROWS_AS(diag(zeros({2}), std::numeric_limits<int64_t>::max()), ShapeError);
}

TEST_CASE("roll moves elements on, and round the end") {
  const Tensor x = reshape(arange(0, 6), {2, 3});
  CHECK(roll(x, 1, 1).to_vector<int64_t>() == Ints{2, 0, 1, 5, 3, 4});
  CHECK(roll(x, -4, 1).to_vector<int64_t>() == Ints{1, 2, 0, 4, 5, 3});
  CHECK(roll(x, 2).to_vector<int64_t>() == Ints{4, 5, 0, 1, 2, 3});
  CHECK(roll(x, 3, 1).to_vector<int64_t>() == x.to_vector<int64_t>());
  CHECK(roll(x, 3, 1).raw_data() != x.raw_data());
  CHECK(roll(zeros({0, 2}), 1, 0).shape() == Shape{0, 2});
}

TEST_CASE("movedim moves one dimension and leaves the others in order") {
  const Tensor x = zeros({2, 3, 4, 5});
  CHECK(movedim(x, 0, -1).shape() == Shape{3, 4, 5, 2});
  CHECK(movedim(x, 3, 1).shape() == Shape{2, 5, 3, 4});
  CHECK(movedim(x, 1, 1).is_same(x));
  CHECK_THROWS_AS(movedim(x, 4, 0), IndexError);
}

TEST_CASE("sizes whose product overflows are refused, not multiplied") {
  const int64_t huge = int64_t{1} << 40;
  CHECK(message_of([&] {
          reshape(ones({6}), {huge, huge, -1});
        }) ==
        "[reshape] shape [1099511627776,1099511627776,-1] does not hold the 6 elements of [6]. "
        "Hint: the product of all sizes stays; one may be -1, for what is left");
  CHECK_THROWS_AS(reshape(ones({6}), {huge, huge}), ShapeError);
  // 2^32 2^32 is 0 in 64 bits.
  CHECK_THROWS_AS(reshape(zeros({0}), {int64_t{1} << 32, int64_t{1} << 32, -1}), ShapeError);
  CHECK_THROWS_AS(flatten(zeros({0, huge, huge}), 1), ShapeError);
  CHECK_THROWS_AS(split(ones({6}), std::vector<int64_t>{INT64_MAX, INT64_MAX, 8}, 0), ShapeError);
  CHECK_THROWS_AS(chunk(zeros({0}), INT64_MAX), Error);
  CHECK(chunk(ones({6}), INT64_MAX).size() == 6);
}

TEST_CASE("uniform random numbers need bounds in order, and finite ones") {
  Rng generator(1);
  CHECK(message_of([&] { rand({2}, generator, 1, 0); }) ==
        "[rand] there is no number in [1, 0). Hint: the lower bound is included, the upper one is "
        "not; both are finite");
  CHECK_THROWS_AS(rand({2}, generator, 0, infinity), ValueError);
  CHECK_THROWS_AS(rand({2}, generator, -infinity, 0), ValueError);
  CHECK_THROWS_AS(rand({2}, generator, 0, std::nan("")), ValueError);
  CHECK_THROWS_AS(rand({2}, generator, -1.7e308, 1.7e308, float64), ValueError);
  CHECK_THROWS_AS(rand({2}, generator, 0, 1e300), ValueError);  // infinite in float32
  CHECK(generator.position == 0);
  CHECK(rand({2}, generator, 3, 3).to_vector<float>() == std::vector<float>{3, 3});
}

TEST_CASE("classes at the end of int64 are no count of classes") {
  CHECK_THROWS_AS(one_hot(tensor<int64_t>({INT64_MAX})), Error);
}

TEST_CASE("an error names the function that was called") {
  CHECK(message_of([] {
          stack({ones({1, 1, 1, 1, 1, 1, 1, 1}), ones({1, 1, 1, 1, 1, 1, 1, 1})});
        }).starts_with("[stack] a tensor has at most 8 dimensions"));
  CHECK(message_of([] {
          unsqueeze(ones({1, 1, 1, 1, 1, 1, 1, 1}), 0);
        }).starts_with("[unsqueeze] a tensor has at most 8 dimensions"));
  CHECK(message_of([] { ones({2}).to_vector<double>(); }) ==
        "[to_vector] expected a float64 tensor, got float32 [2]. Hint: convert it with "
        ".to(dtype)");
  CHECK(message_of([] { ones({2}).data<int64_t>(); }) ==
        "[data] expected an int64 tensor, got float32 [2]. Hint: convert it with .to(dtype)");
  CHECK(message_of([] { ones({2}, int32).requires_grad_(); }) ==
        "[requires_grad_] an int32 tensor has no gradient. Hint: only float32 and float64 tensors "
        "do");
  Tensor lost;
  {
    const Tape tape;
    lost = mul(ones({1, 2}).requires_grad_(), 2);
  }
  const Tape tape;
  const auto starts = [](const std::string& message, const char* op) {
    return message.starts_with(str("[", op, "] a tensor [1,2] belongs to a tape that has ended"));
  };
  CHECK(starts(message_of([&] { stack({lost, lost}); }), "stack"));
  CHECK(starts(message_of([&] { unsqueeze(lost, 0); }), "unsqueeze"));
  CHECK(starts(message_of([&] { squeeze(lost); }), "squeeze"));
  CHECK(starts(message_of([&] { flatten(lost); }), "flatten"));
  CHECK(starts(message_of([&] { unflatten(lost, 1, {2, 1}); }), "unflatten"));
  CHECK(starts(message_of([&] { select(lost, 1, 0); }), "select"));
  CHECK(message_of([] { stack({ones({2}), Tensor()}); }).find("undefined") != std::string::npos);
}

TEST_CASE("not a number is written without a sign") {
  const double nan = -std::nan("");
  CHECK(message_of([&] { clamp(full({1}, 2, int32), nan, 1); }).find("-nan") == std::string::npos);
  CHECK(str(nan, ' ', std::copysign(std::nan(""), -1), ' ', -HUGE_VAL) == "nan nan -inf");
  CHECK(message_of([&] { full({1}, nan, int32); }).find("number nan is") != std::string::npos);
}
