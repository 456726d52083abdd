#include "dropout.h"

#include "../core/base/random.h"

namespace gradus::nn {

namespace {

template <class Options>
const Options& checked(const Options& o) {
  check_probability(Options::type, "p", o.p);
  return o;
}

}  // namespace

Dropout::Dropout(const DropoutOptions& options) : Layer(checked(options)) {}
Dropout2d::Dropout2d(const Dropout2dOptions& options) : Layer(checked(options)) {}

Tensor Dropout::forward(const Tensor& x) {
  if (!is_training() || options().p == 0) return x;
  return dropout(x, options().p, default_generator(Stream::dropout));
}

Tensor Dropout2d::forward(const Tensor& x) {
  if (!is_training() || options().p == 0) return x;
  return dropout_channels(x, options().p, default_generator(Stream::dropout));
}

}  // namespace gradus::nn
