// Gradients of batches in shards: the same as of whole batches, and the same bits on any number of
// threads. Several processes: tests/ranks/ranks_test.cpp.
#include "../../optim/data_parallel.h"

#include <doctest/doctest.h>

#include <cstring>
#include <map>

#include "../../core/base/random.h"
#include "../../core/compare.h"
#include "../../core/distributed/shards.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../datasets/loader.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/loss.h"
#include "../../nn/norm.h"
#include "../../nn/norm_variants.h"
#include "../../nn/reparametrization.h"
#include "../../nn/sequential.h"
#include "../../optim/adam.h"
#include "../support/errors.h"
#include "../support/threads.h"

using namespace gradus;
using namespace gradus::optim;
using test::message_of;
using test::ThreadsScope;

namespace {

constexpr int64_t channels = 6;

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = a.contiguous(), y = b.contiguous();
  return x.shape() == y.shape() && x.dtype() == y.dtype() &&
         std::memcmp(x.raw_data(), y.raw_data(), static_cast<size_t>(x.nbytes())) == 0;
}

/// A convolution, a norm, and a score for each of three classes.
template <class Norm>
nn::Sequential net_with(Norm norm, double dropout = 0) {
  manual_seed(7);
  return nn::Sequential(nn::Conv2d({.in_channels = 2, .out_channels = channels, .kernel_size = 3}),
                        std::move(norm), nn::ReLU(), nn::Dropout({.p = dropout}), nn::Flatten(),
                        nn::Linear(channels * 4 * 4, 3));
}

nn::Sequential batch_normed(double dropout = 0) {
  return net_with(nn::BatchNorm2d(channels), dropout);
}

data::Batch batch_of(int64_t n, DType dtype) {
  Rng random(3);
  std::vector<int64_t> classes;
  for (int64_t i = 0; i < n; ++i) classes.push_back(i % 3);
  return {randn({n, 2, 6, 6}, random).to(dtype), tensor(classes)};
}

/// Gradients and buffers by name, as a batch gave them.
using State = std::map<std::string, Tensor>;

State state_of(nn::Module& net) {
  State state;
  for (const NamedTensor& p : net.named_parameters()) state[p.name] = p.tensor.grad();
  for (const NamedTensor& b : net.named_buffers()) state[b.name] = b.tensor.clone();
  return state;
}

State whole(nn::Module& net, const data::Batch& batch) {
  Tape tape;
  tape.backward(nn::cross_entropy(net(batch.x), batch.y));
  return state_of(net);
}

DataParallel::Result step(nn::Module& net, DataParallel& parallel, const data::Batch& batch) {
  return parallel.step(batch.y.numel(), [&](const Shard& shard) -> ShardSums {
    const Tensor logits = net(shard.of(batch.x));
    return {nn::cross_entropy(logits, shard.of(batch.y), {.reduction = Reduction::sum}),
            {static_cast<double>(shard.size)}};
  });
}

State sharded(nn::Module& net, const data::Batch& batch, int64_t shards) {
  DataParallel parallel(net, {.shards = shards});
  step(net, parallel, batch);
  return state_of(net);
}

void check_close(const State& found, const State& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (const auto& entry : expected) {
    const std::string& name = entry.first;
    const Tensor& tensor = entry.second;
    INFO(name);
    REQUIRE(found.at(name).defined() == tensor.defined());
    if (!tensor.defined()) continue;
    const double scale = std::max(1.0, max(abs(tensor.to(float64))).item());
    CHECK(max(abs(found.at(name).to(float64) - tensor.to(float64))).item() <= tolerance * scale);
  }
}

void check_same_bits(const State& found, const State& expected) {
  for (const auto& entry : expected) {
    const std::string& name = entry.first;
    const Tensor& tensor = entry.second;
    INFO(name);
    CHECK(same_bits(found.at(name), tensor));
  }
}

template <class Make>
void check_equals_whole_batch(const Make& make) {
  for (const int64_t n : {16, 13, 5}) {
    for (const int64_t shards : {1, 3, 8}) {
      CAPTURE(n);
      CAPTURE(shards);
      auto one = make(), other = make();
      one.to(float64);
      other.to(float64);
      nn::convert_sync_batchnorm(other);
      const data::Batch batch = batch_of(n, float64);
      check_close(sharded(other, batch, shards), whole(one, batch), 1e-12);
    }
  }
}

}  // namespace

TEST_CASE("shards: the gradient is that of the whole batch, whatever the norm") {
  SUBCASE("batch, synchronized") {
    check_equals_whole_batch([] { return batch_normed(); });
  }
  SUBCASE("batch, synchronized, composed") {
    check_equals_whole_batch([] {
      auto net = batch_normed();
      nn::set_norm_form(net, NormForm::composed);
      return net;
    });
  }
  SUBCASE("instance, with running statistics") {
    check_equals_whole_batch([] {
      return net_with(nn::InstanceNorm2d(
          {.num_features = channels, .affine = true, .track_running_stats = true}));
    });
  }
  SUBCASE("group") {
    check_equals_whole_batch([] { return net_with(nn::GroupNorm(2, channels)); });
  }
  SUBCASE("layer") {
    check_equals_whole_batch([] { return net_with(nn::LayerNorm({{channels, 4, 4}})); });
  }
}

