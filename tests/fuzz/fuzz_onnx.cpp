// ONNX files: what is read becomes a module, which computes something or says which node does not.
#include <variant>

#include "../../core/base/allocator.h"
#include "../../core/base/error.h"
#include "../../core/ops.h"
#include "../../nn/module.h"
#include "../../nn/onnx/model.h"
#include "target.h"

using namespace gradus;

namespace {

/// Ones of the sizes that the file says, those it leaves open being 2; small ones.
Tensor input_of(const onnx::ValueInfo& info) {
  Shape shape;
  for (const auto& size : info.shape) {
    const auto* const number = std::get_if<int64_t>(&size);
    if (shape.dim() == Shape::max_dims) break;
    shape.push_back(number != nullptr && *number > 0 && *number <= 16 ? *number : 2);
  }
  return ones(shape.numel() <= 4096 ? shape : Shape{2, 2}, info.dtype);
}

}  // namespace

void gradus::fuzz::run(std::span<const std::byte> input) {
  set_memory_limit(size_t{16} << 20);
  const int64_t before = live_bytes();
  onnx::Model model;
  try {
    model = onnx::parse_model(input, "input");
  } catch (const IoError& error) {
    require(error.op() == "load_onnx", "an error names the reader");
    return;
  }
  require(live_bytes() - before <= static_cast<int64_t>(8 * input.size()),
          "tensors are not much larger than what the file has for them");
  try {
    const Tensor x = model.inputs.empty() ? Tensor() : input_of(model.inputs[0]);
    const auto net = onnx::to_module(std::move(model), "input");
    (*net)(x);
    net->eval();
    net->to(float64);
    (*net)(x);
  } catch (const Error&) {
  }
}
