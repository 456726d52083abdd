// The parts of the norm kernels: partial sums, and the loops over runs of elements. For files
// that are compiled once per instruction set: everything is local to the file that includes it.
#pragma once

#include <cmath>

#include "../simd/simd.h"
#include "../simd/sizes.h"
#include "norm_kernel.h"

namespace gradus::kernels {

namespace {

// --- Sums ---

inline constexpr int64_t part =
    4096;  // elements that are summed in type T before the sum goes to double

/// Elements of one set: `rows` runs of n, `stride` apart; if there are several, at most `part`.
struct Runs {
  int64_t rows, stride, n;
  int64_t count() const { return rows * n; }
};

/// Adds up N sums over some runs, in type T: `terms.template operator()<V>(i, out)` writes the
/// terms of element i (of the elements from i on) to V out[N].
template <int N, class T, class Terms>
[[gnu::always_inline]] inline void sum_rows(const Runs& runs, double (&total)[N],
                                            const Terms& terms) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  T rest[N] = {};
  V term[N], even[N] = {}, odd[N] = {};  // two of each, so that additions need not wait
  for (int64_t row = 0; row < runs.rows; ++row) {
    const int64_t begin = row * runs.stride, end = begin + runs.n;
    int64_t i = begin;
    for (; i + 2 * w <= end; i += 2 * w) {
      terms.template operator()<V>(i, term);
      for (int j = 0; j < N; ++j) even[j] += term[j];
      terms.template operator()<V>(i + w, term);
      for (int j = 0; j < N; ++j) odd[j] += term[j];
    }
    if (i + w <= end) {
      terms.template operator()<V>(i, term);
      for (int j = 0; j < N; ++j) even[j] += term[j];
      i += w;
    }
    if (i < end && runs.n >= w) {
      terms.template operator()<V>(end - w, term);
      for (int j = 0; j < N; ++j) odd[j] += without_first<T>(w - (end - i), term[j]);
      i = end;
    }
    for (; i < end; ++i) {
      T one[N];
      terms.template operator()<T>(i, one);
      for (int j = 0; j < N; ++j) rest[j] += one[j];
    }
  }
  for (int j = 0; j < N; ++j) {
    total[j] += static_cast<double>(runs.n < w ? rest[j] : sum_of<T>(even[j] + odd[j]));
  }
}

/// The same, in a simpler loop if there is one run.
template <int N, class T, class Terms>
[[gnu::always_inline]] inline void sum_part(const Runs& runs, double (&total)[N],
                                            const Terms& terms) {
  if (runs.rows == 1) return sum_rows<N, T>({1, 0, runs.n}, total, terms);
  sum_rows<N, T>(runs, total, terms);
}

/// The same for a run of any length.
template <int N, class T, class Terms>
[[gnu::always_inline]] inline void sum_terms(const Runs& runs, double (&total)[N],
                                             const Terms& terms) {
  if (runs.count() <= part) return sum_part<N, T>(runs, total, terms);
  for (int64_t begin = 0; begin < runs.n; begin += part) {
    sum_part<N, T>({1, 0, smaller(part, runs.n - begin)}, total,
                   [&terms, begin]<class V>(int64_t i, V* term) {
                     terms.template operator()<V>(begin + i, term);
                   });
  }
}

/// The loads of terms, to be summed in T or in double.
template <class V, class T>
[[gnu::always_inline]] inline V load_as(const T* from) {
  if constexpr (std::is_same_v<V, double>) {
    return static_cast<double>(*from);
  } else {
    return load<V>(from);
  }
}

/// As sum_terms, for terms that are products: if those of floats leave their range, or come near
/// its lower end (mean below `least`), in double.
template <int N, class T, class Terms>
[[gnu::always_inline]] inline void sum_products(const Runs& runs, double (&total)[N], double least,
                                                const Terms& terms) {
  sum_terms<N, T>(runs, total, terms);
  if constexpr (std::is_same_v<T, float>) {
    bool is_exact = true;
    for (int j = 0; j < N; ++j) is_exact = is_exact && total[j] - total[j] == 0;
    if (is_exact && !(total[N - 1] < least * static_cast<double>(runs.count()))) return;
    constexpr int64_t lanes = 8;
    double lane[N][lanes] = {};
    for (int64_t row = 0; row < runs.rows; ++row) {
      for (int64_t i = 0; i < runs.n; ++i) {
        double term[N];
        terms.template operator()<double>(row * runs.stride + i, term);
        for (int j = 0; j < N; ++j) lane[j][i % lanes] += term[j];
      }
    }
    for (int j = 0; j < N; ++j) {
      total[j] = 0;
      for (int64_t k = 0; k < lanes; ++k) total[j] += lane[j][k];
    }
  }
}
inline constexpr double least_square = 1e-30;  // far enough from where floats lose digits
inline constexpr double any_size = -HUGE_VAL;  // for terms of both signs

/// Mean of some values and the sum of squares around it.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  /// Combines two groups of values (Chan, Golub and LeVeque, 1979).
  void add(const Moments& other) {
    if (count == 0) {
      *this = other;
      return;
    }
    const double total = count + other.count, step = other.mean - mean;
    mean += step * (other.count / total);
    squares += other.squares + step * step * (count * other.count / total);
    count = total;
  }
};

