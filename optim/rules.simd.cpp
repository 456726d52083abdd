// Runs update rules over memory. Compiled once per instruction set; see isa.h.
#include "../core/base/parallel_for.h"
#include "../core/simd/kernels_of.h"
#include "../core/simd/strided.h"
#include "all_rules_kernel.h"

namespace gradus {

namespace optim {

namespace {

/// The loop of every optimizer. Flattened: a function of a rule that is not inlined would have a
/// copy for each instruction set, and the linker would keep one of them for all.
template <class Rule, class T, class... State>
[[gnu::flatten]] void run_piece(int64_t n, Rule rule, T* p, const T* g, State... state) {
  const T sign = rule.maximize ? T(-1) : T(1);
  const T l2 = rule.decoupled ? T(0) : T(rule.weight_decay), l1 = T(rule.l1_decay);
  for (int64_t i = 0; i < n; ++i) {
    const T x = p[i];
    const T d = sign * g[i] + l2 * x + ((x > 0 ? l1 : T(0)) - (x < 0 ? l1 : T(0)));
    p[i] = rule(x, d, state[i]...);
  }
}

/// How many states the formula of a rule takes.
template <class Rule, class T, class... State>
constexpr size_t state_count() {
  if constexpr (std::is_invocable_v<Rule, T, T, State&...>)
    return sizeof...(State);
  else
    return state_count<Rule, T, State..., T>();
}

template <class Rule, class T, class... State>
void run(const Rule& rule, const RuleArrays<T>& arrays, State... state) {
  constexpr size_t next = sizeof...(State);
  if constexpr (next < state_count<Rule, T>()) {
    if (arrays.state[next] != nullptr) return run(rule, arrays, state..., arrays.state[next]);
    run(rule, arrays, state..., NoState());
  } else if constexpr (std::is_invocable_v<Rule, T, T, decltype(state[0])...>) {
    T* const p = arrays.parameter;
    const T* const g = arrays.gradient;
    parallel_for(arrays.n, kernels::elements_per_piece, [=](int64_t begin, int64_t end) {
      run_piece(end - begin, rule, p + begin, g + begin, (state + begin)...);
    });
  } else {
    __builtin_trap();  // a state that the rule cannot do without
  }
}

}  // namespace

}  // namespace optim

namespace kernels {

namespace {

template <class T, class... Rules>
constexpr optim::RuleTable<T, Rules...> kernels_of<optim::RuleTable<T, Rules...>> = {
    {optim::run<Rules, T>}...};

}  // namespace

template const optim::AllRules<float>& Tables<Isa::GRADUS_ISA>::get();
template const optim::AllRules<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace kernels

}  // namespace gradus
