#include "linear.h"

#include "init.h"

namespace gradus::nn {

namespace {

const LinearOptions& checked(const LinearOptions& o) {
  check_at_least(o.type, "in_features", o.in_features, 1);
  check_at_least(o.type, "out_features", o.out_features, 1);
  return o;
}

}  // namespace

Linear::Linear(const LinearOptions& o)
    : Layer(checked(o)),
      weight(parameter("weight", Tensor::empty({o.out_features, o.in_features}))),
      bias(parameter("bias", o.bias ? Tensor::empty({o.out_features}) : Tensor())) {
  reset_weight_and_bias(weight, bias);
}

}  // namespace gradus::nn
