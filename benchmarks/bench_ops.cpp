// Every operation, layer and optimizer, forward and backward separately, with the share of what the
// machine can do. Names are operation/variant/shape/fwd or .../bwd:
//
//   bench_ops --benchmark_filter='batch_norm/.*' --benchmark_format=json
//
// GRADUS_NUM_THREADS sets the number of threads. Operations are the rows of tests/op_table, which
// has all of them; rows named "denormal" compare such input with normal input ("times_ordinary",
// which should be near 1). A layer type without a benchmark is named when the program starts.
#include <benchmark/benchmark.h>

#include <gradus/gradus.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "../tests/op_table/op_table.h"
#include "all_layers.h"
#include "measure.h"
#include "subject.h"

namespace {

using namespace gradus;
using namespace gradus::bench;

using MakeSubject = std::function<Subject()>;

// --- What is measured ---

Subject make_subject(const op_table::Row& row) {
  Subject subject;
  op_table::Tensors inputs = op_table::make_inputs(row, float32, op_table::Size::large);
  for (Tensor& x : inputs) {
    if (is_floating(x.dtype())) subject.leaves.push_back(x.requires_grad_());
  }
  subject.forward = [call = row.call, inputs] { return call(inputs); };
  const Tape tape;  // some rows differentiate within
  Rng generator(1);
  const Tensor y = subject.forward();
  subject.gradient = randn(y.shape(), generator, y.dtype());
  return subject;
}

/// "where(mask, a, b)" at [8,70,101] as "where/where(mask,a,b)/8x70x101".
std::string name_of(const op_table::Row& row) {
  const op_table::Input& input = row.inputs.at(0);
  LayerCase names{.op = row.op.empty() ? "composed" : row.op};
  for (char c : row.form) {
    if (c != ' ') names.variant += c == '/' ? ':' : c;  // slashes separate the parts
  }
  const Shape& shape = input.large.empty() ? input.shape : input.large;
  names.input.assign(shape.begin(), shape.end());
  return names.name();
}

// --- Measuring ---

const Ceilings& ceilings() {
  static const Ceilings measured = measure_ceilings();
  return measured;
}

/// Runs `pass`, which returns the measured seconds of one pass, and reports rates.
template <class F>
void measure(benchmark::State& state, ProfileCost cost, const F& pass) {
  double seconds = 0;
  for (auto _ : state) {
    const double taken = pass();
    state.SetIterationTime(taken);
    seconds += taken;
  }
  cost.seconds = seconds / static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = cost.gflops();
  state.counters["GB/s"] = cost.gbytes();
  state.counters["of_peak"] = cost.share_of(ceilings());
}

void forward(benchmark::State& state, const MakeSubject& make) {
  Subject subject = make();
  measure(state, subject.profile().total().forward, [&] {
    const Clock::time_point begin = Clock::now();
    const Tape tape;
    const Tensor y = subject.forward();
    return seconds_since(begin);
  });
}

void backward(benchmark::State& state, const MakeSubject& make) {
  Subject subject = make();
  measure(state, subject.profile().total().backward, [&] {
    Tape tape;
    const Tensor y = subject.forward();
    const Clock::time_point begin = Clock::now();
    tape.backward(y, {.gradient = subject.gradient});
    const double taken = seconds_since(begin);
    subject.drop_gradients();
    return taken;
  });
}

void optimizer_step(benchmark::State& state, const LayerCase& layer) {
  const std::function<void()> step = make_optimizer_step(layer);
  for (auto _ : state) {
    const Clock::time_point begin = Clock::now();
    step();
    state.SetIterationTime(seconds_since(begin));
  }
}

/// Times `run` on denormal numbers, and reports the ratio to its time on normal ones.
void denormal(benchmark::State& state, const Shape& shape,
              const std::function<void(const Tensor&)>& run) {
  Rng generator(1);
  const Tensor ordinary = randn(shape, generator);
  set_flush_denormals(false);  // for the conversion, which would make zeros of them
  const Tensor inputs[] = {ordinary, to(to(ordinary, float64) * 1e-40, float32)};
  set_flush_denormals(true);
  double seconds[2] = {};
  for (auto _ : state) {
    for (int i = 0; i < 2; ++i) {
      const Clock::time_point begin = Clock::now();
      run(inputs[i]);
      const double taken = seconds_since(begin);
      seconds[i] += taken;
      if (i == 1) state.SetIterationTime(taken);
    }
  }
  state.counters["times_ordinary"] = seconds[1] / seconds[0];
}

// --- Registering ---

template <class F>
void add_benchmark(const std::string& name, const F& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void add_both(const std::string& name, const MakeSubject& make) {
  add_benchmark(name + "/fwd", [make](benchmark::State& state) { forward(state, make); });
  add_benchmark(name + "/bwd", [make](benchmark::State& state) { backward(state, make); });
}

void add_layer(const LayerCase& layer) {
  if (is_optimizer(layer)) {
    add_benchmark(layer.name() + "/step",
                  [layer](benchmark::State& state) { optimizer_step(state, layer); });
  } else {
    add_both(layer.name(), [layer] { return bench::make_subject(layer); });
  }
}

/// The operations that are slow with denormal numbers unless kernels flush them.
void add_denormal_input() {
  const auto add = [](const std::string& name, const Shape& shape,
                      const std::function<void(const Tensor&)>& run) {
    add_benchmark(name, [=](benchmark::State& state) { denormal(state, shape, run); });
  };
  add("matmul/denormal/512x512/fwd", {512, 512}, [](const Tensor& x) { matmul(x, x); });
  add("conv2d/denormal/16x32x28x28/fwd", {16, 32, 28, 28},
      [w = full({32, 32, 3, 3}, 0.01)](const Tensor& x) { conv2d(x, w); });
  Tensor p = zeros({1000000}).requires_grad_();
  const auto sgd = std::make_shared<optim::SGD>(NamedTensors{{"p", p}},
                                                optim::SGDOptions{.lr = 0.01, .momentum = 0.9});
  add("sgd/denormal/1000000/step", {1000000}, [p, sgd](const Tensor& x) mutable {
    p.set_grad(x);  // which copies it
    sgd->step();
  });
}

/// The usual reporter, without what Google Benchmark appends to names.
class PlainNames : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override { return inner_->ReportContext(context); }
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> renamed = runs;
    for (Run& run : renamed) run.run_name.time_type.clear();
    inner_->ReportRuns(renamed);
  }
  void Finalize() override { inner_->Finalize(); }

