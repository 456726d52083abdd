// How tensors are printed. Expected texts are what PyTorch prints, but for "torch." before a type,
// and but for columns with nan, inf or -0: those are aligned here.
#include "../../core/print.h"

#include <doctest/doctest.h>

#include <limits>
#include <sstream>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"

using namespace gradus;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

Tensor count_to(double n, const Shape& shape, DType dtype = float32) {
  return reshape(arange(0, n, 1, dtype), shape);
}

}  // namespace

TEST_CASE("whole floating numbers have a point and no digits behind it") {
  CHECK(to_string(tensor({1.0F, 2.0F, 3.0F})) == "tensor([1., 2., 3.])");
  CHECK(to_string(tensor({0.0F, 0.0F})) == "tensor([0., 0.])");
  CHECK(to_string(tensor({1000.0F, 1.0F})) == "tensor([1000.,    1.])");
}

TEST_CASE("fractions have four digits, in columns") {
  CHECK(to_string(tensor({1.5F, -2.25F, 100.0F, 0.0F}, {2, 2})) ==
        "tensor([[  1.5000,  -2.2500],\n"
        "        [100.0000,   0.0000]])");
  CHECK(to_string(tensor({-0.0F, 1.5F})) == "tensor([-0.0000,  1.5000])");
}

TEST_CASE("the scientific form is used only where numbers are far apart, huge or tiny") {
  CHECK(to_string(tensor({1e-5F, 1.0F})) == "tensor([1.0000e-05, 1.0000e+00])");
  CHECK(to_string(tensor({1e10F, 1.0F})) == "tensor([1.0000e+10, 1.0000e+00])");
  CHECK(to_string(tensor({1001.0F, 1.0F})) == "tensor([1.0010e+03, 1.0000e+00])");
  CHECK(to_string(tensor({0.1F, 1000.0F})) == "tensor([1.0000e-01, 1.0000e+03])");
  CHECK(to_string(tensor({1e-8F})) == "tensor([1.0000e-08])");
  CHECK(to_string(tensor({123456789.0F})) == "tensor([1.2346e+08])");
  CHECK(to_string(tensor({0.5F, 400.0F})) == "tensor([  0.5000, 400.0000])");
}

TEST_CASE("nan and inf stand in their columns and do not change the form of the others") {
  CHECK(to_string(tensor({not_a_number, infinity, -infinity, 1.5F})) ==
        "tensor([   nan,    inf,   -inf, 1.5000])");
  CHECK(to_string(tensor({infinity, 1e-9F, 2.0F})) ==
        "tensor([       inf, 1.0000e-09, 2.0000e+00])");
  CHECK(to_string(tensor({not_a_number, 1.0F, -infinity})) == "tensor([ nan,   1., -inf])");
  CHECK(to_string(full({}, not_a_number)) == "tensor(nan)");
}

TEST_CASE("whole numbers and bools") {
  CHECK(to_string(tensor<int64_t>({1, -20, 300})) == "tensor([  1, -20, 300])");
  CHECK(to_string(tensor({true, false})) == "tensor([ True, False])");
  CHECK(to_string(tensor({std::numeric_limits<int64_t>::min()})) ==
        "tensor([-9223372036854775808])");
}

TEST_CASE("a tensor without dimensions has no brackets") {
  CHECK(to_string(full({}, 3.0)) == "tensor(3.)");
  CHECK(to_string(full({}, 3.14159)) == "tensor(3.1416)");
  CHECK(to_string(full({}, 7, int64)) == "tensor(7)");
  CHECK(to_string(full({}, 1, boolean)) == "tensor(True)");
}

TEST_CASE("types that the elements do not show are named") {
  CHECK(to_string(tensor<int32_t>({1, 2})) == "tensor([1, 2], dtype=int32)");
  CHECK(to_string(tensor({1.5, 2.0})) == "tensor([1.5000, 2.0000], dtype=float64)");
  CHECK(to_string(tensor<uint8_t>({1, 2, 3, 4}, {2, 2})) ==
        "tensor([[1, 2],\n"
        "        [3, 4]], dtype=uint8)");
}

TEST_CASE("an empty tensor tells its size and type") {
  CHECK(to_string(zeros({0})) == "tensor([])");
  CHECK(to_string(zeros({2, 0})) == "tensor([], size=(2, 0))");
  CHECK(to_string(zeros({0}, int64)) == "tensor([], dtype=int64)");
  CHECK(to_string(zeros({2, 0}, float64)) == "tensor([], size=(2, 0), dtype=float64)");
  CHECK(to_string(Tensor()) == "tensor(undefined)");
}