/// Of at most `part` values, from their distances to a number that should not be far from their
/// mean.
template <class T>
[[gnu::always_inline]] inline Moments moments_around(T about, const Runs& runs, const T* x) {
  double sums[2] = {};
  sum_products<2, T>(runs, sums, least_square, [x, about]<class V>(int64_t i, V* term) {
    term[0] = load_as<V>(x + i) - broadcast<V>(about);
    term[1] = term[0] * term[0];
  });
  const auto count = static_cast<double>(runs.count());
  const double offset = sums[0] / count, squares = sums[1] - sums[0] * offset;
  return {count, static_cast<double>(about) + offset, squares < 0 ? 0 : squares};
}

/// Of at most `part` values. One of them is nearly always close enough to the mean; if it is not,
/// digits would be lost, and a second pass starts from the mean.
template <class T>
[[gnu::always_inline]] inline Moments part_moments(const Runs& runs, const T* x) {
  const Moments m = moments_around(x[0], runs, x);
  const double offset = m.mean - static_cast<double>(x[0]);
  constexpr double far = 9;  // square of the number of standard deviations
  const bool is_near = offset * offset * m.count <= far * m.squares;
  return is_near ? m : moments_around(static_cast<T>(m.mean), runs, x);
}

/// Of the values of some runs; around 0 if the set is not centred.
template <class T>
[[gnu::always_inline]] inline Moments moments(NormStatistics statistics, const Runs& runs,
                                              const T* x) {
  if (statistics == NormStatistics::raw) {
    double squares[1] = {};
    sum_products<1, T>(runs, squares, least_square, [x]<class V>(int64_t i, V* term) {
      const V v = load_as<V>(x + i);
      term[0] = v * v;
    });
    return {static_cast<double>(runs.count()), 0, squares[0]};
  }
  if (runs.count() <= part) return part_moments(runs, x);
  Moments all;
  for (int64_t begin = 0; begin < runs.n; begin += part) {
    all.add(part_moments({1, 0, smaller(part, runs.n - begin)}, x + begin));
  }
  return all;
}

// --- One set, or a part of a block of it ---

/// Sums of g and g x^.
struct Sums {
  double g = 0, gx = 0;
  void add(const Sums& other, double factor = 1) {
    g += factor * other.g;
    gx += factor * other.gx;
  }
};