TEST_CASE("shards: with batch renorm, synchronized, the gradient is that of the whole batch") {
  check_equals_whole_batch([] { return net_with(nn::BatchRenorm2d({.num_features = channels})); });
}

TEST_CASE("shards: the last statistics and gradients of batch norm are those of each shard") {
  auto ghost = batch_normed(), one = batch_normed();
  const data::Batch batch = batch_of(16, float32);
  const State found = sharded(ghost, batch, 2);
  Tensor sum;
  for (const int64_t half : {0, 1}) {
    Tape tape;
    const Tensor loss =
        nn::cross_entropy(one(narrow(batch.x, 0, 8 * half, 8)), narrow(batch.y, 0, 8 * half, 8));
    const Tensor g = grad(loss, {one.named_parameters()[0].tensor})[0] * 0.5;
    sum = sum.defined() ? sum + g : g;
  }
  const std::string first = one.named_parameters()[0].name;
  CHECK(allclose(found.at(first), sum, {.rtol = 1e-4, .atol = 1e-6}));
  // Running statistics cover the whole batch all the same.
  auto reference = batch_normed();
  const State expected = whole(reference, batch);
  for (const char* name : {"1.running_mean", "1.running_var", "1.num_batches_tracked"}) {
    INFO(name);
    CHECK(allclose(found.at(name).to(float64), expected.at(name).to(float64),
                   {.rtol = 1e-5, .atol = 1e-7}));
  }
}

TEST_CASE("shards: synchronized batch norm has the second derivatives of the whole batch") {
  for (const NormForm form : {NormForm::fused, NormForm::composed}) {
    for (const int64_t n : {12, 5}) {
      auto one = batch_normed(), other = batch_normed();
      for (auto* net : {&one, &other}) {
        net->to(float64);
        nn::set_norm_form(*net, form);
      }
      nn::convert_sync_batchnorm(other);
      const data::Batch batch = batch_of(n, float64);
      // A penalty on the gradient with respect to the images, as in WGAN-GP.
      const auto penalty = [](nn::Module& net, const Tensor& images) {
        const Tensor x = images.clone().requires_grad_();
        const Tensor score = sum(square(net(x)));
        return sum(square(grad(score, {x}, {.create_graph = true})[0]));
      };
      {
        Tape tape;
        tape.backward(penalty(one, batch.x) / static_cast<double>(n));
      }
      DataParallel parallel(other, {.shards = 4});
      parallel.step(
          n, [&](const Shard& shard) -> ShardSums { return {penalty(other, shard.of(batch.x))}; });
      check_close(state_of(other), state_of(one), 1e-10);
    }
  }
}

TEST_CASE("shards: the same bits on any number of threads") {
  for (const bool synchronized : {false, true}) {
    State expected;
    for (const int threads : {1, 2, 5}) {
      const ThreadsScope scope(threads);
      auto net = batch_normed(0.3);
      if (synchronized) nn::convert_sync_batchnorm(net);
      manual_seed(11);
      DataParallel parallel(net, {.shards = 8});
      Adam adam(net.named_parameters());
      for (int i = 0; i < 3; ++i) {
        adam.zero_grad();
        step(net, parallel, batch_of(21, float32));
        adam.step();
      }
      if (expected.empty()) expected = state_of(net);
      check_same_bits(state_of(net), expected);
    }
  }
}

TEST_CASE("shards: each step and each shard drops out other elements") {
  nn::Dropout dropout({.p = 0.5});
  nn::Sequential net(nn::Linear(1, 1), std::move(dropout));
  manual_seed(1);
  DataParallel parallel(net, {.shards = 4});
  std::vector<Tensor> masks(4);
  const auto run = [&] {
    parallel.step(4 * 32, [&](const Shard& shard) -> ShardSums {
      const Tensor y = net(ones({shard.size, 1}));
      masks[static_cast<size_t>(shard.index)] = ne(y.detach(), 0);
      return {sum(y)};
    });
    return masks;
  };
  const std::vector<Tensor> first = run(), second = run();
  CHECK_FALSE(same_bits(first[0], first[1]));
  CHECK_FALSE(same_bits(first[2], first[3]));
  CHECK_FALSE(same_bits(first[0], second[0]));
  manual_seed(1);
  CHECK(same_bits(run()[3], first[3]));
}

TEST_CASE("shards: losses and sums are those of the batch, and every sample is in one shard") {
  auto net = batch_normed(), other = batch_normed();
  const data::Batch batch = batch_of(21, float64);
  for (auto* n : {&net, &other}) n->to(float64), n->eval();
  DataParallel parallel(net, {.shards = 8});
  const auto result = step(net, parallel, batch);
  CHECK(result.loss == doctest::Approx(nn::cross_entropy(other(batch.x), batch.y).item()));
  CHECK(result.values == std::vector<double>{21});
}

