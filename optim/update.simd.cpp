// Compiled once per instruction set; see isa.h.
#include "update_kernel.h"

#include <cmath>

#include "../core/base/allocator.h"
#include "../core/base/parallel_for.h"
#include "../core/simd/strided.h"

namespace gradus::kernels {

namespace {

// --- One pass for all: `update` takes a parameter, its d and references to its state, and returns
// the new parameter ---

template <class T, class Update, class... State>
void update_piece(int64_t n, const GradientTerms& terms, Update update, T* p, const T* g,
                  State*... state) {
  const T sign = T(terms.sign), l2 = T(terms.l2), l1 = T(terms.l1);
  for (int64_t i = 0; i < n; ++i) {
    const T x = p[i];
    const T d = sign * g[i] + l2 * x + ((x > 0 ? l1 : T(0)) - (x < 0 ? l1 : T(0)));
    p[i] = update(x, d, state[i]...);
  }
}

template <class T, class Update, class... State>
void pass(const UpdateArrays<T>& arrays, const Update& update, State*... state) {
  T* const p = arrays.parameter;
  const T* const g = arrays.gradient;
  parallel_for(arrays.n, elements_per_piece, [=](int64_t begin, int64_t end) {
    update_piece(end - begin, update.step.terms, update, p + begin, g + begin, (state + begin)...);
  });
}

template <class T>
T sign_of(T x) {
  return (x > 0 ? T(1) : T(0)) - (x < 0 ? T(1) : T(0));
}

/// Moves `average` along with x: average = keep average + (1 - keep) x.
template <class T>
void move_average(T& average, double keep, T x) {
  average = T(keep) * average + T(1 - keep) * x;
}

/// The same for the square of x, in an order in which only the product of all three can overflow.
template <class T>
void move_average_of_square(T& average, double keep, T x) {
  average = T(keep) * average + (T(1 - keep) * x) * x;
}

// --- SGD ---

template <class T>
struct Sgd {
  SgdStep step;
  T operator()(T p, T d) const { return p - T(step.lr) * d; }
  T operator()(T p, T d, T& buffer) const {
    // The first step stores the gradient as it is.
    const T keep = step.first ? T(0) : T(step.momentum);
    const T take = step.first ? T(1) : T(1 - step.dampening);
    buffer = keep * buffer + take * d;
    // Step along direct * d + through * buffer.
    const T direct = step.nesterov ? T(1) : T(0);
    const T through = step.nesterov ? T(step.momentum) : T(1);
    return p - T(step.lr) * (direct * d + through * buffer);
  }
};

template <class T>
void sgd(const SgdStep& step, const UpdateArrays<T>& a) {
  if (a.state[0] == nullptr) return pass(a, Sgd<T>{step});
  pass(a, Sgd<T>{step}, a.state[0]);
}

// --- Adam and its relatives ---

template <class T>
struct Adam {
  AdamStep step;
  T apply(T p, T m, T second) const {
    const T root = std::sqrt(second) / T(step.root_correction) + T(step.eps);
    return T(step.decay) * p - T(step.step_size) * (m / root);
  }
  T operator()(T p, T d, T& m, T& v) const {
    move_average(m, step.beta1, d);
    move_average_of_square(v, step.beta2, d);
    return apply(p, m, v);
  }
  T operator()(T p, T d, T& m, T& v, T& largest) const {
    move_average(m, step.beta1, d);
    move_average_of_square(v, step.beta2, d);
    largest = v > largest || v != v ? v : largest;
    return apply(p, m, largest);
  }
};

template <class T>
void adam(const AdamStep& step, const UpdateArrays<T>& a) {
  if (a.state[2] == nullptr) return pass(a, Adam<T>{step}, a.state[0], a.state[1]);
  pass(a, Adam<T>{step}, a.state[0], a.state[1], a.state[2]);
}

template <class T>
struct Adamax {
  AdamaxStep step;
  T operator()(T p, T d, T& m, T& largest) const {
    move_average(m, step.beta1, d);
    const T faded = T(step.beta2) * largest, size = std::abs(d) + T(step.eps);
    largest = size > faded || size != size ? size : faded;
    return p - T(step.step_size) * (m / largest);
  }
};

template <class T>
void adamax(const AdamaxStep& step, const UpdateArrays<T>& a) {
  pass(a, Adamax<T>{step}, a.state[0], a.state[1]);
}

template <class T>
struct Nadam {
  NadamStep step;
  T operator()(T p, T d, T& m, T& v) const {
    move_average(m, step.beta1, d);
    move_average_of_square(v, step.beta2, d);
    const T root = std::sqrt(v) / T(step.root_correction) + T(step.eps);
    return p - (T(step.direct_size) * d + T(step.step_size) * m) / root;
  }
};

template <class T>
void nadam(const NadamStep& step, const UpdateArrays<T>& a) {
  pass(a, Nadam<T>{step}, a.state[0], a.state[1]);
}

template <class T>
struct Radam {
  RadamStep step;
  T operator()(T p, T d, T& m, T& v) const {
    move_average(m, step.beta1, d);
    move_average_of_square(v, step.beta2, d);
    const T root = step.adaptive ? std::sqrt(v) + T(step.eps) : T(1);
    return p - T(step.step_size) * (m / root);
  }
};

template <class T>
void radam(const RadamStep& step, const UpdateArrays<T>& a) {
  pass(a, Radam<T>{step}, a.state[0], a.state[1]);
}

template <class T>
struct Lion {
  LionStep step;
  T operator()(T p, T d, T& m) const {
    const T direction = T(step.beta1) * m + T(1 - step.beta1) * d;
    move_average(m, step.beta2, d);
    return T(step.decay) * p - T(step.lr) * sign_of(direction);
  }
};

template <class T>
void lion(const LionStep& step, const UpdateArrays<T>& a) {
  pass(a, Lion<T>{step}, a.state[0]);
}

// --- Steps divided by what gradients used to be ---

/// d over the root of its mean square.
template <class T>
T divided_by_root(const RmspropStep& step, T d, T& mean_square) {
  move_average_of_square(mean_square, step.alpha, d);
  return d / (std::sqrt(mean_square) + T(step.eps));
}

/// d over its standard deviation. Rounding may take a small variance below 0.
template <class T>
T divided_by_root(const RmspropStep& step, T d, T& mean_square, T& mean) {
  move_average_of_square(mean_square, step.alpha, d);
  move_average(mean, step.alpha, d);
  const T variance = mean_square - mean * mean;
  return d / (std::sqrt(variance < 0 ? T(0) : variance) + T(step.eps));
}

template <class T>
struct Rmsprop {
  RmspropStep step;
  template <class... Means>
  T operator()(T p, T d, Means&... means) const {
    return p - T(step.lr) * divided_by_root(step, d, means...);
  }
};

template <class T>
struct RmspropMomentum {
  RmspropStep step;
  template <class... Means>
  T operator()(T p, T d, T& buffer, Means&... means) const {
    buffer = T(step.momentum) * buffer + divided_by_root(step, d, means...);
    return p - T(step.lr) * buffer;
  }
};

template <class T>
void rmsprop(const RmspropStep& step, const UpdateArrays<T>& a) {
  T* const mean_square = a.state[0];
  T* const mean = a.state[1];
  T* const buffer = a.state[2];
  if (buffer == nullptr) {
    if (mean == nullptr) return pass(a, Rmsprop<T>{step}, mean_square);
    return pass(a, Rmsprop<T>{step}, mean_square, mean);
  }
  if (mean == nullptr) return pass(a, RmspropMomentum<T>{step}, buffer, mean_square);
  pass(a, RmspropMomentum<T>{step}, buffer, mean_square, mean);
}

template <class T>
struct Adagrad {
  AdagradStep step;
  T operator()(T p, T d, T& sum) const {
    sum += d * d;
    return p - T(step.lr) * (d / (std::sqrt(sum) + T(step.eps)));
  }
};

template <class T>
void adagrad(const AdagradStep& step, const UpdateArrays<T>& a) {
  pass(a, Adagrad<T>{step}, a.state[0]);
}

template <class T>
struct Adadelta {
  AdadeltaStep step;
  T operator()(T p, T d, T& mean_square, T& mean_step) const {
    move_average_of_square(mean_square, step.rho, d);
    const T delta = std::sqrt(mean_step + T(step.eps)) / std::sqrt(mean_square + T(step.eps)) * d;
    move_average_of_square(mean_step, step.rho, delta);
    return p - T(step.lr) * delta;
  }
};

template <class T>
void adadelta(const AdadeltaStep& step, const UpdateArrays<T>& a) {
  pass(a, Adadelta<T>{step}, a.state[0], a.state[1]);
}

// --- Averages of weights ---

struct AverageStep {
  GradientTerms terms;
  double share;
};

template <class T>
struct Average {
  AverageStep step;
  T operator()(T average, T value) const { return average + T(step.share) * (value - average); }
};

template <class T>
void average(double share, const UpdateArrays<T>& a) {
  pass(a, Average<T>{{{}, share}});
}

// --- Norms of gradients ---

struct Add {
  static double fold(double a, double b) { return a + b; }
};
struct Largest {  // a NaN stays
  static double fold(double a, double b) { return b > a || b != b ? b : a; }
};

template <class Fold, class T, class Term>
double fold_terms(int64_t n, const T* x, const Term& term) {
  constexpr int64_t lanes = 16;
  double lane[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int64_t k = 0; k < lanes; ++k) {
      lane[k] = Fold::fold(lane[k], term(static_cast<double>(x[i + k])));
    }
  }
  double total = 0;
  for (int64_t k = 0; k < lanes; ++k) total = Fold::fold(total, lane[k]);
  for (; i < n; ++i) total = Fold::fold(total, term(static_cast<double>(x[i])));
  return total;
}

template <class Fold, class T, class Term>
double fold_pieces(int64_t n, const T* x, const Term& term) {
  const int64_t pieces = (n + elements_per_piece - 1) / elements_per_piece;
  const auto bytes = static_cast<size_t>(pieces) * sizeof(double);
  double* const partial = static_cast<double*>(allocate(bytes));
  parallel_for(n, elements_per_piece, [=](int64_t begin, int64_t end) {
    partial[begin / elements_per_piece] = fold_terms<Fold>(end - begin, x + begin, term);
  });
  const double total = fold_terms<Fold>(pieces, partial, [](double v) { return v; });
  deallocate(partial, bytes);
  return total;
}

template <class T>
double power_sum(double ord, int64_t n, const T* x) {
  if (std::isinf(ord)) return fold_pieces<Largest>(n, x, [](double v) { return std::abs(v); });
  if (ord == 1) return fold_pieces<Add>(n, x, [](double v) { return std::abs(v); });
  if (ord == 2) return fold_pieces<Add>(n, x, [](double v) { return v * v; });
  return fold_pieces<Add>(n, x, [ord](double v) { return std::pow(std::abs(v), ord); });
}

template <class T>
constexpr OptimizerUpdates<T> optimizer_table = {sgd<T>,      adam<T>,    adamax<T>,   nadam<T>,
                                                 radam<T>,    lion<T>,    rmsprop<T>,  adagrad<T>,
                                                 adadelta<T>, average<T>, power_sum<T>};

}  // namespace

template <>
template <>
const OptimizerUpdates<float>& Tables<Isa::GRADUS_ISA>::get() {
  return optimizer_table<float>;
}
template <>
template <>
const OptimizerUpdates<double>& Tables<Isa::GRADUS_ISA>::get() {
  return optimizer_table<double>;
}

}  // namespace gradus::kernels