 private:
  std::unique_ptr<benchmark::BenchmarkReporter> inner_{benchmark::CreateDefaultDisplayReporter()};
};

void name_forgotten_layers(const std::vector<LayerCase>& cases) {
  for (const std::string& type : nn::layer_types()) {
    if (type.starts_with("MaxUnpool"))
      continue;  // takes two tensors; its operation is in the table
    const bool is_there =
        std::any_of(cases.begin(), cases.end(), [&](const LayerCase& c) { return c.type == type; });
    if (!is_there) std::cerr << "bench_ops: no benchmark for layer " << type << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  // There are hundreds of benchmarks: each is short, unless an argument says otherwise.
  std::string short_runs = "--benchmark_min_time=0.1";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + std::min(argc, 1), short_runs.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  const std::vector<LayerCase> cases = all_layer_cases();
  name_forgotten_layers(cases);
  for (const LayerCase& layer : cases) add_layer(layer);
  add_denormal_input();
  for (const op_table::Row& row : op_table::rows()) {
    add_both(name_of(row), [&row] { return make_subject(row); });
  }
  benchmark::AddCustomContext("threads", std::to_string(num_threads()));
  benchmark::AddCustomContext("peak GFLOP/s", std::to_string(ceilings().gflops));
  benchmark::AddCustomContext("peak GB/s", std::to_string(ceilings().gbytes));
  PlainNames reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
