// Where Winograd's transforms may be trusted. For files that are compiled once per instruction set:
// everything is local to the file that includes it.
//
// The transforms add all inputs of a tile, and what an output does not see has to cancel again: an
// error of some 2^-24 of the largest input in the tile remains in each of its outputs. That is a
// rounding error like others as long as no input is much larger than those an output sees. If
// one is, or is beyond the range in which nothing can overflow, or is not finite, outputs are
// computed from the definition.
#pragma once

#include <cstring>

#include "../simd/workspace.h"
#include "winograd_parts.simd.h"

namespace gradus::kernels {

namespace {

/// The largest input of a tile may be so many times as large as the largest one under an output,
/// and the largest weight as the largest one for a tap.
inline constexpr Magnitude largest_ratio = 12 * doubling;
/// Largest magnitudes must be in [2^-60, 2^40]: sums of products of transforms then neither
/// overflow nor lose digits to underflow.
inline constexpr Magnitude lowest_peak = (127 - 60) * doubling,
                           highest_peak = (127 + 40) * doubling;

/// Whether numbers up to `most` may be mixed with those up to `least`.
[[gnu::always_inline]] inline bool in_range(Magnitude least, Magnitude most) {
  return most - least <= largest_ratio && most >= lowest_peak && most <= highest_peak;
}

/// How an output is computed.
enum class Way : uint8_t {
  transforms,
  nothing,    ///< it sees only zeros, and is the bias
  definition  ///< its tile is out of range
};

/// The exceptions from the usual way, for each image.
struct Exceptions {
  int64_t nothing = 0, definition = 0;
};

/// The ways of all images of a batch.
class Ways {
 public:
  Ways(int64_t images, const Tiling& t)
      : per_image_(16 * t.per_image), ways_(images * per_image_), exceptions_(images) {}
  /// [tile][16] of an image; not written if there are no exceptions.
  Way* of(int64_t image) const { return ways_.data() + image * per_image_; }
  Exceptions& exceptions(int64_t image) const { return exceptions_[image]; }

 private:
  int64_t per_image_;
  Workspace<Way> ways_;
  Workspace<Exceptions> exceptions_;
};

/// Finds the way of each output of an image, from the largest magnitude over all channels of each
/// of its pixels, which is looked for in t.pieces of the channels.
class InputRange {
 public:
  InputRange(const Tiling& t, int64_t oh, int64_t ow)
      : t_(t),
        oh_(oh),
        ow_(ow),
        columns_(round_up(t.out_columns, width<Magnitude>)),
        stride_(t.in_pixels() + 2 * width<Magnitude>),
        room_(t.pieces * stride_ + 6 * columns_),
        peaks_(room_.data()),
        windows_(peaks_ + t.pieces * stride_),
        least_(windows_ + 4 * columns_),
        most_(least_ + columns_) {}

  /// Zeros, to grow from the pixels of the next image.
  void start() const {
    std::memset(peaks_, 0, static_cast<size_t>(t_.pieces * stride_) * sizeof(Magnitude));
  }
  /// [rows][in_columns].
  Magnitude* peaks(int64_t piece) const { return peaks_ + piece * stride_; }

  Exceptions find(Way* ways) {
    unite_pieces();
    flush_denormals();
    Exceptions found;
    for (int64_t row = 0; row < t_.rows; ++row) {
      measure(row);
      for (int64_t column = 0; column < t_.columns; ++column) {
        Magnitude most = 0, least = highest_peak;
        for (int64_t j = 4 * column; j < 4 * column + 4; ++j) {
          most = larger_of(most, most_[j]);
          least = j < ow_ && least_[j] < least ? least_[j] : least;
        }
        if (most == 0 || (least > 0 && in_range(least, most))) continue;
        if (found.nothing + found.definition == 0) clear(ways);
        look_closer(row, column, most, ways + (row * t_.columns + column) * 16, found);
      }
    }
    return found;
  }

 private:
  void unite_pieces() const {
    for (int64_t piece = 1; piece < t_.pieces; ++piece) {
      for (int64_t i = 0; i < t_.in_pixels(); ++i) {
        peaks_[i] = larger_of(peaks_[i], peaks(piece)[i]);
      }
    }
  }
  /// If the transforms take denormal numbers for zeros, these are zeros here.
  void flush_denormals() const {
    for (int64_t i = 0; i < t_.in_pixels(); ++i) {
      peaks_[i] = std::bit_cast<Magnitude>(std::bit_cast<float>(peaks_[i]) + 0.0F);
    }
  }
  void clear(Way* ways) const {
    for (int64_t i = 0; i < 16 * t_.per_image; ++i) ways[i] = Way::transforms;
  }

