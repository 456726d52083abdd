// compare(): two tensors in one line.
#include "../../core/compare.h"

#include <doctest/doctest.h>

#include <iostream>
#include <limits>
#include <sstream>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"

using namespace gradus;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// The line, and "-> yes" or "-> no" for the result.
std::string line(const Tensor& mine, const Tensor& theirs, const CompareOptions& options = {}) {
  std::ostringstream out;
  const bool close = compare(out, "dx", mine, theirs, options);
  return out.str() + (close ? "-> yes" : "-> no");
}

}  // namespace

TEST_CASE("equal tensors are exact") {
  CHECK(line(tensor({1.0, 2.0}), tensor({1.0, 2.0})) ==
        "dx           exact: yes   approximate: yes   largest difference: 0\n-> yes");
}

TEST_CASE("the largest difference is shown with its place and with digits that tell it") {
  CHECK(line(tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}), tensor({1.0, 2.0, 3.0, 4.0 + 4e-10}, {2, 2})) ==
        "dx           exact: no    approximate: yes   largest difference: 4e-10 at [1,1] (mine 4, "
        "theirs 4.0000000004)\n-> yes");
  CHECK(line(tensor({1.0, -2.0}), tensor({1.5, 2.0})) ==
        "dx           exact: no    approximate: no    largest difference: 4 at [1] (mine -2, "
        "theirs 2)\n-> no");
  CHECK(line(tensor({3.0}).reshape({}), tensor({2.0}).reshape({})) ==
        "dx           exact: no    approximate: no    largest difference: 1 at [] (mine 3, "
        "theirs 2)\n-> no");
}

TEST_CASE("tolerances suit the type, and the largest magnitude in the tensor") {
  CHECK(compare("float32", tensor({1e-9F, 100.0F}), tensor({2e-4F, 100.0F})));
  CHECK_FALSE(compare("float64", tensor({1e-9, 100.0}), tensor({2e-4, 100.0})));
  CHECK_FALSE(compare("small", tensor({1e-6F}), tensor({2e-6F})));
  CHECK_FALSE(
      compare("integers", tensor<int64_t>({1'000'000'000}), tensor<int64_t>({999'999'999})));
  CHECK(compare("given", tensor({1.0}), tensor({1.1}), {.rtol = 0.1}));
  CHECK(compare("given", tensor({0.0}), tensor({0.1}), {.rtol = 0, .atol = 0.2}));
  CHECK_FALSE(compare("strict", tensor({1.0F}), tensor({1.0000001F}), {.rtol = 0, .atol = 0}));
}

TEST_CASE("NaN equals NaN only, infinity the same infinity only, and the line says where") {
  const Tensor x = tensor({1.0, not_a_number, infinity});
  CHECK(line(x, x.clone()) ==
        "dx           exact: yes   approximate: yes   largest difference: 0\n-> yes");
  CHECK(line(x, tensor({1.0, 2.0, infinity})) ==
        "dx           exact: no    approximate: no    largest difference: inf at [1] (mine nan, "
        "theirs 2)\n-> no");
  CHECK(line(x, tensor({1.0, not_a_number, -infinity})) ==
        "dx           exact: no    approximate: no    largest difference: inf at [2] (mine inf, "
        "theirs -inf)\n-> no");
}

TEST_CASE("shapes and types that differ are told, not thrown") {
  CHECK(line(ones({2, 3}), ones({3, 2})) ==
        "dx           differs: mine float32 [2,3], theirs float32 [3,2]\n-> no");
  CHECK(line(ones({2}), ones({2}, float64)) ==
        "dx           differs: mine float32 [2], theirs float64 [2]\n-> no");
  CHECK(line(ones({2}), Tensor()) ==
        "dx           differs: mine float32 [2], theirs undefined\n-> no");
  CHECK(line(Tensor(), Tensor()) ==
        "dx           nothing to compare: mine undefined, theirs undefined\n-> no");
  CHECK(line(ones({0}), ones({0})) ==
        "dx           exact: yes   approximate: yes   largest difference: 0\n-> yes");
}

TEST_CASE("views and tensors on a tape can be compared, and nothing is recorded") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}).requires_grad_();
  const Tape tape;
  const Tensor y = x * 2.0;
  const size_t before = tape.size();
  CHECK(compare("y", y.T(), tensor({2.0, 6.0, 4.0, 8.0}, {2, 2})));
  CHECK(tape.size() == before + 1);  // the transpose
}

TEST_CASE("a tolerance that is no tolerance is an error") {
  CHECK_THROWS_WITH_AS(compare("dx", ones({1}), ones({1}), {.rtol = -1}),
                       "[compare] a tolerance is -1. Hint: 0 asks for equal tensors", ValueError);
  CHECK_THROWS_AS(compare("dx", ones({1}), ones({1}), {.atol = not_a_number}), ValueError);
}

TEST_CASE("without a stream, the line goes to standard output") {
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  compare("a longer name", ones({1}), ones({1}));
  std::cout.rdbuf(before);
  CHECK(out.str() == "a longer name exact: yes   approximate: yes   largest difference: 0\n");
}
