// Compiled once per instruction set; see isa.h.
#include <cmath>

#include "../core/base/allocator.h"
#include "../core/base/parallel_for.h"
#include "../core/simd/kernels_of.h"
#include "../core/simd/strided.h"
#include "clip_kernel.h"

namespace gradus::kernels {

namespace {

template <class T, class Fold, class Term>
double fold_terms(int64_t n, const T* x, const Fold& fold, const Term& term) {
  constexpr int64_t lanes = 16;
  double lane[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int64_t k = 0; k < lanes; ++k) {
      lane[k] = fold(lane[k], term(static_cast<double>(x[i + k])));
    }
  }
  double total = 0;
  for (int64_t k = 0; k < lanes; ++k) total = fold(total, lane[k]);
  for (; i < n; ++i) total = fold(total, term(static_cast<double>(x[i])));
  return total;
}

template <class T, class Fold, class Term>
double fold_pieces(int64_t n, const T* x, const Fold& fold, const Term& term) {
  const int64_t pieces = (n + elements_per_piece - 1) / elements_per_piece;
  const auto bytes = static_cast<size_t>(pieces) * sizeof(double);
  double* const partial = static_cast<double*>(allocate(bytes));
  parallel_for(n, elements_per_piece, [=](int64_t begin, int64_t end) {
    partial[begin / elements_per_piece] = fold_terms(end - begin, x + begin, fold, term);
  });
  const double total = fold_terms(pieces, partial, fold, [](double v) { return v; });
  deallocate(partial, bytes);
  return total;
}

template <class T>
double power_sum(double ord, int64_t n, const T* x) {
  const auto add = [](double a, double b) { return a + b; };
  const auto largest = [](double a, double b) { return b > a || b != b ? b : a; };  // a NaN stays
  const auto magnitude = [](double v) { return std::abs(v); };
  if (std::isinf(ord)) return fold_pieces(n, x, largest, magnitude);
  if (ord == 1) return fold_pieces(n, x, add, magnitude);
  if (ord == 2) return fold_pieces(n, x, add, [](double v) { return v * v; });
  return fold_pieces(n, x, add, [ord](double v) { return std::pow(std::abs(v), ord); });
}

template <class T>
constexpr GradientNorm<T> kernels_of<GradientNorm<T>> = {power_sum<T>};

}  // namespace

template const GradientNorm<float>& Tables<Isa::GRADUS_ISA>::get();
template const GradientNorm<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
