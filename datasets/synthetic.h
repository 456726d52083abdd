// Digits drawn by the program, for use without network and data.
#pragma once

#include <cstdint>

#include "dataset.h"

namespace gradus::data {

/// Which digits synthetic_digits draws.
struct SyntheticOptions {
  uint64_t seed = 0;  ///< different seeds give different images
  int64_t first = 0;  ///< number of the first image; at least 0
};

/// `count` pictures of handwriting-like digits: x uint8 [count, 28, 28] as in MNIST (0 background,
/// 255 ink), y int64 [count], the digits, drawn evenly.
///
/// Each digit can be written in several ways, as strokes of a pen. An image uses one of them, bends
/// its strokes a little, rotates, scales, shears and shifts the whole, and draws it with a pen of
/// random width, antialiased, with a little noise. Image i is a function of only (seed, first + i),
/// so training and test images come from one seed with ranges that do not overlap. Throws
/// ValueError for negative numbers.
Batch synthetic_digits(int64_t count, const SyntheticOptions& options = {});

}  // namespace gradus::data