  /// The largest of each window of 3x3 for a row of tiles, and the largest and smallest of those in
  /// each column.
  void measure(int64_t row) const {
    using M = Vector<Magnitude>;
    for (int64_t j = 0; j < columns_; j += width<Magnitude>) {
      M wide[6];  // the largest of three neighbours in a row
      for (int64_t i = 0; i < 6; ++i) {
        const Magnitude* const p = peaks_ + (4 * row + i) * t_.in_columns + j;
        wide[i] = larger_of(larger_of(load<M>(p), load<M>(p + 1)), load<M>(p + 2));
      }
      M most = {}, least = broadcast<M>(highest_peak);
      for (int64_t i = 0; i < 4; ++i) {
        const M window = larger_of(larger_of(wide[i], wide[i + 1]), wide[i + 2]);
        store(windows_ + i * columns_ + j, window);
        most = larger_of(most, window);
        if (4 * row + i < oh_) least = window < least ? window : least;
      }
      store(most_ + j, most);
      store(least_ + j, least);
    }
  }

  void look_closer(int64_t row, int64_t column, Magnitude most, Way* ways,
                   Exceptions& found) const {
    for (int64_t k = 0; k < 16; ++k) {
      const int64_t i = k / 4, j = 4 * column + k % 4;
      if (4 * row + i >= oh_ || j >= ow_) continue;
      const Magnitude seen = windows_[i * columns_ + j];
      if (seen == 0) {
        ways[k] = Way::nothing;
        ++found.nothing;
      } else if (!in_range(seen, most)) {
        ways[k] = Way::definition;
        ++found.definition;
      }
    }
  }

  const Tiling& t_;
  int64_t oh_, ow_, columns_, stride_;
  Workspace<Magnitude> room_;
  Magnitude *peaks_, *windows_, *least_, *most_;
};

/// Finds the tiles of an output gradient whose largest element is out of range of those in another
/// corner of the tile. (Elements near the edge of an image are all that some taps do not see.)
class GradientRange {
 public:
  explicit GradientRange(const Tiling& t)
      : t_(t),
        columns_(round_up(t.out_columns, width<Magnitude>)),
        peaks_(t.out_pixels() + 2 * width<Magnitude>),
        halves_(2 * columns_) {}

  Magnitude* start() {
    peaks_.clear();
    return peaks_.data();
  }

  /// Calls body(tile) for each tile that is out of range.
  template <class Body>
  void for_each_exception(const Body& body) {
    using M = Vector<Magnitude>;
    Magnitude *const upper = halves_.data(), *const lower = upper + columns_;
    for (int64_t row = 0; row < t_.rows; ++row) {
      for (int64_t j = 0; j < columns_; j += width<Magnitude>) {
        const Magnitude* const p = peaks_.data() + 4 * row * t_.out_columns + j;
        const auto row_at = [&](int64_t i) { return load<M>(p + i * t_.out_columns); };
        const M inner = larger_of(row_at(1), row_at(2));
        store(upper + j, larger_of(row_at(0), inner));
        store(lower + j, larger_of(row_at(3), inner));
      }
      for (int64_t column = 0; column < t_.columns; ++column) {
        if (!tile_is_in_range(upper + 4 * column, lower + 4 * column)) {
          body(row * t_.columns + column);
        }
      }
    }
  }

 private:
  /// From the largest elements of each column in the upper and in the lower three rows.
  static bool tile_is_in_range(const Magnitude* upper, const Magnitude* lower) {
    Magnitude least = highest_peak, most = 0;
    for (const Magnitude* const half : {upper, lower}) {
      const Magnitude inner = larger_of(half[1], half[2]);
      for (const Magnitude corner : {larger_of(half[0], inner), larger_of(half[3], inner)}) {
        most = larger_of(most, corner);
        least = corner > 0 && corner < least ? corner : least;
      }
    }
    return most == 0 || in_range(least, most);
  }

  const Tiling& t_;
  int64_t columns_;
  Workspace<Magnitude> peaks_, halves_;
};

}  // namespace

}  // namespace gradus::kernels
