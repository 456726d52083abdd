#include "../../datasets/dataset.h"

#include <cmath>

#include "../../core/ops.h"
#include "../../datasets/split.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

/// Sample i is x = [i, 10 i], y = i.
TensorDataset counting(int64_t n) {
  std::vector<float> x;
  for (int64_t i = 0; i < n; ++i) {
    x.push_back(static_cast<float>(i));
    x.push_back(static_cast<float>(10 * i));
  }
  return {tensor(x, {n, 2}), arange(n)};
}

/// A data set that has nothing but get.
class Squares : public Dataset {
 public:
  int64_t size() const override { return 5; }
  Sample get(int64_t i) const override {
    return {full({2}, static_cast<double>(i)), full({}, static_cast<double>(i * i), int64)};
  }
};

std::vector<int64_t> targets(const Dataset& dataset) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    all.push_back(static_cast<int64_t>(dataset.get(i).y.item()));
  }
  return all;
}

}  // namespace

TEST_CASE("a tensor data set gives rows") {
  const TensorDataset dataset = counting(4);
  CHECK(dataset.size() == 4);
  const auto [x, y] = dataset.get(3);
  CHECK(x.shape() == Shape{2});
  CHECK(x.to_vector<float>() == std::vector<float>{3, 30});
  CHECK(y.shape() == Shape{});
  CHECK(y.item() == 3);
}

TEST_CASE("a tensor data set gathers rows in any order, also twice the same") {
  const std::vector<int64_t> indices = {2, 0, 2};
  const auto [x, y] = counting(4).gather(indices);
  CHECK(x.shape() == Shape{3, 2});
  CHECK(x.to_vector<float>() == std::vector<float>{2, 20, 0, 0, 2, 20});
  CHECK(y.to_vector<int64_t>() == std::vector<int64_t>{2, 0, 2});
}

TEST_CASE("bytes are normalized while they are gathered") {
  const Tensor images = tensor<uint8_t>({0, 255, 51, 102}, {2, 1, 1, 2});
  const TensorDataset dataset(images, arange(0, 2), {{.mean = 0.2, .std = 0.4}});
  const auto [x, y] = dataset.get(1);
  CHECK(x.dtype() == float32);
  CHECK(x.shape() == Shape{1, 1, 2});
  CHECK(x.to_vector<float>()[0] == doctest::Approx(0.0));
  CHECK(x.to_vector<float>()[1] == doctest::Approx(0.5));
  CHECK(dataset.get(0).x.to_vector<float>()[1] == doctest::Approx(2.0));
}

TEST_CASE("channels can have normalizations of their own") {
  const Tensor images = full({2, 2, 1, 3}, 255, uint8);
  const TensorDataset dataset(images, arange(0, 2),
                              {{.mean = 0, .std = 1}, {.mean = 0.5, .std = 2}});
  CHECK(dataset.get(1).x.to_vector<float>() == std::vector<float>{1, 1, 1, 0.25, 0.25, 0.25});
  CHECK(contains(error_of<ShapeError>(
                     [&] { TensorDataset(images, arange(0, 2), std::vector<Normalization>(3)); }),
                 "there are 3 normalizations for x [2,2,1,3]"));
}

TEST_CASE("targets of all samples, of every kind of data set") {
  using Targets = std::vector<int64_t>;
  const DatasetPtr all = share(counting(5));
  const auto of = [](const Dataset& dataset) { return dataset.targets().to_vector<int64_t>(); };
  CHECK(of(*all) == Targets{0, 1, 2, 3, 4});
  CHECK(of(Squares()) == Targets{0, 1, 4, 9, 16});
  CHECK(of(Subset(all, {3, 1, 3})) == Targets{3, 1, 3});
  CHECK(of(Concat({all, share(counting(0)), share(counting(2))})) == Targets{0, 1, 2, 3, 4, 0, 1});
  const Mapped mapped(all, [](const Batch& b, std::span<const int64_t>) {
    return Batch{b.x, add(b.y, full({}, 10, int64))};
  });
  CHECK(of(mapped) == Targets{10, 11, 12, 13, 14});
  CHECK(of(Mapped(share(counting(0)), [](const Batch& b, std::span<const int64_t>) {
          return b;
        })).empty());
}

TEST_CASE("bytes stay bytes without a normalization") {
  CHECK(TensorDataset(zeros({2, 3}, uint8), arange(0, 2)).get(0).x.dtype() == uint8);
}

TEST_CASE("a view is stored in row-major order") {
  const Tensor x = transpose(tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}), 0, 1);
  CHECK(TensorDataset(x, arange(0, 2)).get(0).x.to_vector<double>() == std::vector<double>{1, 3});
}

TEST_CASE("a tensor data set refuses what does not fit") {
  CHECK(contains(error_of<ShapeError>([] {
                   TensorDataset(zeros({3, 2}), arange(0, 4));
                 }),
                 "x [3,2], y [4]"));
  CHECK(contains(error_of<ShapeError>([] { TensorDataset(zeros({}), zeros({})); }), "x []"));
  CHECK(
      contains(error_of<DTypeError>([] { TensorDataset(zeros({3}), arange(0, 3), {{.mean = 0}}); }),
               "got float32"));
  CHECK(contains(
      error_of<ValueError>([] { TensorDataset(zeros({3}, uint8), arange(0, 3), {{.std = 0}}); }),
      "std must be positive"));
  CHECK(contains(error_of<IndexError>([] { counting(4).get(4); }),
                 "there is no sample 4 in a data set of 4"));
  CHECK_THROWS_AS(counting(4).get(-1), IndexError);
}

