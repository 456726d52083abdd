#include "grad.h"

#include "base/error.h"

namespace gradus {

detail::List<Tensor> grad(std::span<const Tensor> ys, std::span<const Tensor> y_gradients,
                          std::span<const Tensor> xs, const GradOptions& options) {
  Tape* const tape = Tape::current();
  require<TapeError>(tape != nullptr, "grad", "open one: Tape tape;",
                     "no tape is recording in this thread");
  auto result = tape->gradients("grad", ys, y_gradients, xs, options.retain, options.create_graph);
  for (size_t i = 0; i < result.size() && !options.allow_unused; ++i) {
    require<TapeError>(result[i].defined(), "grad",
                       "pass {.allow_unused = true} to get an undefined tensor instead",
                       "y does not depend on x number ", i, " of shape ", xs[i].shape());
  }
  return result;
}

detail::List<Tensor> grad(const Tensor& y, std::span<const Tensor> xs, const GradOptions& options) {
  return grad({&y, 1}, {&options.gradient, 1}, xs, options);
}

detail::List<Tensor> grad(const Tensor& y, std::initializer_list<Tensor> xs,
                          const GradOptions& options) {
  return grad(y, std::span<const Tensor>(xs.begin(), xs.size()), options);
}

}  // namespace gradus
