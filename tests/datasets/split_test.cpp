#include "../../datasets/split.h"

#include <algorithm>
#include <cmath>

#include "../../core/ops.h"
#include "../../datasets/statistics.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

/// Sample i is x = [i], y = its class: 70 of class 0, 20 of class 1, 7 of class 2, mixed.
DatasetPtr uneven() {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 97; ++i) {
    const int64_t place = i * 31 % 97;
    labels.push_back(place < 70 ? 0 : place < 90 ? 1 : 2);
  }
  return share(TensorDataset(arange(0, 97, 1, float32).reshape({97, 1}), tensor(labels, {97})));
}

std::vector<int64_t> numbers(const Dataset& dataset) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    all.push_back(static_cast<int64_t>(dataset.get(i).x.item()));
  }
  return all;
}

}  // namespace

TEST_CASE("a split has every sample in one part, in the order of the data set") {
  const std::vector<DatasetPtr> parts = random_split(uneven(), {0.8, 0.2});
  REQUIRE(parts.size() == 2);
  CHECK(parts[0]->size() == 78);
  CHECK(parts[1]->size() == 19);
  std::vector<int64_t> all = numbers(*parts[0]), rest = numbers(*parts[1]);
  CHECK(std::is_sorted(all.begin(), all.end()));
  all.insert(all.end(), rest.begin(), rest.end());
  std::sort(all.begin(), all.end());
  for (int64_t i = 0; i < 97; ++i) CHECK(all[static_cast<size_t>(i)] == i);
}

TEST_CASE("a split depends on its seed alone") {
  const auto of = [](uint64_t seed) {
    return numbers(*random_split(uneven(), {0.5, 0.5}, {.seed = seed})[0]);
  };
  CHECK(of(3) == of(3));
  CHECK(of(3) != of(4));
}

TEST_CASE("every sample lands in a part as often as the part's share says") {
  std::vector<int> times(97);
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const auto parts = random_split(uneven(), {0.75, 0.25}, {.seed = seed, .stratify = true});
    for (const int64_t i : numbers(*parts[1])) ++times[static_cast<size_t>(i)];
  }
  for (const int n : times) {
    CHECK(n > 100 - 48);  // more than five standard deviations
    CHECK(n < 100 + 48);
  }
}

TEST_CASE("a stratified split keeps the proportions of the classes") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto parts = random_split(uneven(), {0.7, 0.3}, {.seed = seed, .stratify = true});
    const std::vector<int64_t> counts = class_counts(parts[1]->targets());
    REQUIRE(counts.size() == 3);
    CHECK(std::abs(static_cast<double>(counts[0]) - 21) <= 1);
    CHECK(std::abs(static_cast<double>(counts[1]) - 6) <= 1);
    CHECK(std::abs(static_cast<double>(counts[2]) - 2.1) <= 1);
    CHECK(parts[1]->size() == 29);
  }
}

TEST_CASE("there can be many parts, and empty ones") {
  const auto parts = random_split(uneven(), {0.5, 0, 0.25, 0.25}, {.stratify = true});
  CHECK(parts[1]->size() == 0);
  CHECK(parts[0]->size() + parts[2]->size() + parts[3]->size() == 97);
  CHECK(std::abs(static_cast<double>(parts[0]->size()) - 48.5) < 2);
  CHECK(random_split(uneven(), {1})[0]->size() == 97);
}

TEST_CASE("a split refuses shares that make no sense") {
  CHECK(contains(error_of<ValueError>([] {
                   random_split(uneven(), {0.9, 0.2});
                 }),
                 "sum up to 1, the sum is 1.1"));
  CHECK_THROWS_AS(random_split(uneven(), {1.5, -0.5}), ValueError);
  CHECK_THROWS_AS(random_split(uneven(), {}), ValueError);
  CHECK_THROWS_AS(random_split(nullptr, {1}), ValueError);
  const DatasetPtr floats = share(TensorDataset(zeros({4, 1}), zeros({4})));
  CHECK(contains(error_of<DTypeError>([&] { random_split(floats, {1}, {.stratify = true}); }),
                 "class labels are int64, got float32 [4]"));
}

TEST_CASE("statistics of a data set are those of all its elements, per channel") {
  // Channel 0: 1, 2, 3, 4; channel 1: 10, 10, 10, 30.
  const Tensor x = tensor<float>({1, 2, 10, 10, 3, 4, 10, 30}, {2, 2, 1, 2});
  const DatasetStatistics s = statistics(TensorDataset(x, tensor<int64_t>({2, 0})));
  CHECK(s.samples == 2);
  CHECK(s.mean == std::vector<double>{2.5, 15});
  CHECK(s.std[0] == doctest::Approx(std::sqrt(1.25)));
  CHECK(s.std[1] == doctest::Approx(std::sqrt(75.0)));
  CHECK(s.class_counts == std::vector<int64_t>{1, 0, 1});
}

TEST_CASE("statistics do not lose what is small beside the mean") {
  // A mean of 40000 with a deviation of 1/16, in 2500 samples: more than one piece.
  Tensor x = Tensor::empty({2500, 1, 2});
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.mutable_data<float>()[i] = i % 2 == 0 ? 40000.0625F : 39999.9375F;
  }
  const DatasetStatistics s = statistics(TensorDataset(x, zeros({2500, 3})));
  CHECK(s.mean[0] == 40000);
  CHECK(s.std[0] == 0.0625);
  CHECK(s.class_counts.empty());  // targets are no classes
}

TEST_CASE("statistics refuse a data set without elements") {
  CHECK_THROWS_AS(statistics(TensorDataset(zeros({0, 1}), zeros({0}))), ValueError);
  CHECK(contains(error_of<ShapeError>([] { statistics(TensorDataset(zeros({3}), zeros({3}))); }),
                 "expected samples [C,...] with elements, got a batch [3]"));
}

TEST_CASE("normalized data has mean 0 and standard deviation 1") {
  Rng random(4);
  const Tensor bytes = to(rand({50, 2, 4, 4}, random, 0, 255), uint8);
  const Tensor y = zeros({50}, int64);
  const DatasetStatistics before = statistics(TensorDataset(bytes, y, {{.mean = 0, .std = 1}}));
  const TensorDataset normalized(bytes, y,
                                 {{.mean = before.mean[0], .std = before.std[0]},
                                  {.mean = before.mean[1], .std = before.std[1]}});
  const DatasetStatistics after = statistics(normalized);
  for (size_t c = 0; c < 2; ++c) {
    CHECK(std::abs(after.mean[c]) < 1e-6);
    CHECK(after.std[c] == doctest::Approx(1).epsilon(1e-6));
  }
}
