// The cases of cases.h and net_cases.h in PyTorch (libtorch).
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>

#include "../cases.h"
#include "../net_cases.h"

namespace gradus::bench {

/// One layer from its type and JSON options. Throws std::invalid_argument for a type that is not
/// compared.
torch::nn::AnyModule torch_layer(const std::string& type, const std::string& options);
/// A net from {"layers": [{"type", "options"}, ...]}.
torch::nn::Sequential torch_net(const std::string& json);
/// The optimizer that net cases name.
std::unique_ptr<torch::optim::Optimizer> torch_optimizer(const OptimizerCase& of,
                                                         std::vector<torch::Tensor> parameters);

/// PyTorch at its best: freed memory stays with the process, so that large tensors are not mapped
/// and zeroed by the system over and over.
void prepare_torch(int threads);

}  // namespace gradus::bench
