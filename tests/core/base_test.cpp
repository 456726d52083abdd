#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <set>
#include <thread>

#include "../../core/base/error.h"
#include "../../core/base/parallel_for.h"
#include "../../core/base/random.h"
#include "../../core/base/shape.h"
#include "../../core/ops.h"
#include "../../core/simd/isa.h"
#include "../support/isa.h"

using namespace gradus;

TEST_CASE("an error names operation, module path and hint") {
  Error error("conv2d", "expected 3 input channels, got 1", "look at the input");
  CHECK(std::string(error.what()) ==
        "[conv2d] expected 3 input channels, got 1. Hint: look at the input");
  error.add_module("conv");
  error.add_module("layer1");
  CHECK(std::string(error.what()) ==
        "[conv2d] (layer1.conv) expected 3 input channels, got 1. Hint: look at the input");
  CHECK(error.module_path() == "layer1.conv");
}

TEST_CASE("shapes broadcast as in NumPy") {
  CHECK(broadcast_shapes("add", {3, 1}, {4}) == Shape{3, 4});
  CHECK(broadcast_shapes("add", {}, {2, 0}) == Shape{2, 0});
  CHECK(broadcast_shapes("add", {1}, {0}) == Shape{0});
  CHECK_THROWS_WITH_AS(broadcast_shapes("add", {3, 2}, {4, 2}),
                       "[add] shapes [3,2] and [4,2] do not broadcast: 3 against 4 in dimension "
                       "-2. Hint: sizes must "
                       "be equal or 1, compared from the last dimension backwards",
                       ShapeError);
}

TEST_CASE("the strides of an empty shape do not overflow") {
  const int64_t big = int64_t{1} << 40;
  CHECK(Tensor::empty({0, big, big}).numel() == 0);
}

TEST_CASE("an empty tensor is contiguous, whatever its other sizes") {
  CHECK(zeros({0, 3, 2}).is_contiguous());
  CHECK(zeros({4, 0, 4967296, 4294967296}).is_contiguous());
}

TEST_CASE("a shape holds eight dimensions") {
  CHECK(Shape::filled(8, 2).numel() == 256);
  CHECK_THROWS_AS(Shape::filled(9, 1), ShapeError);
  CHECK_THROWS_AS((Shape{1 << 30, 1 << 30, 1 << 30}.numel()), ShapeError);
}

