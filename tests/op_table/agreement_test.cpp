// What must not change a result: precision, layout, memory, threads, instruction sets.
#include <doctest/doctest.h>

#include <cstring>

#include "../../core/base/allocator.h"
#include "../../core/base/parallel_for.h"
#include "../../core/ops.h"
#include "../../core/simd/isa.h"
#include "op_table.h"

using namespace gradus;
using namespace gradus::op_table;

namespace {

/// Largest difference, relative to the largest element of `expected`; infinite where shapes differ
/// or something is not finite.
double difference(const Tensor& found, const Tensor& expected) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (found.defined() != expected.defined()) return infinite;
  if (!found.defined()) return 0;
  if (found.shape() != expected.shape()) return infinite;
  if (expected.numel() == 0) return 0;
  const Tensor a = found.to(float64), b = expected.to(float64);
  if (!all_finite(a) || !all_finite(b)) return infinite;
  const double size = max(abs(flatten(b))).item();
  const double error = max(abs(flatten(sub(a, b)))).item();
  return error == 0 ? 0 : error / std::max(size, 1e-3);
}

double difference(const Result& found, const Result& expected) {
  double worst = difference(found.output, expected.output);
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    worst = std::max(worst, difference(found.gradients[i], expected.gradients[i]));
  }
  return worst;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  const Tensor x = contiguous(a), y = contiguous(b);
  return x.shape() == y.shape() && x.dtype() == y.dtype() &&
         std::memcmp(x.raw_data(), y.raw_data(), static_cast<size_t>(x.nbytes())) == 0;
}

bool same_bits(const Result& a, const Result& b) {
  bool same = same_bits(a.output, b.output);
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    same = same && same_bits(a.gradients[i], b.gradients[i]);
  }
  return same;
}

/// The same elements, with the first and last dimension exchanged in memory.
Tensor transposed_copy(const Tensor& x) {
  if (x.dim() < 2) return x;
  return transpose(clone(transpose(x, 0, -1)), 0, -1);
}

/// The same elements, as every second one of a larger tensor.
Tensor sliced_copy(const Tensor& x) {
  if (x.dim() == 0) return x;
  return select(stack({x, x}, -1), -1, 1);
}

/// x with its first dimension replaced by copies of its first entry: as a view without memory of
/// its own, or as a real copy.
Tensor repeated_first(const Tensor& x, bool as_view) {
  if (x.dim() == 0 || x.size(0) == 0) return x;
  const Tensor view = expand(narrow(x, 0, 0, 1), x.shape());
  return as_view ? view : clone(view);
}

template <class F>
Tensors map(const Tensors& xs, F f) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(f(x));
  return result;
}

/// Restores what a test changes for the whole process.
struct Restore {
  int threads = num_threads();
  kernels::Isa isa = kernels::isa();
  Restore() = default;
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;
  ~Restore() {
    set_num_threads(threads);
    kernels::set_isa(isa);
    poison_allocations(false);
  }
};

/// Layout must not change what is computed; sums may be taken in another order.
constexpr double layout_tolerance = 1e-13;

}  // namespace

TEST_CASE("float32 agrees with float64 to its precision") {
  for (const Row& row : rows()) {
    const Result low = run(row, make_inputs(row, float32));
    const Result high = run(row, make_inputs(row, float64));
    const double error = difference(low, high);
    CHECK_MESSAGE(error <= row.float32_tolerance, row.form << ": " << error);
  }
}

TEST_CASE("strided inputs give what contiguous ones give") {
  for (const Row& row : rows()) {
    const Tensors inputs = make_inputs(row, float64);
    const Result expected = run(row, inputs);
    const double transposed = difference(run(row, map(inputs, transposed_copy)), expected);
    CHECK_MESSAGE(transposed <= layout_tolerance, row.form << ", transposed: " << transposed);
    const double sliced = difference(run(row, map(inputs, sliced_copy)), expected);
    CHECK_MESSAGE(sliced <= layout_tolerance, row.form << ", sliced: " << sliced);
  }
}

TEST_CASE("expanded inputs give what their copies give") {
  for (const Row& row : rows()) {
    const Tensors inputs = make_inputs(row, float64);
    const Result copies =
        run(row, map(inputs, [](const Tensor& x) { return repeated_first(x, false); }));
    const Result views =
        run(row, map(inputs, [](const Tensor& x) { return repeated_first(x, true); }));
    const double error = difference(views, copies);
    CHECK_MESSAGE(error <= layout_tolerance, row.form << ": " << error);
  }
}

TEST_CASE("every element of a result is written: fresh memory full of NaN changes nothing") {
  const Restore restore;
  for (const Row& row : rows()) {
    for (DType dtype : {float32, float64}) {
      const Tensors inputs = make_inputs(row, dtype);
      poison_allocations(false);
      const Result clean = run(row, inputs);
      poison_allocations(true);
      const Result poisoned = run(row, inputs);
      CHECK_MESSAGE(same_bits(clean, poisoned), row.form << ' ' << dtype);
    }
  }
}

TEST_CASE("one thread and two give the same bits") {
  const Restore restore;
  for (const Row& row : rows()) {
    const Tensors inputs = make_inputs(row, float32, Size::large);
    set_num_threads(1);
    const Result one = run(row, inputs);
    set_num_threads(2);
    const Result two = run(row, inputs);
    CHECK_MESSAGE(same_bits(one, two), row.form);
  }
}

TEST_CASE("all instruction sets and the plain definitions agree") {
  const Restore restore;
  for (const Row& row : rows()) {
    for (DType dtype : {float32, float64}) {
      const Tensors inputs = make_inputs(row, dtype, Size::large);
      kernels::set_isa(kernels::Isa::baseline);
      const Result baseline = run(row, inputs);
      for (kernels::Isa isa : {kernels::Isa::plain, kernels::Isa::avx2, kernels::Isa::avx512}) {
        if (!kernels::is_supported(isa)) continue;
        kernels::set_isa(isa);
        const double error = difference(run(row, inputs), baseline);
        const double tolerance = dtype == float32 ? row.float32_tolerance : 1e-12;
        CHECK_MESSAGE(error <= tolerance,
                      row.form << ' ' << dtype << ' ' << kernels::name_of(isa) << ": " << error);
      }
    }
  }
}
