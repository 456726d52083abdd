// Compiled once per instruction set; see isa.h.
#include "norm.h"
#include "../base/parallel_for.h"
#include "strided.h"

namespace gradus::kernels {

namespace {

constexpr int64_t lanes = 16;

/// Calls `body(set)` for all sets in parallel; each set is the work of one thread, so its sums have
/// one order.
template <class Body>
void for_sets(const NormSets& s, const Body& body) {
  const int64_t size = s.size() > 0 ? s.size() : 1;
  parallel_for(s.sets, size >= elements_per_piece ? 1 : elements_per_piece / size,
               [&](int64_t begin, int64_t end) {
                 for (int64_t set = begin; set < end; ++set) body(set);
               });
}

/// Sum of f(i) for i < n in double, in lanes that the compiler can vectorize.
template <class F>
double lane_sum(int64_t n, const F& f) {
  double lane[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int64_t k = 0; k < lanes; ++k) lane[k] += f(i + k);
  }
  double total = 0;
  for (; i < n; ++i) total += f(i);
  for (int64_t k = 0; k < lanes; ++k) total += lane[k];
  return total;
}

template <class T>
void statistics(const NormSets& s, const T* x, double* mean, double* variance) {
  for_sets(s, [&](int64_t set) {
    const T* const first = x + set * s.set_stride;
    const auto count = static_cast<double>(s.size());
    double sum = 0;
    for (int64_t b = 0; b < s.blocks; ++b) {
      const T* const v = first + b * s.block_stride;
      sum += lane_sum(s.run, [v](int64_t i) { return static_cast<double>(v[i]); });
    }
    const double m = sum / count;
    double squares = 0;
    for (int64_t b = 0; b < s.blocks; ++b) {
      const T* const v = first + b * s.block_stride;
      squares += lane_sum(s.run, [v, m](int64_t i) {
        const double d = static_cast<double>(v[i]) - m;
        return d * d;
      });
    }
    mean[set] = m;
    variance[set] = squares / count;
  });
}

/// The mean as the sum of two numbers of type T, so that x - mean keeps the digits of x.
template <class T>
struct Split {
  T high, low;
  explicit Split(double v)
      : high(static_cast<T>(v)), low(static_cast<T>(v - static_cast<double>(high))) {}
};

template <class T>
void forward(const NormSets& s, T* y, const T* x, const double* mean, const double* scale,
             const T* weight, const T* bias) {
  for_sets(s, [&](int64_t set) {
    const Split<T> m(mean[set]);
    for (int64_t b = 0; b < s.blocks; ++b) {
      const int64_t at = set * s.set_stride + b * s.block_stride, p = s.parameter(set, b);
      const double w = weight != nullptr ? static_cast<double>(weight[p]) : 1.0;
      const T factor = static_cast<T>(w * scale[set]);
      const T shift = bias != nullptr ? bias[p] : T(0);
      for (int64_t i = 0; i < s.run; ++i) {
        y[at + i] = ((x[at + i] - m.high) - m.low) * factor + shift;
      }
    }
  });
}

template <class T>
void gradient_sums(const NormSets& s, const T* g, const T* x, const double* mean,
                   const double* scale, double* sum_g, double* sum_gx) {
  for_sets(s, [&](int64_t set) {
    const double m = mean[set];
    for (int64_t b = 0; b < s.blocks; ++b) {
      const int64_t at = set * s.set_stride + b * s.block_stride;
      const T *const u = g + at, *const v = x + at;
      sum_g[set * s.blocks + b] =
          lane_sum(s.run, [u](int64_t i) { return static_cast<double>(u[i]); });
      sum_gx[set * s.blocks + b] =
          scale[set] * lane_sum(s.run, [u, v, m](int64_t i) {
            return static_cast<double>(u[i]) * (static_cast<double>(v[i]) - m);
          });
    }
  });
}

template <class T>
void backward(const NormSets& s, T* dx, const T* g, const T* x, const double* mean,
              const double* scale, const T* weight, const double* sum_g, const double* sum_gx) {
  for_sets(s, [&](int64_t set) {
    const auto weight_of = [&](int64_t b) {
      return weight != nullptr ? static_cast<double>(weight[s.parameter(set, b)]) : 1.0;
    };
    double mean_g = 0, mean_gx = 0;  // of the gradient times the weight
    for (int64_t b = 0; b < s.blocks; ++b) {
      mean_g += weight_of(b) * sum_g[set * s.blocks + b];
      mean_gx += weight_of(b) * sum_gx[set * s.blocks + b];
    }
    const auto count = static_cast<double>(s.size());
    const double r = scale[set];
    // dx = r (w g - mean_g - x_hat mean_gx) with x_hat = (x - mean) r
    const T offset = static_cast<T>(r * mean_g / count);
    const T slope = static_cast<T>(r * r * mean_gx / count);
    const Split<T> m(mean[set]);
    for (int64_t b = 0; b < s.blocks; ++b) {
      const int64_t at = set * s.set_stride + b * s.block_stride;
      const T factor = static_cast<T>(r * weight_of(b));
      for (int64_t i = 0; i < s.run; ++i) {
        const T centred = (x[at + i] - m.high) - m.low;
        dx[at + i] = factor * g[at + i] - offset - slope * centred;
      }
    }
  });
}

template <class T>
constexpr Norm<T> norm_table = {statistics<T>, forward<T>, gradient_sums<T>, backward<T>};

}  // namespace

template <>
template <>
const Norm<float>& Tables<Isa::GRADUS_ISA>::get() {
  return norm_table<float>;
}
template <>
template <>
const Norm<double>& Tables<Isa::GRADUS_ISA>::get() {
  return norm_table<double>;
}

}  // namespace gradus::kernels
