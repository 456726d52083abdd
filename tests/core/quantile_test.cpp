// Values by their rank, and counts.
#include <doctest/doctest.h>

#include <limits>

#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("the median is an element: of an even number the lower of the middle two") {
  CHECK(median(tensor({5.0, 1.0, 3.0})).item() == 3);
  CHECK(median(tensor({4.0, 1.0, 3.0, 2.0})).item() == 2);
  CHECK(median(full({}, 7)).item() == 7);
  const Tensor x = tensor<int64_t>({9, 1, 5, 4, 8, 2}, {2, 3});
  const ValuesIndices rows = median(x, 1), columns = median(x, 0, true);
  CHECK(rows.values.to_vector<int64_t>() == std::vector<int64_t>{5, 4});
  CHECK(rows.indices.to_vector<int64_t>() == std::vector<int64_t>{2, 0});
  CHECK(columns.values.shape() == Shape{1, 3});
  CHECK(columns.values.contiguous().to_vector<int64_t>() == std::vector<int64_t>{4, 1, 2});
}

TEST_CASE("a quantile is interpolated linearly between the two elements around its place") {
  const Tensor x = tensor({3.0, 0.0, 2.0, 1.0});
  CHECK(quantile(x, 0).item() == 0);
  CHECK(quantile(x, 1).item() == 3);
  CHECK(quantile(x, 0.5).item() == 1.5);
  CHECK(quantile(x, 0.85).item() == doctest::Approx(2.55));
  const Tensor m = random({4, 5, 3});
  CHECK(quantile(m, 0.3, 1).shape() == Shape{4, 3});
  CHECK(quantile(m, 0.3, -2, true).shape() == Shape{4, 1, 3});
  CHECK(quantile(m, 0.3, {}, true).shape() == Shape{1, 1, 1});
  check_close(quantile(m, 0.5, 1), median(m, 1).values);
}

TEST_CASE("NaN is the median and every quantile of what contains it") {
  const Tensor x = tensor({1.0, not_a_number, 2.0, 3.0, 5.0, 4.0}, {2, 3});
  CHECK(std::isnan(median(x).item()));
  CHECK(std::isnan(quantile(x, 0).item()));
  const ValuesIndices rows = median(x, 1);
  CHECK(std::isnan(values(rows.values)[0]));
  CHECK(values(rows.values)[1] == 4);
  CHECK(rows.indices.to_vector<int64_t>() == std::vector<int64_t>{1, 2});
}

TEST_CASE("the gradient goes to the elements chosen, by their weights") {
  const Tensor x = tensor({3.0, 0.0, 2.0, 1.0}).requires_grad_();
  const Tape tape;
  check_close(grad(median(x), {x})[0], tensor({0.0, 0.0, 0.0, 1.0}));
  check_close(grad(quantile(x, 0.75), {x})[0], tensor({0.25, 0.0, 0.75, 0.0}));
}

TEST_CASE("a histogram counts the elements of each interval, upper edges with the next one") {
  const Histogram h =
      histogram(tensor({0.0, 0.1, 0.5, 0.99, 1.0, 7.0, -1.0, not_a_number}), 2, {{0, 1}});
  CHECK(h.counts.to_vector<int64_t>() == std::vector<int64_t>{2, 3});
  check_close(h.edges, tensor({0.0, 0.5, 1.0}));
  const Histogram own = histogram(tensor<int64_t>({1, 2, 2, 5}, {2, 2}), 4);
  CHECK(own.counts.to_vector<int64_t>() == std::vector<int64_t>{1, 2, 0, 1});
  CHECK(histogram(full({3}, 2), 1).counts.item() == 3);
  check_close(histogram(full({3}, 2), 1).edges, tensor({1.5, 2.5}));
  CHECK(sum(histogram(ones({0}), 3).counts).item() == 0);
  CHECK(sum(histogram(random({1000}), 17).counts).item() == 1000);
}

TEST_CASE("mistakes are named") {
  const Tensor x = random({2, 3});
  CHECK(message_of([&] { quantile(x, 1.5); }) ==
        "[quantile] q must be between 0 and 1, got 1.5. Hint: 0.5 is the median, 0.9 has nine "
        "tenths of the elements below it");
  CHECK_THROWS_AS(quantile(x, not_a_number), ValueError);
  CHECK_THROWS_AS(quantile(arange(3), 0.5), DTypeError);
  CHECK(message_of([&] {
          median(ones({2, 0}), 1);
        }) == "[median] dimension 1 of [2,0] has no elements. Hint: there is no value at any rank");
  CHECK_THROWS_AS(median(ones({0})), ShapeError);
  CHECK_THROWS_AS(histogram(x, 0), ValueError);
  CHECK_THROWS_AS(histogram(x, 2, {{1, 1}}), ValueError);
  CHECK(message_of([&] {
          histogram(full({2}, infinity), 2);
        }).starts_with("[histogram] expected a finite range, got inf to inf"));
  CHECK_THROWS_AS(histogram(full({2}, not_a_number), 2), ValueError);
}
