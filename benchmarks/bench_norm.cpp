// Forward and backward passes of norm layers, against a plain copy of the same bytes and, if the
// program was built with it, against PyTorch. The columns of a row are measured in turns, a few
// calls each, so that their ratios are meaningful even on a busy machine.
//
//   bench_norm [rounds [threads]]
#include <gradus/gradus.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>

#include "norm_peer.h"

namespace {

using namespace gradus;
using bench::NormKind;

struct Row {
  NormKind kind;
  const char* name;
  Shape shape;
  double target;  // times as fast as PyTorch
};

const Row rows[] = {
    {NormKind::batch, "BatchNorm2d", {64, 64, 28, 28}, 2},
    {NormKind::batch, "BatchNorm2d", {64, 32, 28, 28}, 2},
    {NormKind::batch, "BatchNorm2d", {64, 64, 14, 14}, 2},
    {NormKind::instance, "InstanceNorm2d", {64, 64, 28, 28}, 2},
    {NormKind::instance, "InstanceNorm2d", {64, 32, 28, 28}, 2},
    {NormKind::instance, "InstanceNorm2d", {64, 64, 14, 14}, 2},
    {NormKind::group, "GroupNorm 8", {64, 64, 28, 28}, 1.5},
    {NormKind::group, "GroupNorm 8", {64, 32, 28, 28}, 1.5},
    {NormKind::group, "GroupNorm 8", {64, 64, 14, 14}, 1.5},
    {NormKind::layer, "LayerNorm", {4096, 512}, 1.5},
    {NormKind::layer, "LayerNorm", {64, 64, 28, 28}, 1.5},
};

std::unique_ptr<nn::NormLayer> make_layer(const Row& row) {
  switch (row.kind) {
    case NormKind::batch:
      return std::make_unique<nn::BatchNorm2d>(row.shape[1]);
    case NormKind::instance:
      return std::make_unique<nn::InstanceNorm2d>(
          nn::InstanceNorm2dOptions{.num_features = row.shape[1], .affine = true});
    case NormKind::group:
      return std::make_unique<nn::GroupNorm>(bench::groups, row.shape[1]);
    case NormKind::layer:
      break;
  }
  Shape normalized;
  for (int d = 1; d < row.shape.dim(); ++d) normalized.push_back(row.shape[d]);
  return std::make_unique<nn::LayerNorm>(nn::LayerNormOptions{normalized});
}

/// One forward and backward pass, with gradients of input, weight and bias.
std::function<void()> own_step(const Row& row) {
  Rng generator(1);
  const std::shared_ptr<nn::NormLayer> layer = make_layer(row);
  Tensor x = randn(row.shape, generator);
  x.requires_grad_();
  const Tensor g = randn(row.shape, generator);
  return [layer, x, g]() mutable {
    Tape tape;
    tape.backward((*layer)(x), {.gradient = g});
    x.set_grad({});
    layer->zero_grad();
  };
}

void copy_some(Tensor& to, const Tensor& from, int64_t bytes) {
  auto* const target = static_cast<std::byte*>(to.raw_mutable_data());
  const auto* const source = static_cast<const std::byte*>(from.raw_data());
  parallel_for(bytes, 1 << 17, [=](int64_t begin, int64_t end) {
    std::memcpy(target + begin, source + begin, static_cast<size_t>(end - begin));
  });
}

/// The unavoidable traffic: x is read, y written; x and g are read, dx is written. A copy reads as
/// much as it writes, so the second read of x counts as half a copy.
std::function<void()> copy_step(const Row& row) {
  const Tensor x = ones(row.shape), g = ones(row.shape);
  Tensor y = ones(row.shape), dx = ones(row.shape);
  return [x, g, y, dx]() mutable {
    copy_some(y, x, x.nbytes());
    copy_some(dx, g, x.nbytes());
    copy_some(y, x, x.nbytes() / 2);
  };
}

/// The best of a few calls in a row, after one that warms up the caches.
double milliseconds(const std::function<void()>& step) {
  step();
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    step();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    best = std::min(best, time.count());
  }
  // Threads of the peer may spin for a while when they are done.
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return best;
}

void run(const Row& row, int rounds) {
  const std::function<void()> steps[] = {own_step(row), copy_step(row),
                                         bench::peer_step(row.kind, row.shape)};
  double best[3] = {1e9, 1e9, 1e9};
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < 3; ++i) {
      if (steps[i]) best[i] = std::min(best[i], milliseconds(steps[i]));
    }
  }
  std::printf("%-15s %-14s %9.3f %9.3f %7.0f %%", row.name, row.shape.to_string().c_str(), best[0],
              best[1], 100 * best[1] / best[0]);
  if (steps[2]) std::printf(" %9.3f %7.2f  (%.1f)", best[2], best[2] / best[0], row.target);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 2;
  set_num_threads(threads);
  bench::set_peer_threads(threads);
  std::printf("forward + backward in ms, best of %d rounds, %d threads\n", rounds, threads);
  std::printf("%-15s %-14s %9s %9s %9s%s\n", "layer", "input", "gradus", "copy", "of copy",
              bench::peer_step(NormKind::layer, {2, 2}) ? "   PyTorch   ratio  (target)" : "");
  for (const Row& row : rows) run(row, rounds);
}
