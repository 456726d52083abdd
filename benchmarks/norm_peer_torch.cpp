#include <torch/torch.h>

#include "norm_peer.h"

namespace gradus::bench {

namespace {

torch::nn::AnyModule make_layer(NormKind kind, at::IntArrayRef shape) {
  switch (kind) {
    case NormKind::batch:
      return torch::nn::AnyModule(torch::nn::BatchNorm2d(shape[1]));
    case NormKind::instance:
      return torch::nn::AnyModule(
          torch::nn::InstanceNorm2d(torch::nn::InstanceNorm2dOptions(shape[1]).affine(true)));
    case NormKind::group:
      return torch::nn::AnyModule(
          torch::nn::GroupNorm(torch::nn::GroupNormOptions(groups, shape[1])));
    case NormKind::layer:
      break;
  }
  return torch::nn::AnyModule(
      torch::nn::LayerNorm(torch::nn::LayerNormOptions(shape.slice(1).vec())));
}

}  // namespace

std::function<void()> peer_step(NormKind kind, const Shape& shape) {
  const at::IntArrayRef sizes(shape.begin(), static_cast<size_t>(shape.dim()));
  torch::Tensor x = torch::randn(sizes).requires_grad_();
  const torch::Tensor g = torch::randn(sizes);
  return [layer = make_layer(kind, sizes), x, g]() mutable {
    layer.forward(x).backward(g);
    x.mutable_grad() = torch::Tensor();
    layer.ptr()->zero_grad(true);
  };
}

void set_peer_threads(int threads) {
  at::set_num_threads(threads);
}

}  // namespace gradus::bench
