// Compiled once per instruction set; see isa.h.
//
// Three ways through memory, the same arithmetic in each:
//   - sets with a weight per block: sums of all blocks, then what follows from them for the sets,
//     then the output; group after group of sets that fit the cache, or for all sets at once;
//   - sets with a weight per element: one set after the other;
//   - sets of single elements, the columns of a matrix: strips of columns, row by row.
#include "norm_kernel.h"

#include <utility>

#include "../base/parallel_for.h"
#include "../simd/kernels_of.h"
#include "../simd/strided.h"
#include "../simd/workspace.h"
#include "norm_parts.simd.h"

namespace gradus::kernels {

namespace {

// --- Sets with a weight per block ---

/// The blocks of some adjacent sets, in memory order, split if they are long.
class Units {
 public:
  struct Unit {
    int64_t index, set, block, piece;
    int64_t at;         // where it begins
    Runs runs;          // one, unless the units are for sums
    int64_t parameter;  // which weight and bias it has
  };

  Units(const NormSets& s, int64_t first_set, int64_t sets, int64_t joint = 1)
      : s_(s),
        first_set_(first_set),
        sets_(sets),
        per_block_((s.run - 1) / longest + 1),
        joint_(joint),
        blocks_((s.blocks - 1) / joint_ + 1),
        sets_inside_(s.block_stride >= s.set_stride * s.sets) {}

  /// For sums, whose fixed costs are as large as the sums themselves for short blocks: several of
  /// those are one unit if they share their parameter. Few enough of them that memory is still
  /// read in few streams, and few enough elements for sums in type T.
  static Units for_sums(const NormSets& s, int64_t first_set, int64_t sets) {
    constexpr int64_t short_run = 1600, most_joint = 64;
    const int64_t joint = larger(smaller(short_run / s.run, most_joint), 1);
    return {s, first_set, sets, s.parameter_step == 0 ? joint : 1};
  }

  int64_t count() const { return sets_ * blocks_ * per_block_; }
  int64_t blocks() const { return blocks_; }
  int64_t sets() const { return sets_; }
  int64_t first_set() const { return first_set_; }
  int64_t per_block() const { return per_block_; }
  /// The units of a block have numbers first, first + 1 ... first + per_block() - 1.
  int64_t first(int64_t set, int64_t block) const {
    const int64_t local = set - first_set_;
    return (sets_inside_ ? block * sets_ + local : local * blocks_ + block) * per_block_;
  }

  template <class Body>
  void for_each(const Body& body) const {
    parallel_for(count(), elements_per_piece / smaller(joint_ * s_.run, longest),
                 [&](int64_t begin, int64_t end) {
                   Unit u = at(begin);
                   for (; u.index < end; advance(u)) body(u);
                 });
  }
  /// Calls body(set) in parallel, for work on one item per unit.
  template <class Body>
  void for_each_set(const Body& body) const {
    parallel_each(sets_, elements_per_piece / (blocks_ * per_block_),
                  [&](int64_t set) { body(first_set_ + set); });
  }

 private:
  static constexpr int64_t longest = 1 << 16;

  void place(Unit& u) const {
    const int64_t begin = u.piece * longest;
    const int64_t block = u.block * joint_;
    u.at = u.set * s_.set_stride + block * s_.block_stride + begin;
    u.runs = {smaller(joint_, s_.blocks - block), s_.block_stride,
              smaller(longest, s_.run - begin)};
  }
  Unit at(int64_t index) const {
    const int64_t outer = index / per_block_;
    const int64_t inner = sets_inside_ ? sets_ : blocks_;
    Unit u = {index, outer / inner, outer % inner, index % per_block_, 0, {}, 0};
    if (sets_inside_) std::swap(u.set, u.block);
    u.set += first_set_;
    u.parameter = s_.parameter(u.set, u.block);
    place(u);
    return u;
  }
  /// To the next one, without the divisions of at().
  void advance(Unit& u) const {
    ++u.index;
    if (++u.piece == per_block_) {
      u.piece = 0;
      int64_t &inner = sets_inside_ ? u.set : u.block, &outer = sets_inside_ ? u.block : u.set;
      if (++inner == (sets_inside_ ? first_set_ + sets_ : blocks_)) {
        inner = sets_inside_ ? first_set_ : 0;
        ++outer;
        u.parameter = s_.parameter(u.set, u.block);
      } else {
        u.parameter += sets_inside_ ? s_.parameters_per_set : s_.parameter_step;
        if (u.parameter >= s_.parameters) u.parameter -= s_.parameters;
      }
    }
    place(u);
  }

