// Images as pixels, for strided convolution. For files that are compiled once per instruction set:
// everything is local to the file that includes it.
#pragma once

#include "../simd/sizes.h"
#include "../simd/transpose_matrix.h"
#include "../simd/workspace.h"

namespace gradus::kernels {

namespace {

// --- Layout ---

/// The pixels of an image of `channels` planes, each at the beginning of `pitch` numbers.
template <class T>
void to_pixels(int64_t channels, int64_t plane, const T* x, T* pixels, int64_t pitch) {
  transpose_matrix<T, true>(
      channels, plane, [&](int64_t c) { return x + c * plane; },
      [&](int64_t i) { return pixels + i * pitch; });
}

// --- Which taps a pixel sees, in one dimension ---

/// Taps have slots, in which those that a place sees are adjacent, in the order of their source.
/// Places first, first + step ... see slots slot, slot + 1 ...; the source of the first place and
/// slot is `source`.
struct Places {
  int64_t first, count, slot, taps, source;
};

/// Place p sees tap k at the source (p * stride + k * dilation + offset) / divisor, if that is a
/// whole number and inside.
class Axis {
 public:
  /// From outputs to inputs, or the reverse. Sizes are those of the convolution.
  static Axis of_outputs(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t padding,
                         int64_t dilation) {
    return {out, in, taps, stride, dilation, -padding, 1};
  }
  static Axis of_inputs(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t padding,
                        int64_t dilation) {
    return {in, out, taps, 1, -dilation, padding, stride};
  }

  int64_t groups() const { return groups_; }
  const Places& group(int64_t i) const { return group_[i]; }
  int64_t step() const { return divisor_; }           // between places of a group
  int64_t source_step() const { return stride_; }     // between their sources
  int64_t tap_distance() const { return distance_; }  // between the sources of adjacent slots
  int64_t slot(int64_t tap) const { return slot_[tap]; }

 private:
  Axis(int64_t places, int64_t sources, int64_t taps, int64_t stride, int64_t dilation,
       int64_t offset, int64_t divisor)
      : stride_(stride), divisor_(divisor), slot_(taps), group_(places) {
    int64_t period = 1;  // of the taps that a place sees
    while (period < taps && period * dilation % divisor != 0) ++period;
    const bool ascending = dilation > 0;
    distance_ = larger(1, period * (ascending ? dilation : -dilation) / divisor);
    Workspace<int64_t> tap(taps);  // in each slot
    for (int64_t i = 0, slot = 0; i < period; ++i) {
      for (int64_t k = i; k < taps; k += period, ++slot) {
        tap[slot] = ascending ? k : taps - 1 - i - (k - i) / period * period;
        slot_[tap[slot]] = slot;
      }
    }
    for (int64_t r = 0; r < smaller(divisor, places); ++r) {
      const auto position = [&](int64_t p, int64_t slot) {
        return p * stride + tap[slot] * dilation + offset;
      };
      int64_t slot = 0, n = 0;  // of the taps for which it is a whole number
      for (int64_t i = taps - 1; i >= 0; --i) {
        if (position(r, i) % divisor == 0) slot = i, ++n;
      }
      for (int64_t p = r; p < places; p += divisor) {
        const int64_t first = position(p, slot) / divisor;
        const Inside in = inside(sources, n, distance_, first);
        add(p > r, {p, 1, slot + in.begin, in.end - in.begin, first + in.begin * distance_});
      }
    }
  }

  /// Joins a place to the last group if that `may_match` and sees the same.
  void add(bool may_match, const Places& place) {
    if (may_match) {
      Places& last = group_[groups_ - 1];
      if (place.taps == last.taps && (place.taps == 0 || place.slot == last.slot)) {
        ++last.count;
        return;
      }
    }
    group_[groups_++] = place;
  }

  int64_t stride_, divisor_, distance_ = 1, groups_ = 0;
  Workspace<int64_t> slot_;
  Workspace<Places> group_;
};

}  // namespace

}  // namespace gradus::kernels
