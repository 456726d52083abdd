// First and second derivatives of every operation, against central differences.
#include <doctest/doctest.h>

#include "../../core/gradcheck.h"
#include "op_table.h"

using namespace gradus;
using namespace gradus::op_table;

namespace {

Tensors differentiable_inputs(const Row& row) {
  Tensors inputs = make_inputs(row, float64);
  for (Tensor& x : inputs) {
    if (is_floating(x.dtype())) x.requires_grad_();
  }
  return inputs;
}

}  // namespace

TEST_CASE("every operation's gradient agrees with differences, first and second order") {
  for (const Row& row : rows()) {
    CAPTURE(row.form);
    const Tensors inputs = differentiable_inputs(row);
    const GradcheckOptions options{.step = row.step};
    const GradcheckResult first = gradcheck(row.call, inputs, options);
    CHECK_MESSAGE(first, row.form << ": " << first.message);
    const GradcheckResult second = gradgradcheck(row.call, inputs, options);
    CHECK_MESSAGE(second, row.form << ": " << second.message);
  }
}
