#include "../../datasets/sampler.h"

#include <algorithm>
#include <cmath>

#include "../../core/ops.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

using Order = std::vector<int64_t>;

Order sorted(Order order) {
  std::sort(order.begin(), order.end());
  return order;
}

/// How often each of n samples comes in `epochs` epochs.
std::vector<double> frequencies(const Sampler& sampler, size_t n, int64_t epochs) {
  std::vector<double> counts(n);
  double total = 0;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const int64_t sample : sampler.order(epoch)) {
      counts[static_cast<size_t>(sample)] += 1;
      total += 1;
    }
  }
  for (double& count : counts) count /= total;
  return counts;
}

/// What holds for every sampler: its size, and that an order depends on the epoch alone.
void check_sampler(const Sampler& sampler) {
  const Order first = sampler.order(0), second = sampler.order(1);
  CHECK(static_cast<int64_t>(first.size()) == sampler.size());
  CHECK(first != second);
  CHECK(sampler.order(0) == first);
  CHECK(sampler.order(1) == second);
}

/// 60 of class 0, 30 of class 2, 10 of class 3.
Tensor uneven_labels() {
  std::vector<int64_t> labels(100, 0);
  for (size_t i = 60; i < 90; ++i) labels[i] = 2;
  for (size_t i = 90; i < 100; ++i) labels[i] = 3;
  return tensor(labels, {100});
}

}  // namespace

TEST_CASE("a sequential sampler counts, in every epoch") {
  CHECK(SequentialSampler(4).order(0) == Order{0, 1, 2, 3});
  CHECK(SequentialSampler(4).order(7) == Order{0, 1, 2, 3});
  CHECK(SequentialSampler(0).order(0).empty());
  CHECK_THROWS_AS(SequentialSampler(-1), ValueError);
}

TEST_CASE("a random sampler has every sample once, each epoch in another order") {
  const RandomSampler sampler(50, 3);
  check_sampler(sampler);
  CHECK(sorted(sampler.order(5)) == SequentialSampler(50).order(0));
  CHECK(RandomSampler(50, 4).order(0) != sampler.order(0));
  CHECK_THROWS_AS(RandomSampler(-1), ValueError);
}

TEST_CASE("every sample comes first equally often") {
  const RandomSampler sampler(10, 1);
  std::vector<int> first(10);
  for (int64_t epoch = 0; epoch < 2000; ++epoch) {
    ++first[static_cast<size_t>(sampler.order(epoch).front())];
  }
  for (const int n : first) {
    CHECK(n > 200 - 70);  // five standard deviations
    CHECK(n < 200 + 70);
  }
}

TEST_CASE("a subset sampler shuffles the given samples") {
  const SubsetRandomSampler sampler({9, 5, 5, 2, 30, 41, 7}, 2);
  check_sampler(sampler);
  CHECK(sorted(sampler.order(0)) == Order{2, 5, 5, 7, 9, 30, 41});
}

TEST_CASE("samples come in proportion to their weights") {
  const WeightedRandomSampler sampler({1, 0, 3, 6, 0}, 1000, {.seed = 8});
  check_sampler(sampler);
  const std::vector<double> share = frequencies(sampler, 5, 40);
  CHECK(share[0] == doctest::Approx(0.1).epsilon(0.05));
  CHECK(share[1] == 0);
  CHECK(share[2] == doctest::Approx(0.3).epsilon(0.03));
  CHECK(share[3] == doctest::Approx(0.6).epsilon(0.02));
  CHECK(share[4] == 0);
}

TEST_CASE("without replacement no sample comes twice, and heavy ones come first") {
  const WeightedRandomSampler sampler({1, 0, 3, 6}, 3, {.replacement = false, .seed = 8});
  std::vector<double> first(4);
  for (int64_t epoch = 0; epoch < 5000; ++epoch) {
    const Order order = sampler.order(epoch);
    CHECK(sorted(order) == Order{0, 2, 3});
    first[static_cast<size_t>(order[0])] += 1.0 / 5000;
  }
  CHECK(first[0] == doctest::Approx(0.1).epsilon(0.2));
  CHECK(first[2] == doctest::Approx(0.3).epsilon(0.1));
  CHECK(first[3] == doctest::Approx(0.6).epsilon(0.06));
}

TEST_CASE("weights that make no sense are refused") {
  using Weighted = WeightedRandomSampler;
  CHECK(contains(error_of<ValueError>([] { Weighted({1, -2}, 1); }), "weight 1 is -2"));
  CHECK(contains(error_of<ValueError>([] { Weighted({NAN}, 1); }), "weight 0 is nan"));
  CHECK(contains(error_of<ValueError>([] { Weighted({0, 0}, 1); }), "sum of the 2 weights is 0"));
  CHECK_THROWS_AS(Weighted({}, 1), ValueError);
  CHECK_THROWS_AS(Weighted({1}, -1), ValueError);
  CHECK(contains(error_of<ValueError>([] {
                   Weighted({1, 0, 1}, 3, {.replacement = false});
                 }),
                 "cannot draw 3 of 2 samples"));
}

TEST_CASE("a class-balanced epoch has as many samples of each class") {
  const ClassBalancedSampler sampler(uneven_labels(), 90, 5);
  check_sampler(sampler);
  const Tensor labels = uneven_labels();
  std::vector<int> counts(4), times(100);
  for (const int64_t sample : sampler.order(3)) {
    ++counts[static_cast<size_t>(labels.data<int64_t>()[sample])];
    ++times[static_cast<size_t>(sample)];
  }
  CHECK(counts == std::vector<int>{30, 0, 30, 30});
  CHECK(*std::max_element(times.begin(), times.begin() + 60) == 1);    // a half of class 0
  CHECK(std::count(times.begin() + 60, times.begin() + 90, 1) == 30);  // each of class 2
  CHECK(std::count(times.begin() + 90, times.end(), 3) == 10);         // class 3, three times
}

TEST_CASE("a number of samples that the classes do not divide is shared out by chance") {
  const ClassBalancedSampler sampler(uneven_labels());
  CHECK(sampler.size() == 100);
  std::vector<int> longest(4);
  const Tensor labels = uneven_labels();
  for (int64_t epoch = 0; epoch < 300; ++epoch) {
    std::vector<int> counts(4);
    for (const int64_t sample : sampler.order(epoch)) {
      ++counts[static_cast<size_t>(labels.data<int64_t>()[sample])];
    }
    for (const size_t k : {size_t{0}, size_t{2}, size_t{3}}) longest[k] += counts[k] == 34 ? 1 : 0;
  }
  CHECK(longest[0] + longest[2] + longest[3] == 300);
  for (const size_t k : {size_t{0}, size_t{2}, size_t{3}}) CHECK(longest[k] > 60);
}

TEST_CASE("labels that are no classes are refused") {
  CHECK(contains(error_of<DTypeError>([] { ClassBalancedSampler(zeros({3})); }),
                 "class labels are int64, got float32 [3]"));
  CHECK_THROWS_AS(ClassBalancedSampler(zeros({3, 2}, int64)), ShapeError);
  CHECK(contains(error_of<IndexError>([] {
                   ClassBalancedSampler(tensor<int64_t>({0, -1}));
                 }),
                 "label 1 is -1"));
  CHECK_THROWS_AS(ClassBalancedSampler(tensor<int64_t>({0, INT64_MAX})), IndexError);
  CHECK_THROWS_AS(ClassBalancedSampler(zeros({0}, int64), 5), ValueError);
  CHECK_THROWS_AS(ClassBalancedSampler(zeros({3}, int64), -5), ValueError);
}
