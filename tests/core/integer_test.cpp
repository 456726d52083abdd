// Whole numbers: conversion to them, arithmetic that wraps around, powers.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../../core/ops.h"
#include "../support/errors.h"
#include "../support/isa.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int64_t largest64 = std::numeric_limits<int64_t>::max();
constexpr int64_t least64 = std::numeric_limits<int64_t>::min();
constexpr int32_t largest32 = std::numeric_limits<int32_t>::max();
constexpr int32_t least32 = std::numeric_limits<int32_t>::min();

using Longs = std::vector<int64_t>;
using Ints = std::vector<int32_t>;
using Bytes = std::vector<uint8_t>;

}  // namespace

// --- Conversion ---

TEST_CASE("fractions are cut off when floats become whole numbers") {
  const Tensor x = tensor({-1.9, -0.5, 0.0, 1.5, 2147483647.9});
  CHECK(x.to(int64).to_vector<int64_t>() == Longs{-1, 0, 0, 1, 2147483647});
  CHECK(x.to(int32).to_vector<int32_t>() == Ints{-1, 0, 0, 1, largest32});
  CHECK(tensor({-0.9F, 255.9F}).to(uint8).to_vector<uint8_t>() == Bytes{0, 255});
  CHECK(tensor({-2147483648.9}).to(int32).to_vector<int32_t>() == Ints{least32});
  CHECK(tensor({-0x1p31F}).to(int32).to_vector<int32_t>() == Ints{least32});
  CHECK(tensor({-0x1p63, 0x1.fffffffffffffp62}).to(int64).to_vector<int64_t>() ==
        Longs{least64, 9223372036854774784});
}

TEST_CASE("what a whole number cannot hold is an error that names it") {
  const double nan = std::nan("");
  CHECK(message_of([&] {
          tensor({1.0, nan}).to(int64);
        }) ==
        "[to] nan does not fit int64: the tensor is float64 [2]. Hint: int64 goes from "
        "-9223372036854775808 to 9223372036854775807; clamp() first, and where() replaces NaN");
  CHECK(message_of([&] { tensor({3e10F}).to(int32); }) ==
        "[to] 3e+10 does not fit int32: the tensor is float32 [1]. Hint: int32 goes from "
        "-2147483648 to 2147483647; clamp() first, and where() replaces NaN");
  for (const double value : {256.0, -1.0, double{INFINITY}, -nan}) {
    CAPTURE(value);
    CHECK_THROWS_AS(tensor({value}).to(uint8), ValueError);
  }
  for (const double value : {0x1p63, -0x1.0000000000001p63, 1e300, -double{INFINITY}}) {
    CAPTURE(value);
    CHECK_THROWS_AS(tensor({value}).to(int64), ValueError);
  }
  CHECK_THROWS_AS(tensor({0x1p31F}).to(int32), ValueError);
  CHECK_THROWS_AS(tensor({0x1p63F}).to(int64), ValueError);
}

TEST_CASE("whole numbers that a narrower type cannot hold are an error too") {
  CHECK(tensor<int64_t>({least32, largest32}).to(int32).to_vector<int32_t>() ==
        Ints{least32, largest32});
  CHECK(tensor<int32_t>({0, 255}).to(uint8).to_vector<uint8_t>() == Bytes{0, 255});
  CHECK_THROWS_AS(tensor<int64_t>({int64_t{largest32} + 1}).to(int32), ValueError);
  CHECK_THROWS_AS(tensor<int64_t>({largest64}).to(uint8), ValueError);
  CHECK_THROWS_AS(tensor<int32_t>({-1}).to(uint8), ValueError);
  CHECK_THROWS_AS(tensor<int32_t>({256}).to(uint8), ValueError);
}

TEST_CASE("one number out of range is found in a large tensor, and in one with strides") {
  Tensor x = zeros({300, 301});
  x.narrow(0, 299, 1).narrow(1, 300, 1).fill_(NAN);
  CHECK_THROWS_AS(x.to(int32), ValueError);
  CHECK_THROWS_AS(x.transpose(0, 1).to(int32), ValueError);
  CHECK(x.narrow(1, 0, 300).to(int32).numel() == 90000);
}

TEST_CASE("to bool, everything but zero is true, as is NaN") {
  CHECK(tensor({0.0, -0.0, 1e300, std::nan("")}).to(boolean).to_vector<bool>() ==
        std::vector<bool>{false, false, true, true});
}