TEST_CASE("Philox gives the numbers of its authors") {
  // Known answers of the Random123 distribution for philox4x32-10.
  CHECK(philox(0, 0, 0) == std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(~0ULL, ~0ULL, ~0ULL) ==
        std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("many random numbers are the words of the stream, from any position on") {
  gradus::test::with_every_isa([] {
    for (uint64_t position : {0U, 1U, 2U, 3U, 254U, 1'000'003U}) {
      Rng g(7, Stream::dropout);
      g.position = position;
      const Rng start = g;
      const Tensor uniform = rand({3001}, g), kept = dropout(ones({3001}), 0.25, g);
      bool right = true;
      for (uint64_t i = 0; i < 3001; ++i) {
        const float u = static_cast<float>(start.word_at(i) >> 8) * 0x1p-24F;
        right = right && uniform.data<float>()[i] == u;
        const bool drops = start.word_at(3001 + i) < 0x40000000U;
        right = right && (kept.data<float>()[i] == 0) == drops;
      }
      CHECK(right);
      CHECK(g.position == position + 6002);
    }
  });
}

TEST_CASE("streams and forks differ, seeds repeat") {
  Rng a(1, Stream::init), b(1, Stream::dropout), again(1, Stream::init);
  CHECK(a.next() != b.next());
  again.next();
  CHECK(a == again);
  std::set<uint32_t> firsts;
  for (uint64_t id = 0; id < 100; ++id) firsts.insert(a.fork(id).word_at(0));
  CHECK(firsts.size() == 100);
}

TEST_CASE("below is uniform and stays below") {
  Rng g(3);
  std::array<int, 7> count{};
  for (int i = 0; i < 70'000; ++i) ++count[g.below(7)];
  for (int c : count) CHECK(std::abs(c - 10'000) < 500);
}

TEST_CASE("drawing for one purpose does not move another stream") {
  manual_seed(5);
  const Rng init = default_rng(Stream::init);
  dropout(ones({100}), 0.5, default_rng(Stream::dropout));
  CHECK(default_rng(Stream::init) == init);
  const RandomState state = random_state();
  const uint32_t next = default_rng(Stream::dropout).next();
  set_random_state(state);
  CHECK(default_rng(Stream::dropout).next() == next);
}

TEST_CASE("random tensors have the moments they should") {
  Rng g(11);
  const Tensor u = rand({200'000}, g, -1, 3, float64), n = randn({200'000}, g, float64);
  CHECK(mean(u).item() == doctest::Approx(1).epsilon(0.01));
  CHECK(mean(square(sub(u, 1))).item() == doctest::Approx(16.0 / 12).epsilon(0.01));
  CHECK(std::abs(mean(n).item()) < 0.01);
  CHECK(mean(square(n)).item() == doctest::Approx(1).epsilon(0.01));
}

TEST_CASE("random numbers do not depend on the number of threads") {
  const int before = num_threads();
  set_num_threads(1);
  Rng a(9), b(9);
  const auto one = randn({100'000}, a).to_vector<float>();
  set_num_threads(4);
  CHECK(randn({100'000}, b).to_vector<float>() == one);
  set_num_threads(before);
}

TEST_CASE("parallel_for visits every index once, in pieces that do not depend on threads") {
  const int before = num_threads();
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    std::vector<std::atomic<int>> visits(1000);
    std::atomic<int> pieces = 0;
    parallel_for(1000, 64, [&](int64_t begin, int64_t end) {
      ++pieces;
      CHECK(begin % 64 == 0);
      for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
    });
    CHECK(pieces == 16);
    for (const auto& v : visits) REQUIRE(v == 1);
  }
  set_num_threads(before);
}

TEST_CASE("parallel_for passes on an exception, and can be nested") {
  CHECK_THROWS_AS(parallel_for(100, 1,
                               [](int64_t begin, int64_t) {
                                 if (begin == 57) throw ValueError("test", "no", "yes");
                               }),
                  ValueError);
  std::atomic<int64_t> total = 0;
  parallel_for(10, 1, [&](int64_t, int64_t) {
    parallel_for(10, 1, [&](int64_t begin, int64_t) { total += begin; });
  });
  CHECK(total == 450);
}

TEST_CASE("the number of threads is checked") {
  CHECK_THROWS_AS(set_num_threads(0), ValueError);
}

TEST_CASE("elementwise results agree over all instruction sets") {
  const kernels::Isa before = kernels::isa();
  Rng g(2);
  const Tensor x = randn({1000}, g);
  kernels::set_isa(kernels::Isa::baseline);
  const auto expected = gelu(x).to_vector<float>();
  for (auto isa : {kernels::Isa::avx2, kernels::Isa::avx512}) {
    if (!kernels::is_supported(isa)) continue;
    kernels::set_isa(isa);
    const auto found = gelu(x).to_vector<float>();
    for (size_t i = 0; i < found.size(); ++i) {
      REQUIRE(found[i] == doctest::Approx(expected[i]).epsilon(1e-5));
    }
  }
  kernels::set_isa(before);
}

TEST_CASE("str writes numbers as streams do by themselves") {
  CHECK(str(1234567, ' ', 0.1, ' ', 1e-7, ' ', 1234567.0, ' ', 3.0F, ' ', 'c', ' ', "text") ==
        "1234567 0.1 1e-07 1.23457e+06 3 c text");
  CHECK(str(size_t{18446744073709551615U}, uint8_t{7}, true, false) == "18446744073709551615710");
  CHECK(str(float32, Shape{2, 3}, std::string("x")) == "float32[2,3]x");
}