TEST_CASE("shards: gradients add to those that are there") {
  auto net = batch_normed();
  DataParallel parallel(net, {.shards = 2});
  step(net, parallel, batch_of(8, float32));
  const Tensor once = net.named_parameters()[0].tensor.grad().clone();
  net.eval();
  step(net, parallel, batch_of(8, float32));
  CHECK_FALSE(same_bits(net.named_parameters()[0].tensor.grad(), once));
  net.named_parameters()[0].tensor.requires_grad_(false);
  step(net, parallel, batch_of(8, float32));  // a parameter that asks for none is left out
}

TEST_CASE("shards: the error of one shard is the error of the step, and the next step runs") {
  auto net = batch_normed();
  for (const bool synchronized : {false, true}) {
    if (synchronized) nn::convert_sync_batchnorm(net);
    DataParallel parallel(net, {.shards = 8});
    const data::Batch batch = batch_of(16, float32);
    const std::string text = message_of([&] {
      parallel.step(16, [&](const Shard& shard) -> ShardSums {
        if (shard.index == 5) throw ValueError("test", "shard 5 has had enough", "let it go");
        return {sum(net(shard.of(batch.x)))};
      });
    });
    CHECK(text == "[test] shard 5 has had enough. Hint: let it go");
    step(net, parallel, batch);
    CHECK(net.named_parameters()[0].tensor.grad().defined());
  }
}

TEST_CASE("shards: what is wrong is said") {
  auto net = batch_normed();
  CHECK(message_of([&] { DataParallel(net, {.shards = 0}); }) ==
        "[data_parallel] expected at least 1 shard, got 0. Hint: 8 are usual");
  DataParallel parallel(net, {.shards = 4});
  const data::Batch batch = batch_of(8, float32);
  CHECK(message_of([&] {
          parallel.step(8, [&](const Shard& s) -> ShardSums { return {net(s.of(batch.x))}; });
        }) ==
        "[data_parallel] expected a loss with one element, got [2,3]. Hint: return the sum of "
        "the losses of the shard's samples");
  CHECK(message_of([&] {
          step(net, parallel, {batch.x, zeros({0}, int64)});
        }) ==
        "[data_parallel] a batch of 0 samples has no gradient. Hint: it counts the samples of all "
        "ranks");
  nn::convert_sync_batchnorm(net);
  CHECK(message_of([&] {
          parallel.step(8, [&](const Shard& s) -> ShardSums {
            return {sum(s.index == 2 ? net.named_parameters()[0].tensor : net(s.of(batch.x)))};
          });
        }).ends_with("Hint: the calls of each shard must be the same"));
  nn::Sequential spectral(nn::SpectralNorm<nn::Linear>(nn::Linear(3, 3)));
  CHECK(message_of([&] { DataParallel(spectral, {}); }) ==
        "[data_parallel] (0) SpectralNormLinear changes its buffers in each forward, which shards "
        "would do several times. Hint: train it without shards");
}

TEST_CASE("a loader reads the part of a batch that a process computes") {
  const data::Batch all = batch_of(21, float32);
  const auto dataset = data::share(data::TensorDataset(all.x, all.y));
  const auto batches = [&](std::pair<int64_t, int64_t> shards) {
    data::LoaderOptions options{
        .batch_size = 8, .seed = 5, .transform = data::RandomShift{.pixels = 1}};
    if (shards.second > 0) {
      options.part = [shards](int64_t n) {
        return std::pair{n * shards.first / 8, n * shards.second / 8};
      };
    }
    data::DataLoader loader(dataset, options);
    std::vector<data::Batch> list;
    for (const data::Batch& b : loader) list.push_back(b);
    return list;
  };
  const auto whole_ones = batches({0, 0}), first = batches({0, 3}), rest = batches({3, 8}),
             least = batches({0, 1});
  for (size_t i = 0; i < whole_ones.size(); ++i) {
    CHECK(same_bits(cat({first[i].x, rest[i].x}), whole_ones[i].x));
    CHECK(same_bits(cat({first[i].y, rest[i].y}), whole_ones[i].y));
  }
  CHECK(least.back().x.shape() == Shape{0, 2, 6, 6});  // of 5 samples, an eighth is none
}

TEST_CASE("statistics of groups merge to those of all values") {
  Rng random(1);
  const Tensor x = randn({10, 3}, random, float64) + 100.0;
  const auto row = [&](int64_t begin, int64_t n) {
    const Tensor part = narrow(x, 0, begin, n);
    if (n == 0) return zeros({7}, float64);
    return cat({full({1}, static_cast<double>(n), float64), mean(part, {0}),
                var(part, {0}, 0) * static_cast<double>(n)});
  };
  const auto merged =
      distributed::merge_statistics(stack({row(0, 1), row(1, 0), row(1, 6), row(7, 3)}));
  CHECK(merged.count == 10);
  CHECK(allclose(merged.mean, mean(x, {0}), {.rtol = 1e-14, .atol = 0}));
  CHECK(allclose(merged.variance, var(x, {0}, 0), {.rtol = 1e-12, .atol = 0}));
}