// --- Arithmetic ---

TEST_CASE("whole numbers wrap around, as they do everywhere in the field") {
  with_every_isa([] {
    const Tensor a = tensor<int64_t>({largest64, least64, least64});
    const Tensor b = tensor<int64_t>({1, -1, least64});
    CHECK(add(a, b).to_vector<int64_t>() == Longs{least64, largest64, 0});
    CHECK(sub(b, a).to_vector<int64_t>() == Longs{least64 + 2, largest64, 0});
    CHECK(mul(a, 2).to_vector<int64_t>() == Longs{-2, 0, 0});
    CHECK(neg(a).to_vector<int64_t>() == Longs{-largest64, least64, least64});
    CHECK(abs(a).to_vector<int64_t>() == Longs{largest64, least64, least64});
    CHECK(square(a).to_vector<int64_t>() == Longs{1, 0, 0});

    const Tensor i = tensor<int32_t>({largest32, least32});
    CHECK(add(i, i).to_vector<int32_t>() == Ints{-2, 0});
    CHECK(mul(i, i).to_vector<int32_t>() == Ints{1, 0});
    CHECK(neg(i).to_vector<int32_t>() == Ints{-largest32, least32});
    CHECK(tensor<int32_t>({largest32}).add_(tensor<int32_t>({2}), 3).to_vector<int32_t>() ==
          Ints{least32 + 5});

    const Tensor u = tensor<uint8_t>({255, 0});
    CHECK(add(u, 1).to_vector<uint8_t>() == Bytes{0, 1});
    CHECK(sub(u, 1).to_vector<uint8_t>() == Bytes{254, 255});
    CHECK(mul(u, u).to_vector<uint8_t>() == Bytes{1, 0});
  });
}

TEST_CASE("sums and products of whole numbers wrap around") {
  with_every_isa([] {
    const Tensor x = tensor<int64_t>({largest64, 1, 5});
    CHECK(sum(x).to_vector<int64_t>() == Longs{least64 + 5});
    CHECK(cumsum(x, 0).to_vector<int64_t>() == Longs{largest64, least64, least64 + 5});
    CHECK(prod(tensor<int64_t>({largest64, 3})).to_vector<int64_t>() == Longs{largest64 - 2});
    CHECK(sum(full({70, 40}, 0x1p62, int64), {0}).to_vector<int64_t>()[39] ==
          static_cast<int64_t>(70 * (uint64_t{1} << 62)));
  });
}

TEST_CASE("scattered whole numbers wrap around") {
  const Tensor index = zeros({2}, int64);
  CHECK(scatter_add({1}, 0, index, tensor<int64_t>({largest64, 1})).to_vector<int64_t>() ==
        Longs{least64});
}

// --- Powers ---

TEST_CASE("whole numbers have powers") {
  with_every_isa([] {
    CHECK(pow(tensor<int64_t>({-3, 0, 2, 10}), 3).to_vector<int64_t>() == Longs{-27, 0, 8, 1000});
    CHECK(pow(tensor<int64_t>({-3, 0, 2}), 0).to_vector<int64_t>() == Longs{1, 1, 1});
    CHECK(pow(2, tensor<int64_t>({0, 1, 62, 63, 64})).to_vector<int64_t>() ==
          Longs{1, 2, int64_t{1} << 62, least64, 0});
    CHECK(pow(tensor<int32_t>({3, 7}), tensor<int32_t>({20, 1})).to_vector<int32_t>() ==
          Ints{static_cast<int32_t>(3486784401U), 7});
    CHECK(pow(tensor<uint8_t>({2, 3}), 8).to_vector<uint8_t>() == Bytes{0, 161});
    CHECK(pow(tensor<int64_t>({-1, 1}), 0x1p62).to_vector<int64_t>() == Longs{1, 1});
  });
}

TEST_CASE("whole numbers have no negative powers") {
  CHECK(message_of([] {
          pow(tensor<int64_t>({2, 3}), -1);
        }) ==
        "[pow] a negative power of a whole number: int64 [2] and [] with a -1 in it. Hint: whole "
        "numbers have no fractions; convert with .to(float32)");
  CHECK_THROWS_AS(pow(tensor<int32_t>({2, 3}), tensor<int32_t>({2, -3})), ValueError);
  CHECK_THROWS_AS(pow(tensor<int64_t>({2}), 0.5), DTypeError);
}
