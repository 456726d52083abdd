// Digits drawn by the program: for when there is no network and no data.
#pragma once

#include <cstdint>

#include "dataset.h"

namespace gradus::data {

/// Which digits synthetic_digits draws.
struct SyntheticOptions {
  uint64_t seed = 0;  ///< other seeds give other images
  int64_t first = 0;  ///< number of the first image: other numbers, other images; at least 0
};

/// `count` pictures of handwriting-like digits: x uint8 [count, 28, 28] as in MNIST (0 background,
/// 255 ink), y int64 [count], the digits, drawn evenly.
///
/// Each digit has several ways to be written, as strokes of a pen. An image takes one, bends its
/// strokes a little, turns, scales, shears and shifts the whole, and draws it with a pen of random
/// width, antialiased, with a little noise. Image i is a function of (seed, first + i) alone, so
/// training and test images come from one seed with ranges that do not overlap. Throws ValueError
/// for negative numbers.
Batch synthetic_digits(int64_t count, const SyntheticOptions& options = {});

}  // namespace gradus::data
