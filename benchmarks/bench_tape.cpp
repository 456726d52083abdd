// The cost of recording an operation on the tape and replaying it, on tensors so small that nothing
// else matters. "items_per_second" are recorded operations, forward and backward together.
#include <benchmark/benchmark.h>

#include <gradus/core/ops.h>
#include <gradus/core/tape.h>

namespace {

using namespace gradus;

/// A chain of `length` additions, with or without a tape.
Tensor chain(Tensor y, const Tensor& step, int64_t length) {
  for (int64_t i = 0; i < length; ++i) y = add(y, step);
  return y;
}

void forward_only(benchmark::State& state) {
  const Tensor x = tensor({1.0F}), step = tensor({1e-6F});
  for (auto _ : state) benchmark::DoNotOptimize(chain(x, step, state.range(0)));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void recorded(benchmark::State& state) {
  Tensor x = tensor({1.0F});
  x.requires_grad_();
  const Tensor step = tensor({1e-6F});
  for (auto _ : state) {
    Tape tape;
    tape.backward(chain(x, step, state.range(0)));
    x.set_grad({});
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(forward_only)->Name("add/tiny/no_tape")->Arg(1000);
BENCHMARK(recorded)->Name("add/tiny/fwd+bwd")->Arg(1000)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
