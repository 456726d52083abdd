// How fast batches are delivered: plain ones, and augmented ones with different numbers of workers.
// Images are 28 x 28 gray, as in MNIST. "items_per_second" are images.
#include <benchmark/benchmark.h>

#include <gradus/core/ops.h>
#include <gradus/datasets/loader.h>

namespace {

using namespace gradus;
using namespace gradus::data;

constexpr int64_t count = 20'000;
constexpr Normalization mnist_normalization{.mean = 0.1307, .std = 0.3081};

/// Any bytes will do: none of the transforms looks at them.
DatasetPtr images() {
  static const DatasetPtr dataset = [] {
    Rng random(1);
    const Tensor x = to(rand({count, 1, 28, 28}, random, 0, 256), uint8);
    return share(TensorDataset(x, zeros({count}, int64), {mnist_normalization}));
  }();
  return dataset;
}

/// One epoch per iteration; the consumer does nothing with the batches.
void epochs(benchmark::State& state, const Transform& transform) {
  DataLoader loader(images(), {.batch_size = 64,
                               .prefetch = 4,
                               .num_workers = static_cast<int>(state.range(0)),
                               .transform = transform});
  for (auto _ : state) {
    for (const Batch& batch : loader) benchmark::DoNotOptimize(batch.x.raw_data());
  }
  state.SetItemsProcessed(state.iterations() * count);
}

/// One image after the other in the calling thread.
void single(benchmark::State& state, const Transform& transform) {
  const Tensor image = images()->get(0).x;
  Rng random(1, Stream::augmentation);
  for (auto _ : state) benchmark::DoNotOptimize(transform(image, random).raw_data());
  state.SetItemsProcessed(state.iterations());
}

const Compose shift_rotate{{RandomAffine{.degrees = 10}, RandomShift{.pixels = 2}}};

void workers(benchmark::internal::Benchmark* bench) {
  bench->ArgName("workers")->Arg(0)->Arg(1)->Arg(2)->UseRealTime()->MinTime(0.5);
}

BENCHMARK_CAPTURE(epochs, plain, Transform{})->Name("loader/plain")->Apply(workers);
BENCHMARK_CAPTURE(epochs, augmented, Transform(shift_rotate))
    ->Name("loader/shift+rotate")
    ->Apply(workers);
BENCHMARK_CAPTURE(single, shift, Transform(RandomShift{}))->Name("transform/shift");
BENCHMARK_CAPTURE(single, rotate, Transform(RandomRotation{}))->Name("transform/rotate");
BENCHMARK_CAPTURE(single, elastic, Transform(ElasticTransform{}))->Name("transform/elastic");
BENCHMARK_CAPTURE(single, erase, Transform(RandomErasing{.p = 1}))->Name("transform/erase");
BENCHMARK_CAPTURE(single, crop, Transform(RandomCrop{.size = {28, 28}, .padding = 4}))
    ->Name("transform/crop");

}  // namespace

BENCHMARK_MAIN();