/// What a set is normalized with. The mean is the sum of two numbers of type T, so that x - mean
/// keeps the digits of x.
template <class T>
struct Normalizer {
  T high, low;
  double scale;
  Normalizer(double mean, double variance, double eps)
      : high(static_cast<T>(mean)),
        low(static_cast<T>(mean - static_cast<double>(high))),
        scale(1 / std::sqrt(variance + eps)) {}
  /// x minus the larger part of the mean; the rest is accounted for later.
  template <class V>
  [[gnu::always_inline]] V distance(V x) const {
    return x - broadcast<V>(high);
  }
  template <class V>
  [[gnu::always_inline]] V x_hat(V x) const {
    const T r = static_cast<T>(scale);
    return distance(x) * broadcast<V>(r) - broadcast<V>(low * r);
  }
  /// From the sums of g and of g distance(x).
  Sums sums(const double (&of)[2]) const {
    return {of[0], (of[1] - static_cast<double>(low) * of[0]) * scale};
  }
};

template <class T>
double weight_of(const NormSets& s, int64_t set, int64_t block, const T* weight) {
  return weight != nullptr ? static_cast<double>(weight[s.parameter(set, block)]) : 1.0;
}

/// y = weight x^ + bias, with one weight and bias.
template <class T>
void write_y(int64_t n, T* y, const T* x, const Normalizer<T>& m, double weight, T bias) {
  const T factor = static_cast<T>(weight * m.scale);
  const T shift = bias - m.low * factor;
  map_vectors<T>(n, [=]<class V>(int64_t i) {
    store(y + i, m.distance(load<V>(x + i)) * broadcast<V>(factor) + broadcast<V>(shift));
  });
}

template <class T>
[[gnu::always_inline]] inline Sums gradient_sums(const Runs& runs, const T* g, const T* x,
                                                 const Normalizer<T>& m) {
  double sums[2] = {};
  sum_products<2, T>(runs, sums, any_size, [g, x, m]<class V>(int64_t i, V* term) {
    term[0] = load_as<V>(g + i);
    term[1] = term[0] * m.distance(load_as<V>(x + i));
  });
  return m.sums(sums);
}

/// dx = r (weight g - offset - slope x^) with one weight; r weight g if statistics are given, even
/// for an infinite x. r^2, a factor in the formula, would leave the range of a float.
template <class T>
void write_dx(NormStatistics statistics, int64_t n, T* dx, const T* g, const T* x,
              const Normalizer<T>& m, double weight, const Sums& mean_of_set) {
  const T factor = static_cast<T>(m.scale * weight);
  if (statistics == NormStatistics::given) {
    map_vectors<T>(
        n, [=]<class V>(int64_t i) { store(dx + i, broadcast<V>(factor) * load<V>(g + i)); });
    return;
  }
  const T r = static_cast<T>(m.scale), slope = static_cast<T>(m.scale * mean_of_set.gx);
  const T shift = static_cast<T>(m.scale * mean_of_set.g) - slope * (m.low * r);
  map_vectors<T>(n, [=]<class V>(int64_t i) {
    const V own = broadcast<V>(factor) * load<V>(g + i) - broadcast<V>(shift);
    store(dx + i, own - broadcast<V>(slope) * (m.distance(load<V>(x + i)) * broadcast<V>(r)));
  });
}

/// The contribution of a set's statistics to its gradient: means of u = weight g and of u x^, if
/// the statistics depend on the input at all.
inline Sums means(const NormSets& s, const Sums& sums_of_u) {
  const auto count = static_cast<double>(s.size());
  return {s.statistics == NormStatistics::centred ? sums_of_u.g / count : 0,
          s.statistics == NormStatistics::given ? 0 : sums_of_u.gx / count};
}

/// The arguments of a backward pass, and what follows from them.
template <class T>
struct Backward {
  const NormSets& s;
  double eps;
  T* dx;
  const T *g, *x;
  const double *mean, *variance;
  const T* weight;
  T *sum_g, *sum_gx;

  Normalizer<T> normalizer(int64_t set) const { return {mean[set], variance[set], eps}; }
  bool wants_sums() const { return sum_g != nullptr; }
  bool needs_sums() const { return wants_sums() || s.statistics != NormStatistics::given; }
  void store(int64_t index, const Sums& sums) const {
    if (!wants_sums()) return;
    sum_g[index] = static_cast<T>(sums.g);
    sum_gx[index] = static_cast<T>(sums.gx);
  }
};

}  // namespace

}  // namespace gradus::kernels