TEST_CASE("planes are apart by an empty line for each further dimension") {
  CHECK(to_string(count_to(24, {2, 3, 4})) ==
        "tensor([[[ 0.,  1.,  2.,  3.],\n"
        "         [ 4.,  5.,  6.,  7.],\n"
        "         [ 8.,  9., 10., 11.]],\n"
        "\n"
        "        [[12., 13., 14., 15.],\n"
        "         [16., 17., 18., 19.],\n"
        "         [20., 21., 22., 23.]]])");
  CHECK(to_string(count_to(2, {2, 1, 1, 1})) == "tensor([[[[0.]]],\n\n\n        [[[1.]]]])");
}

TEST_CASE("long rows are broken at 80 columns") {
  CHECK(to_string(mul(count_to(30, {30}), 1.37)) ==
        "tensor([ 0.0000,  1.3700,  2.7400,  4.1100,  5.4800,  6.8500,  8.2200,  9.5900,\n"
        "        10.9600, 12.3300, 13.7000, 15.0700, 16.4400, 17.8100, 19.1800, 20.5500,\n"
        "        21.9200, 23.2900, 24.6600, 26.0300, 27.4000, 28.7700, 30.1400, 31.5100,\n"
        "        32.8800, 34.2500, 35.6200, 36.9900, 38.3600, 39.7300])");
  CHECK(to_string(count_to(22, {22}, int32)) ==
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21], dtype=int32)");
  CHECK(to_string(zeros({1, 12}, int32), {.line_width = 48}) ==
        "tensor([[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],\n"
        "       dtype=int32)");
}

TEST_CASE("more than 1000 elements are abbreviated: three at each end") {
  CHECK(to_string(arange(0, 1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
  CHECK(to_string(arange(0, 1000)).find("...") == std::string::npos);
  CHECK(to_string(count_to(2000, {1000, 2}, int64)) ==
        "tensor([[   0,    1],\n"
        "        [   2,    3],\n"
        "        [   4,    5],\n"
        "        ...,\n"
        "        [1994, 1995],\n"
        "        [1996, 1997],\n"
        "        [1998, 1999]])");
  CHECK(to_string(count_to(1200, {30, 40})) ==
        "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 3.7000e+01, 3.8000e+01,\n"
        "         3.9000e+01],\n"
        "        [4.0000e+01, 4.1000e+01, 4.2000e+01,  ..., 7.7000e+01, 7.8000e+01,\n"
        "         7.9000e+01],\n"
        "        [8.0000e+01, 8.1000e+01, 8.2000e+01,  ..., 1.1700e+02, 1.1800e+02,\n"
        "         1.1900e+02],\n"
        "        ...,\n"
        "        [1.0800e+03, 1.0810e+03, 1.0820e+03,  ..., 1.1170e+03, 1.1180e+03,\n"
        "         1.1190e+03],\n"
        "        [1.1200e+03, 1.1210e+03, 1.1220e+03,  ..., 1.1570e+03, 1.1580e+03,\n"
        "         1.1590e+03],\n"
        "        [1.1600e+03, 1.1610e+03, 1.1620e+03,  ..., 1.1970e+03, 1.1980e+03,\n"
        "         1.1990e+03]])");
}

TEST_CASE("abbreviated planes are apart by empty lines too") {
  CHECK(to_string(ones({8, 2, 80}, int32), {.edge_items = 1}) ==
        "tensor([[[1,  ..., 1],\n"
        "         [1,  ..., 1]],\n"
        "\n"
        "        ...,\n"
        "\n"
        "        [[1,  ..., 1],\n"
        "         [1,  ..., 1]]], dtype=int32)");
}

TEST_CASE("only what is shown decides on the form") {
  Tensor x = ones({2000});
  x.narrow(0, 1000, 1).fill_(0.5);
  CHECK(to_string(x) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
}

TEST_CASE("views print as what they show, and printing records nothing") {
  Tensor x = tensor({1.0F, 2.0F, 3.0F, 4.0F}, {2, 2});
  x.requires_grad_();
  const Tape tape;
  const Tensor y = transpose(x, 0, 1);
  const size_t entries = tape.size();
  std::ostringstream out;
  out << y;
  CHECK(out.str() ==
        "tensor([[1., 3.],\n"
        "        [2., 4.]])");
  CHECK(tape.size() == entries);
}

TEST_CASE("precision and threshold are options; nonsense is refused") {
  const Tensor x = tensor({1.0F / 3, 2.0F / 3});
  CHECK(to_string(x, {.precision = 2}) == "tensor([0.33, 0.67])");
  CHECK(to_string(arange(0, 9), {.threshold = 8, .edge_items = 1}) == "tensor([0,  ..., 8])");
  CHECK(test::message_of([&] { to_string(x, {.edge_items = 0}); }) ==
        "[to_string] precision 4, threshold 1000, edge_items 0, line_width 80. Hint: precision is "
        "0 to 100, threshold at least 0, the others at least 1");
  CHECK_THROWS_AS(to_string(x, {.precision = -1}), ValueError);
}
