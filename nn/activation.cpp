#include "activation.h"

namespace gradus::nn {

namespace {

const PReLUOptions& checked(const PReLUOptions& o) {
  check_at_least(o.type, "num_parameters", o.num_parameters, 1);
  return o;
}

}  // namespace

PReLU::PReLU(const PReLUOptions& o)
    : Layer(checked(o)), weight(parameter("weight", full({o.num_parameters}, o.init))) {}

}  // namespace gradus::nn
