// Numbers below the normal ones: zero in kernels, on every thread and instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <vector>

#include "../../core/base/denormals.h"
#include "../../core/conv/conv.h"
#include "../../core/ops.h"
#include "../../optim/sgd.h"
#include "../support/isa.h"
#include "../support/threads.h"

using namespace gradus;

namespace {

constexpr float least_normal = std::numeric_limits<float>::min();

/// A product that cannot be known to the compiler.
float product(float a, float b) {
  const volatile float left = a, right = b;
  return left * right;
}

/// Whether this thread, outside of kernels, has gradual underflow: results and operands.
bool underflow_is_gradual() {
  return product(least_normal, 0.5F) != 0 && product(least_normal / 4, 1024.0F) != 0;
}

class FlushScope {
 public:
  explicit FlushScope(bool on) : before_(flush_denormals()) { set_flush_denormals(on); }
  ~FlushScope() { set_flush_denormals(before_); }
  FlushScope(const FlushScope&) = delete;
  FlushScope& operator=(const FlushScope&) = delete;

 private:
  bool before_;
};

/// With every instruction set, on one thread and on two.
void everywhere(const std::function<void()>& body) {
  test::with_every_isa([&] {
    for (const int threads : {1, 2}) {
      CAPTURE(threads);
      const test::ThreadsScope scope(threads);
      body();
    }
  });
}

Tensor denormal(const Shape& shape) {
  return full(shape, 1e-40);
}

/// Whether all elements are `value` or -`value`, by their bits: a comparison may flush, too.
bool all_are(float value, const Tensor& x) {
  const std::vector<float> v = x.contiguous().to_vector<float>();
  return std::all_of(v.begin(), v.end(), [value](float e) {
    return std::bit_cast<uint32_t>(std::abs(e)) == std::bit_cast<uint32_t>(value);
  });
}

Tensor normal(const Shape& shape, uint64_t seed = 1) {
  Rng rng(seed);
  return randn(shape, rng);
}

}  // namespace

TEST_CASE("a buffer of SGD fades to exactly zero, and never becomes denormal") {
  everywhere([] {
    const int64_t n = 40000;  // for several threads
    Tensor parameter = zeros({n}).requires_grad_();
    optim::SGD sgd(NamedTensors{{"p", parameter}}, {.lr = 0.1, .momentum = 0.5});
    const auto buffer_after = [&](double gradient) {
      parameter.set_grad(full({n}, gradient));
      sgd.step();
      return sgd.state_dict().back().tensor;
    };
    CHECK(all_are(1, buffer_after(1)));
    for (int i = 0; i < 140; ++i) {
      const Tensor buffer = buffer_after(0);
      const float b = *buffer.data<float>();
      REQUIRE((b == 0 || b >= least_normal));
    }
    CHECK(all_are(0, buffer_after(0)));
    CHECK(underflow_is_gradual());
  });
}

TEST_CASE("kernels read denormal numbers as zeros") {
  everywhere([] {
    CHECK(all_are(0, mul(denormal({5}), 1e20)));
    CHECK(all_are(0, mul(denormal({100000}), 1e20)));
    CHECK(all_are(0, sum(denormal({100000}))));
    CHECK(all_are(0, matmul(denormal({70, 70}), mul(normal({70, 70}), 1e20))));
    CHECK(all_are(0, matmul(denormal({1, 3}), full({3, 1}, 1e20))));
    CHECK(all_are(0, conv2d(denormal({2, 16, 12, 12}), mul(normal({16, 16, 3, 3}), 1e20))));
    CHECK(all_are(
        0, conv2d(denormal({2, 3, 12, 12}), mul(normal({2, 3, 5, 5}), 1e20), {}, {.stride = 2})));
    CHECK(all_are(0, cumsum(denormal({4, 5}), 1)));
    CHECK(underflow_is_gradual());
  });
}

TEST_CASE("kernels write zeros for denormal results") {
  everywhere([] {
    const Tensor small = full({100000}, 2e-38);
    CHECK(all_are(0, mul(small, 0.25)));
    CHECK(all_are(0, sub(small, 1.5e-38)));
    CHECK(all_are(0, square(full({7}, 1e-20))));
    CHECK(all_are(0, exp(full({7}, -100))));
    CHECK(all_are(0, to(full({7}, 1e-40, float64), float32)));
    // A sum of two pieces, each of which has a normal one.
    CHECK(all_are(0, sum(cat({full({1}, 2e-38), zeros({65535}), full({1}, -1.5e-38)}))));
    CHECK(underflow_is_gradual());
  });
}

TEST_CASE("float64 flushes below its own normal numbers, and nothing above") {
  everywhere([] {
    CHECK(mul(full({3}, 1e-300, float64), 1e-10).to_vector<double>()[0] == 0);
    CHECK(mul(full({3}, 1e-150, float64), 1e-150).to_vector<double>()[0] > 0);
  });
}

TEST_CASE("what only moves numbers keeps denormal ones") {
  const float value = denormal({1}).to_vector<float>()[0];
  CHECK(value > 0);
  const Tensor x = denormal({30, 40});
  CHECK(x.clone().to_vector<float>()[7] == value);
  CHECK(transpose(x, 0, 1).contiguous().to_vector<float>()[7] == value);
  CHECK(cat({x, x}).to_vector<float>()[1207] == value);
  CHECK(index_select(x, 0, full({2}, 3, int64)).to_vector<float>()[7] == value);
  CHECK(x.select(0, 1).select(0, 1).item() == static_cast<double>(value));
}

TEST_CASE("switched off, kernels have gradual underflow on every thread") {
  const FlushScope off(false);
  everywhere([] {
    CHECK(all_are(least_normal / 4, mul(full({100000}, least_normal), 0.25)));
    CHECK(all_are(least_normal, mul(full({100000}, least_normal / 4), 4)));
  });
}

TEST_CASE("what kernels do does not depend on the mode of the thread that calls them") {
  for (const bool on : {true, false}) {
    const FlushScope outside(on);
    const DenormalScope own_mode;
    CHECK(underflow_is_gradual() != on);
    const FlushScope inside(!on);
    const float expected = on ? least_normal / 4 : 0;
    everywhere([&] {
      CHECK(all_are(expected, mul(full({100000}, least_normal), 0.25)));
      CHECK(underflow_is_gradual() != on);  // the caller's own mode is back
    });
  }
}

TEST_CASE("the mode of a thread is restored where a loop throws") {
  for (const int threads : {1, 2}) {
    const test::ThreadsScope scope(threads);
    CHECK_THROWS_AS(parallel_for(4, 1,
                                 [](int64_t, int64_t) {
                                   if (!underflow_is_gradual()) throw std::runtime_error("flushed");
                                 }),
                    std::runtime_error);
    CHECK(underflow_is_gradual());
  }
}