  const NormSets& s_;
  int64_t first_set_, sets_;
  int64_t per_block_;       // pieces of a block
  int64_t joint_, blocks_;  // blocks that are one, and what is left of them
  bool sets_inside_;        // a block of every set, then the next block of every set
};

bool lies_in_one_piece(const NormSets& s) {
  return s.blocks == 1 || s.block_stride == s.run;
}

/// The same sets, each as one block if it lies in one piece; no longer with its parameters.
NormSets in_one_block(const NormSets& s) {
  NormSets one = s;
  if (!lies_in_one_piece(s)) return one;
  one.blocks = 1;
  one.run = one.block_stride = s.size();
  return one;
}

/// Calls body(units) for groups of sets. What the first pass over a group has read is in the cache
/// for the second one, if possible: if a set lies in one piece and is not large. The sums
/// of several sets in a row do not wait for each other, as each set's own passes do.
template <class Body>
void for_groups(const NormSets& s, const Body& body) {
  constexpr int64_t largest_set = 1 << 17, group = 1 << 15;
  if (!lies_in_one_piece(s) || s.size() > largest_set) {
    body(Units(s, 0, s.sets));
    return;
  }
  parallel_for(s.sets, group / s.size(),
               [&](int64_t begin, int64_t end) { body(Units(s, begin, end - begin)); });
}

/// The arguments of a forward.
template <class T>
struct Forward {
  const NormSets& s;
  double eps;
  T* y;
  const T* x;
  double *mean, *variance;
  const T *weight, *bias;
};

/// Writes mean and variance of some sets.
template <class T>
void measure(const Forward<T>& c, int64_t first_set, int64_t sets) {
  const NormSets s = in_one_block(c.s);
  const Units units = Units::for_sums(s, first_set, sets);
  const Workspace<Moments> found(units.count());
  units.for_each(
      [&](const Units::Unit& u) { found[u.index] = moments(s.statistics, u.runs, c.x + u.at); });
  const auto count = static_cast<double>(s.size());
  units.for_each_set([&](int64_t set) {
    const auto for_found = [&](const auto& body) {
      for (int64_t b = 0; b < units.blocks(); ++b) {
        const int64_t first = units.first(set, b);
        for (int64_t p = 0; p < units.per_block(); ++p) body(found[first + p]);
      }
    };
    double total = 0, squares = 0;
    for_found([&](const Moments& m) { total += m.count * m.mean; });
    const double mean = total / count;
    for_found([&](const Moments& m) {
      const double d = m.mean - mean;
      squares += m.squares + m.count * d * d;
    });
    c.mean[set] = s.statistics == NormStatistics::raw ? 0 : mean;
    c.variance[set] = squares / count;
  });
}

template <class T>
void forward_blocks(const Forward<T>& c) {
  const NormSets& s = c.s;
  for_groups(s, [&](const Units& units) {
    if (s.statistics != NormStatistics::given) measure(c, units.first_set(), units.sets());
    const Workspace<Normalizer<T>> normalizer(units.sets());
    for (int64_t i = 0; i < units.sets(); ++i) {
      const int64_t set = units.first_set() + i;
      normalizer[i] = Normalizer<T>(c.mean[set], c.variance[set], c.eps);
    }
    units.for_each([&](const Units::Unit& u) {
      write_y(u.runs.n, c.y + u.at, c.x + u.at, normalizer[u.set - units.first_set()],
              c.weight != nullptr ? c.weight[u.parameter] : T(1),
              c.bias != nullptr ? c.bias[u.parameter] : T(0));
    });
  });
}

/// Stores the sums of parameters and turns, for each set, the sums into means of u and u x^.
template <class T>
void combine(const Backward<T>& c, const Units& units, const Workspace<Sums>& found,
             const Workspace<Sums>& means_of_sets) {
  const NormSets& s = c.s;
  const bool block_has_parameter = s.parameter_step != 0;
  units.for_each_set([&](int64_t set) {
    Sums of_u, of_set;
    for (int64_t b = 0; b < units.blocks(); ++b) {
      Sums of_block;
      for (int64_t p = 0; p < units.per_block(); ++p) of_block.add(found[units.first(set, b) + p]);
      if (block_has_parameter) c.store(set * s.blocks + b, of_block);
      of_set.add(of_block);
      of_u.add(of_block, weight_of(s, set, b, c.weight));
    }
    if (!block_has_parameter) c.store(set, of_set);
    means_of_sets[set - units.first_set()] = means(s, of_u);
  });
}

template <class T>
void backward_blocks(const Backward<T>& c) {
  const NormSets& s = c.s;
  for_groups(s, [&](const Units& units) {
    const Workspace<Normalizer<T>> normalizer(units.sets());
    const Workspace<Sums> means_of_sets(units.sets());
    for (int64_t i = 0; i < units.sets(); ++i) {
      normalizer[i] = c.normalizer(units.first_set() + i);
      means_of_sets[i] = {};
    }
    if (c.needs_sums()) {
      const Units summed = Units::for_sums(s, units.first_set(), units.sets());
      const Workspace<Sums> found(summed.count());
      summed.for_each([&](const Units::Unit& u) {
        found[u.index] =
            gradient_sums(u.runs, c.g + u.at, c.x + u.at, normalizer[u.set - units.first_set()]);
      });
      combine(c, summed, found, means_of_sets);
    }
    if (c.dx == nullptr) return;
    units.for_each([&](const Units::Unit& u) {
      const int64_t i = u.set - units.first_set();
      write_dx(s.statistics, u.runs.n, c.dx + u.at, c.g + u.at, c.x + u.at, normalizer[i],
               c.weight != nullptr ? c.weight[u.parameter] : T(1), means_of_sets[i]);
    });
  });
}

// --- Sets with a weight for each element, in one piece as well ---

template <class T>
void forward_elements(const Forward<T>& c) {
  const NormSets& s = c.s;
  const T *const weight = c.weight, *const bias = c.bias;
  parallel_each(s.sets, elements_per_piece / s.size(), [&](int64_t set) {
    const T* const v = c.x + set * s.set_stride;
    T* const out = c.y + set * s.set_stride;
    if (s.statistics != NormStatistics::given) {
      const Moments all = moments(s.statistics, {1, 0, s.size()}, v);
      c.mean[set] = all.mean;
      c.variance[set] = all.squares / all.count;
    }
    const Normalizer<T> m(c.mean[set], c.variance[set], c.eps);
    map_vectors<T>(s.run, [=]<class V>(int64_t i) {
      V value = m.x_hat(load<V>(v + i));
      if (weight != nullptr) value *= load<V>(weight + i);
      if (bias != nullptr) value += load<V>(bias + i);
      store(out + i, value);
    });
  });
}

template <class T>
Sums weighted_sums(int64_t n, const T* g, const T* x, const Normalizer<T>& m, const T* weight) {
  if (weight == nullptr) return gradient_sums<T>({1, 0, n}, g, x, m);
  double sums[2] = {};
  sum_products<2, T>({1, 0, n}, sums, any_size, [=]<class V>(int64_t i, V* term) {
    term[0] = load_as<V>(weight + i) * load_as<V>(g + i);
    term[1] = term[0] * m.distance(load_as<V>(x + i));
  });
  return m.sums(sums);
}

/// dx = r (weight g - offset - slope x^) of a set, and its part of the sums of elements; each if
/// it is wanted.
template <class T>
void finish_elements(const Backward<T>& c, int64_t set, const Normalizer<T>& m,
                     const Sums& mean_of_set, T* to_g, T* to_gx) {
  const T *const g = c.g + set * c.s.run, *const x = c.x + set * c.s.run, *const weight = c.weight;
  T* const dx = c.dx != nullptr ? c.dx + set * c.s.run : nullptr;
  const T r = static_cast<T>(m.scale), slope = static_cast<T>(m.scale * mean_of_set.gx);
  const T offset = static_cast<T>(m.scale * mean_of_set.g);
  map_once<T>(c.s.run, [=]<class V>(int64_t i) {
    const V x_hat = m.x_hat(load<V>(x + i)), of_y = load<V>(g + i);
    if (dx != nullptr) {
      const V u = weight != nullptr ? load<V>(weight + i) * of_y : of_y;
      store(dx + i, broadcast<V>(r) * u - broadcast<V>(offset) - broadcast<V>(slope) * x_hat);
    }
    if (to_g != nullptr) {
      store(to_g + i, load<V>(to_g + i) + of_y);
      store(to_gx + i, load<V>(to_gx + i) + of_y * x_hat);
    }
  });
}

template <class T>
void backward_elements(const Backward<T>& c) {
  const NormSets& s = c.s;
  parallel_for(s.sets, s.sets_per_sum(), [&](int64_t begin, int64_t end) {
    const int64_t row = begin / s.sets_per_sum() * s.run;
    T* const to_g = c.wants_sums() ? c.sum_g + row : nullptr;
    T* const to_gx = c.wants_sums() ? c.sum_gx + row : nullptr;
    for (int64_t i = 0; c.wants_sums() && i < s.run; ++i) to_g[i] = to_gx[i] = 0;
    for (int64_t set = begin; set < end; ++set) {
      const T *const g = c.g + set * s.run, *const x = c.x + set * s.run;
      const Normalizer<T> m = c.normalizer(set);
      Sums mean_of_set;
      if (c.dx != nullptr) mean_of_set = means(s, weighted_sums(s.run, g, x, m, c.weight));
      finish_elements(c, set, m, mean_of_set, to_g, to_gx);
    }
  });
}

// --- Columns of a matrix ---

bool is_columns(const NormSets& s) {
  return s.run == 1 && s.set_stride == 1 && s.blocks > 1;
}

constexpr int64_t strip = 64;  // columns at a time

template <class T>
void measure_columns(const NormSets& s, int64_t n, const T* x, double* mean, double* variance) {
  const auto count = static_cast<double>(s.blocks);
  double total[strip] = {}, squares[strip] = {};
  for (int64_t b = 0; b < s.blocks; ++b) {
    const T* const v = x + b * s.block_stride;
    for (int64_t i = 0; i < n; ++i) total[i] += static_cast<double>(v[i]);
  }
  for (int64_t i = 0; i < n; ++i) mean[i] = total[i] / count;
  for (int64_t b = 0; b < s.blocks; ++b) {
    const T* const v = x + b * s.block_stride;
    for (int64_t i = 0; i < n; ++i) {
      const double d = static_cast<double>(v[i]) - mean[i];
      squares[i] += d * d;
    }
  }
  for (int64_t i = 0; i < n; ++i) variance[i] = squares[i] / count;
}

template <class T>
void forward_columns(const Forward<T>& c) {
  const NormSets& s = c.s;
  parallel_for(s.sets, strip, [&](int64_t begin, int64_t end) {
    const int64_t n = end - begin;
    if (s.statistics != NormStatistics::given) {
      measure_columns(s, n, c.x + begin, c.mean + begin, c.variance + begin);
    }
    T high[strip], factor[strip], shift[strip];
    for (int64_t i = 0; i < n; ++i) {
      const Normalizer<T> m(c.mean[begin + i], c.variance[begin + i], c.eps);
      high[i] = m.high;
      factor[i] = static_cast<T>(m.scale * weight_of(s, begin + i, 0, c.weight));
      shift[i] = (c.bias != nullptr ? c.bias[s.parameter(begin + i, 0)] : T(0)) - m.low * factor[i];
    }
    for (int64_t b = 0; b < s.blocks; ++b) {
      const T* const v = c.x + b * s.block_stride + begin;
      T* const out = c.y + b * s.block_stride + begin;
      for (int64_t i = 0; i < n; ++i) out[i] = (v[i] - high[i]) * factor[i] + shift[i];
    }
  });
}

template <class T>
void backward_columns(const Backward<T>& c) {
  const NormSets& s = c.s;
  parallel_for(s.sets, strip, [&](int64_t begin, int64_t end) {
    const int64_t n = end - begin;
    double total_g[strip] = {}, total_gx[strip] = {};
    for (int64_t b = 0; c.needs_sums() && b < s.blocks; ++b) {
      const int64_t at = b * s.block_stride + begin;
      for (int64_t i = 0; i < n; ++i) {
        const auto g = static_cast<double>(c.g[at + i]);
        total_g[i] += g;
        total_gx[i] += g * (static_cast<double>(c.x[at + i]) - c.mean[begin + i]);
      }
    }
    T high[strip], factor[strip], r[strip], slope[strip], shift[strip];
    for (int64_t i = 0; i < n; ++i) {
      const Normalizer<T> m = c.normalizer(begin + i);
      const Sums sums = {total_g[i], total_gx[i] * m.scale};
      c.store(begin + i, sums);
      const double weight = weight_of(s, begin + i, 0, c.weight);
      const Sums of_set = means(s, {weight * sums.g, weight * sums.gx});
      high[i] = m.high;
      factor[i] = static_cast<T>(m.scale * weight);
      r[i] = static_cast<T>(m.scale);
      slope[i] = static_cast<T>(m.scale * of_set.gx);
      shift[i] = static_cast<T>(m.scale * of_set.g) - slope[i] * (m.low * r[i]);
    }
    const bool is_given = s.statistics == NormStatistics::given;
    for (int64_t b = 0; c.dx != nullptr && b < s.blocks; ++b) {
      const int64_t at = b * s.block_stride + begin;
      for (int64_t i = 0; i < n; ++i) {
        const T from_statistics = slope[i] * ((c.x[at + i] - high[i]) * r[i]) + shift[i];
        c.dx[at + i] = factor[i] * c.g[at + i] - (is_given ? T(0) : from_statistics);
      }
    }
  });
}

// --- The table ---

/// Blocks that share their parameter are one block if they are contiguous.
NormSets joined(const NormSets& s) {
  return s.parameter_step == 0 ? in_one_block(s) : s;
}

template <class T>
void forward(const NormSets& sets, double eps, T* y, const T* x, double* mean, double* variance,
             const T* weight, const T* bias) {
  const NormSets s = joined(sets);
  const auto way = s.per_element   ? forward_elements<T>
                   : is_columns(s) ? forward_columns<T>
                                   : forward_blocks<T>;
  way({s, eps, y, x, mean, variance, weight, bias});
}

template <class T>
void backward(const NormSets& sets, double eps, T* dx, const T* g, const T* x, const double* mean,
              const double* variance, const T* weight, T* sum_g, T* sum_gx) {
  const NormSets s = joined(sets);
  const auto way = s.per_element   ? backward_elements<T>
                   : is_columns(s) ? backward_columns<T>
                                   : backward_blocks<T>;
  way({s, eps, dx, g, x, mean, variance, weight, sum_g, sum_gx});
}

template <class T>
constexpr Norm<T> kernels_of<Norm<T>> = {forward<T>, backward<T>};

}  // namespace

template const Norm<float>& Tables<Isa::GRADUS_ISA>::get();
template const Norm<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
