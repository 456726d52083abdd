#include "../../nn/running_statistics.h"

#include <doctest/doctest.h>

#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/dropout.h"
#include "../../nn/linear.h"
#include "../../nn/sequential.h"
#include "../core/checks.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// Batches of 7, 4 and 2 samples whose means differ.
std::vector<Tensor> batches(const Shape& sample) {
  std::vector<Tensor> list;
  for (int64_t n : {7, 4, 2}) {
    Shape shape = {n};
    for (int64_t size : sample) shape.push_back(size);
    list.push_back(random(shape, static_cast<uint64_t>(n)) * 2.0 + static_cast<double>(n));
  }
  return list;
}

template <class T>
T double_layer(const typename T::Options& options) {
  T layer(options);
  layer.to(float64);
  return layer;
}

}  // namespace

TEST_CASE("recomputed statistics are those of all batches together") {
  for (const Shape& sample : {Shape{3}, Shape{3, 5}}) {
    const std::vector<Tensor> data = batches(sample);
    auto layer = double_layer<nn::BatchNorm1d>({.num_features = 3});
    layer(data[0] * 100.0);  // what they were before does not matter
    nn::recompute_statistics(layer, data);
    const Tensor all = cat(data);
    const Dims dims = sample.dim() == 1 ? Dims{0} : Dims{0, 2};
    check_close(layer.running_mean, mean(all, dims));
    check_close(layer.running_var, var(all, dims, 1));
    CHECK(layer.num_batches_tracked.item() == 3);
  }
}

TEST_CASE("recomputed statistics keep their digits far from 0") {
  auto layer = double_layer<nn::BatchNorm1d>({.num_features = 1});
  std::vector<Tensor> data;
  for (uint64_t i = 0; i < 4; ++i) data.push_back(random({50, 1}, i) * 1e-3 + 1e6);
  nn::recompute_statistics(layer, data);
  CHECK(layer.running_var.item() == doctest::Approx(var(cat(data)).item()).epsilon(1e-6));
}

TEST_CASE("recomputed statistics of instance norm are means over all samples") {
  const std::vector<Tensor> data = batches({3, 5});
  auto layer = double_layer<nn::InstanceNorm1d>({.num_features = 3, .track_running_stats = true});
  nn::recompute_statistics(layer, data);
  const Tensor all = cat(data);
  check_close(layer.running_mean, mean(all, {0, 2}));
  check_close(layer.running_var, mean(var(all, {2}, 1), {0}));
  CHECK(layer.num_batches_tracked.item() == 0);
}

TEST_CASE("inputs may be a part of what the range has") {
  struct Labelled {
    Tensor x;
    int label;
  };
  std::vector<Labelled> data;
  for (const Tensor& x : batches({3})) data.push_back({x, 1});
  auto one = double_layer<nn::BatchNorm1d>({.num_features = 3});
  auto other = double_layer<nn::BatchNorm1d>({.num_features = 3});
  nn::recompute_statistics(one, data, &Labelled::x);
  nn::recompute_statistics(other, batches({3}));
  CHECK(values(one.running_var) == values(other.running_var));
}

TEST_CASE("recomputing leaves modes, hooks, gradients and frozen statistics") {
  nn::Sequential net(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Dropout(0.5), nn::BatchNorm1d(4),
                     nn::BatchNorm1d(4));
  net.to(float64);
  net[1].eval();
  dynamic_cast<nn::BatchNorm1d&>(net[3]).freeze({.statistics = true});
  int calls = 0;
  net[1].set_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) { ++calls; });
  const NamedTensors before = net.named_buffers();
  const std::vector<double> frozen = values(before[3].tensor), last = values(before[6].tensor);
  const Tape tape;
  nn::recompute_statistics(net, batches({3}));
  CHECK(tape.size() == 0);
  CHECK(net.is_training());
  CHECK_FALSE(net[1].is_training());
  CHECK(net[2].is_training());
  CHECK(values(net.named_buffers()[3].tensor) == frozen);
  CHECK(values(net.named_buffers()[6].tensor) != last);
  CHECK(calls == 0);
  net(batches({3})[0]);
  CHECK(calls == 1);
}

TEST_CASE("an error in the middle leaves all statistics as they were") {
  nn::Sequential net(nn::BatchNorm1d(3));
  net.to(float64);
  net(random({4, 3}));
  const NamedTensors before = net.state_dict();
  const std::vector<Tensor> data = {random({5, 3}), random({5, 4})};
  CHECK(message_of([&] {
          nn::recompute_statistics(net, data);
        }).starts_with("[BatchNorm1d] (0) expected 3 channels, got 4"));
  CHECK(message_of([&] { nn::recompute_statistics(net, std::vector<Tensor>()); }) ==
        "[recompute_statistics] there was no batch. Hint: a range that can be read only once may "
        "have been read before");
  const NamedTensors after = net.state_dict();
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(values(before[i].tensor) == values(after[i].tensor));
  }
}
