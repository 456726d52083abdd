// First and second derivatives of every norm layer, behind a layer that makes its input.
#include <doctest/doctest.h>

#include "../../core/gradcheck.h"
#include "norm_cases.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// A norm layer to differentiate, on images or on rows.
struct GradientCase {
  const char* name;
  Shape x;  ///< of the norm's input
  std::unique_ptr<nn::NormLayer> (*make)(const Shape& x, double eps, bool affine);
};

/// Channel norm with running statistics, whatever is the default.
template <class T>
std::unique_ptr<nn::NormLayer> tracking_norm(const Shape& x, double eps, bool affine) {
  return double_layer<T>(
      {.num_features = x[1], .eps = eps, .affine = affine, .track_running_stats = true});
}

const GradientCase gradient_cases[] = {
    {"BatchNorm2d", {2, 4, 2, 3}, tracking_norm<nn::BatchNorm2d>},
    {"BatchNorm1d", {3, 4}, tracking_norm<nn::BatchNorm1d>},
    {"InstanceNorm2d", {2, 4, 2, 3}, channel_norm<nn::InstanceNorm2d>},
    {"InstanceNorm2d with statistics", {2, 4, 2, 3}, tracking_norm<nn::InstanceNorm2d>},
    {"GroupNorm", {2, 4, 2, 3}, group_norm<2>},
    {"GroupNorm on [N,C]", {3, 4}, group_norm<2>},
    {"LayerNorm", {2, 4, 2, 3}, element_norm<nn::LayerNorm>},
    {"LayerNorm on [N,C]", {3, 4}, element_norm<nn::LayerNorm>},
    {"RMSNorm", {2, 4, 2, 3}, element_norm<nn::RMSNorm>},
};

struct Mode {
  bool training, affine, strided;
  NormForm form;
};

std::vector<Mode> modes() {
  std::vector<Mode> list;
  for (bool training : {true, false}) {
    for (bool affine : {true, false}) {
      for (bool strided : {true, false}) {
        for (NormForm form : {NormForm::fused, NormForm::composed}) {
          list.push_back({training, affine, strided, form});
        }
      }
    }
  }
  return list;
}

/// The same values, not in row-major order.
Tensor with_other_strides(const Tensor& x) {
  Tensor y = transpose(contiguous(transpose(x, 0, -1)), 0, -1);
  REQUIRE_FALSE(y.is_contiguous());
  return y;
}

/// norm(conv(x, w, b)) or norm(linear(x, w, b)), as a function of x, w, b and the norm's own
/// parameters.
TensorFunction function_of(nn::NormLayer& norm, bool strided) {
  return [&norm, strided](const std::vector<Tensor>& t) {
    const Tensor h = t[0].dim() == 2 ? linear(t[0], t[1], t[2]) : conv2d(t[0], t[1], t[2]);
    if (norm.weight.defined()) norm.weight = t[3];
    if (norm.bias.defined()) norm.bias = t[4];
    return norm(strided ? with_other_strides(h) : h);
  };
}

std::vector<Tensor> arguments_for(const Shape& y, const nn::NormLayer& norm) {
  std::vector<Tensor> list = {random({y[0], 3}, 1), random({y[1], 3}, 2)};
  if (y.dim() == 4) {
    list = {random({y[0], 2, y[2] + 1, y[3] + 1}, 1), random({y[1], 2, 2, 2}, 2)};
  }
  list.push_back(random({y[1]}, 3));
  for (const Tensor& t : {norm.weight, norm.bias}) {
    if (t.defined()) list.push_back(random(t.shape(), list.size() + 1));
  }
  for (Tensor& t : list) t.requires_grad_();
  return list;
}

void check_case(const GradientCase& c, const Shape& x, const Mode& mode) {
  CAPTURE(c.name);
  CAPTURE(x);
  CAPTURE(mode.training);
  CAPTURE(mode.affine);
  CAPTURE(mode.strided);
  CAPTURE(static_cast<int>(mode.form));
  const auto norm = c.make(x, 0.1, mode.affine);
  norm->set_form(mode.form);
  if (norm->has_running_statistics()) {
    Shape batch = x;
    batch[0] = 5;
    (*norm)(random(batch, 9));
  }
  norm->train(mode.training);
  const std::vector<Tensor> arguments = arguments_for(x, *norm);
  const TensorFunction f = function_of(*norm, mode.strided);
  const auto first = gradcheck(f, arguments);
  CHECK_MESSAGE(first.passed, first.message);
  const auto second = gradgradcheck(f, arguments);
  CHECK_MESSAGE(second.passed, second.message);
}

}  // namespace

TEST_CASE("every norm layer passes gradcheck to second order in every mode") {
  for (const GradientCase& c : gradient_cases) {
    for (const Mode& mode : modes()) check_case(c, c.x, mode);
  }
}

TEST_CASE("every norm layer passes gradcheck to second order on a batch of one") {
  for (const GradientCase& c : gradient_cases) {
    if (c.x.dim() == 2) continue;
    Shape one = c.x;
    one[0] = 1;
    for (const Mode& mode : modes()) {
      if (!mode.strided) check_case(c, one, mode);
    }
  }
}
