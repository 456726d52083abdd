// Update rules: how an optimizer changes one element of a parameter. All are in all_rules_kernel.h.
//
// A rule is a struct derived from Step, with values computed from its members, and a formula:
//
//     template <class T>
//     T operator()(T p, T d, T&... state) const;
//
// takes an element of the parameter, its gradient d including decay, and its state; writes the new
// state and returns the new parameter, for T float and double. The type of an optional state is a
// template parameter, see is_kept.
//
// A rule is the plain definition of its optimizer, and there is no other: rules.simd.cpp runs it
// over memory, compiled once per instruction set, and GRADUS_PLAIN=1 uses the baseline one.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "../core/simd/isa.h"

namespace gradus::optim {

/// The numbers of one step: settings of the group and those options that the optimizer has.
struct Step {
  double t = 1;  ///< number of the step, from 1
  double lr = 0, weight_decay = 0, l1_decay = 0;
  double momentum = 0, dampening = 0;
  double beta1 = 0, beta2 = 0;
  double eps = 0, alpha = 0, rho = 0;
  double lr_decay = 0, momentum_decay = 0;
  double mu_product = 1;   ///< the state of that name
  bool decoupled = false;  ///< weight decay is not a term of d: the rule applies it
  bool nesterov = false;
  bool maximize = false;

  /// 1 - beta^t: an average that started at 0 is too small by this factor.
  double correction(double beta) const { return 1 - std::pow(beta, t); }
};

/// The operands of a rule: contiguous arrays of n elements; the gradient is only read.
template <class T>
struct RuleArrays {
  int64_t n;
  T* parameter;
  const T* gradient;
  T* state[3];  ///< in the order of the formula; null for those that are not kept
};

/// Runs one rule over arrays, in parallel.
template <class Rule, class T>
struct RuleRunner {
  void (*run)(const Rule& rule, const RuleArrays<T>& arrays);
};

/// Runners of rules, by type.
template <class T, class... Rules>
struct RuleTable : RuleRunner<Rules, T>... {};

/// The parts of rules: local to each file, and so to each instruction set.
namespace {

/// In place of an array of a state that is not kept, and of its elements.
struct NoState {
  NoState operator+(int64_t) const { return {}; }
  NoState& operator[](int64_t) { return *this; }
};
/// Whether a rule has this state: a constant of its type.
template <class State>
constexpr bool is_kept = !std::is_same_v<State, NoState>;

/// -1, 0 or 1.
template <class T>
T sign_of(T x) {
  return (x > 0 ? T(1) : T(0)) - (x < 0 ? T(1) : T(0));
}

/// average = keep average + (1 - keep) x.
template <class T>
void move_average(T& average, double keep, T x) {
  average = T(keep) * average + T(1 - keep) * x;
}

/// The same for the square of x, in an order in which only the product of all three can overflow.
template <class T>
void move_average_of_square(T& average, double keep, T x) {
  average = T(keep) * average + (T(1 - keep) * x) * x;
}

}  // namespace

}  // namespace gradus::optim