TEST_CASE("a data set that only knows single samples is stacked") {
  const std::vector<int64_t> indices = {1, 3};
  const auto [x, y] = Squares().gather(indices);
  CHECK(x.shape() == Shape{2, 2});
  CHECK(y.to_vector<int64_t>() == std::vector<int64_t>{1, 9});
  CHECK_THROWS_AS(Squares().gather({}), ValueError);
}

TEST_CASE("a subset has the given samples in the given order") {
  const DatasetPtr all = share(counting(10));
  CHECK(targets(Subset(all, {7, 1, 7})) == std::vector<int64_t>{7, 1, 7});
  CHECK(targets(Subset(all, 2, 5)) == std::vector<int64_t>{2, 3, 4});
  CHECK(Subset(all, 3, 3).size() == 0);
  const std::vector<int64_t> indices = {1, 0};
  CHECK(Subset(all, 2, 5).gather(indices).y.to_vector<int64_t>() == std::vector<int64_t>{3, 2});
  CHECK(contains(error_of<IndexError>([&] { Subset(all, {10}); }), "no sample 10"));
  CHECK(contains(error_of<IndexError>([&] { Subset(all, 4, 11); }), "[4, 11)"));
  CHECK_THROWS_AS(Subset(all, 2, 5).get(3), IndexError);
  CHECK_THROWS_AS(Subset(nullptr, 0, 0), ValueError);
}

TEST_CASE("concatenated data sets follow each other") {
  const Concat both({share(counting(2)), share(counting(0)), share(counting(3))});
  CHECK(targets(both) == std::vector<int64_t>{0, 1, 0, 1, 2});
  const std::vector<int64_t> indices = {4, 1};
  CHECK(both.gather(indices).y.to_vector<int64_t>() == std::vector<int64_t>{2, 1});
  CHECK_THROWS_AS(both.get(5), IndexError);
  CHECK_THROWS_AS(Concat({}), ValueError);
  CHECK_THROWS_AS(Concat({nullptr}), ValueError);
}

TEST_CASE("a mapped data set sees batches and the numbers of their samples") {
  const Mapped mapped(share(counting(4)), [](const Batch& batch, std::span<const int64_t> indices) {
    return Batch{mul(batch.x, 2.0), full({static_cast<int64_t>(indices.size())},
                                         static_cast<double>(indices[0]), int64)};
  });
  CHECK(mapped.size() == 4);
  CHECK(mapped.get(3).x.to_vector<float>() == std::vector<float>{6, 60});
  CHECK(mapped.get(3).y.item() == 3);
  CHECK_THROWS_AS(Mapped(share(counting(1)), nullptr), ValueError);
}

TEST_CASE("samples of different shapes do not make a batch") {
  const Concat both({share(counting(2)), share(TensorDataset(zeros({2, 3}), arange(0, 2)))});
  const std::vector<int64_t> indices = {0, 2};
  CHECK(contains(error_of<ShapeError>([&] { both.gather(indices); }), "[3], tensor 0 is [2]"));
}

namespace {

/// A data set whose targets are what it was given.
struct Own : Dataset {
  explicit Own(Tensor y) : y_(std::move(y)) {}
  int64_t size() const override { return 4; }
  Sample get(int64_t index) const override {
    return {zeros({1}), full({}, static_cast<double>(index), int64)};
  }
  Tensor targets() const override { return y_; }
  Tensor y_;
};

}  // namespace

TEST_CASE("targets may lie in memory as they like") {
  const Tensor table = arange(8).reshape({4, 2});
  const Subset subset(share(Own(table.select(1, 1))), {3, 1});
  CHECK(subset.targets().to_vector<int64_t>() == std::vector<int64_t>{7, 3});
  const Subset turned(share(Own(arange(8).reshape({2, 4}).transpose(0, 1))), {2, 0});
  CHECK(turned.targets().to_vector<int64_t>() == std::vector<int64_t>{2, 6, 0, 4});
}

TEST_CASE("targets that are not as many as the samples are an error") {
  for (const Tensor& targets : {arange(3), arange(5), full({}, 1, int64)}) {
    CAPTURE(targets.shape());
    const DatasetPtr own = share(Own(targets));
    CHECK_THROWS_AS(Subset(own, {0, 1}).targets(), ShapeError);
    CHECK_THROWS_AS(Concat({own, own}).targets(), ShapeError);
    CHECK_THROWS_AS(random_split(own, {0.5, 0.5}, {.stratify = true}), ShapeError);
  }
  CHECK(error_of<ShapeError>([] { Subset(share(Own(arange(3))), {0}).targets(); }) ==
        "[subset] the data set has 4 samples, its targets() are [3]. Hint: targets() gives one row "
        "per sample, in their order");
}

TEST_CASE("a normalization is made of finite numbers") {
  const Tensor x = zeros({2, 1, 2, 2}, uint8), y = zeros({2}, int64);
  const double infinity = HUGE_VAL, nan = std::nan("");
  for (const Normalization& wrong :
       {Normalization{nan, 1}, Normalization{0, nan}, Normalization{infinity, 1},
        Normalization{0, infinity}, Normalization{0, 0}}) {
    CHECK_THROWS_AS(TensorDataset(x, y, {wrong}), ValueError);
  }
  CHECK(
      error_of<ValueError>([&] { TensorDataset(x, y, {{.mean = nan}}); }) ==
      "[tensor_dataset] mean and std must be finite, got mean nan, std 1. Hint: statistics() gives "
      "those of a data set");
}
