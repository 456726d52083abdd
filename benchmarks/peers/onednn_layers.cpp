// bench_layers in oneDNN: convolutions and batch norm, in the memory layouts that the library
// chooses itself. Bringing tensors into these layouts is not counted.
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "../layer_program.h"

namespace {

using namespace gradus::bench;
using dnnl::memory;
using nlohmann::json;

using Arguments = std::unordered_map<int, memory>;
using Primitives = std::vector<std::pair<dnnl::primitive, Arguments>>;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

memory filled(const memory::desc& desc, float value) {
  memory result(desc, engine());
  auto* const data = static_cast<float*>(result.get_data_handle());
  std::fill_n(data, desc.get_size() / sizeof(float), value);
  return result;
}

memory::desc any_layout(const memory::dims& dims) {
  return {dims, memory::data_type::f32, memory::format_tag::any};
}
memory::desc vector_of(int64_t size) {
  return {{size}, memory::data_type::f32, memory::format_tag::x};
}

std::function<void()> runner(Primitives primitives) {
  return [primitives, stream = dnnl::stream(engine())]() mutable {
    for (auto& [primitive, arguments] : primitives) primitive.execute(stream, arguments);
    stream.wait();
  };
}

/// Sizes of a convolution.
struct Convolution {
  memory::dims x, weight, y, stride, padding;
  explicit Convolution(const LayerCase& layer) : x(layer.input) {
    const json options = json::parse(layer.options);
    const int64_t out = options["out_channels"], kernel = options["kernel_size"],
                  groups = options.value("groups", 1), pad = options.value("padding", 0),
                  step = options.value("stride", 1);
    weight = groups == 1 ? memory::dims{out, x[1], kernel, kernel}
                         : memory::dims{groups, out / groups, x[1] / groups, kernel, kernel};
    y = {x[0], out, (x[2] + 2 * pad - kernel) / step + 1, (x[3] + 2 * pad - kernel) / step + 1};
    stride = {step, step};
    padding = {pad, pad};
  }
};

std::function<void()> convolution_step(const LayerCase& layer) {
  const Convolution c(layer);
  const memory::desc x_any = any_layout(c.x), w_any = any_layout(c.weight), y_any = any_layout(c.y),
                     bias_desc = vector_of(c.y[1]);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algorithm, x_any, w_any, bias_desc, y_any, c.stride,
       c.padding, c.padding},
      engine());
  const dnnl::convolution_backward_data::primitive_desc to_input(
      {algorithm, x_any, w_any, y_any, c.stride, c.padding, c.padding}, engine(), forward);
  const dnnl::convolution_backward_weights::primitive_desc to_weight(
      {algorithm, x_any, w_any, bias_desc, y_any, c.stride, c.padding, c.padding}, engine(),
      forward);

  const memory x = filled(forward.src_desc(), 0.1F), w = filled(forward.weights_desc(), 0.1F),
               bias = filled(bias_desc, 0), y = filled(forward.dst_desc(), 0);
  const Arguments forward_arguments = {
      {DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, y}};
  const Arguments input_arguments = {{DNNL_ARG_DIFF_DST, filled(to_input.diff_dst_desc(), 0.1F)},
                                     {DNNL_ARG_WEIGHTS, filled(to_input.weights_desc(), 0.1F)},
                                     {DNNL_ARG_DIFF_SRC, filled(to_input.diff_src_desc(), 0)}};
  const Arguments weight_arguments = {
      {DNNL_ARG_DIFF_DST, filled(to_weight.diff_dst_desc(), 0.1F)},
      {DNNL_ARG_SRC, filled(to_weight.src_desc(), 0.1F)},
      {DNNL_ARG_DIFF_WEIGHTS, filled(to_weight.diff_weights_desc(), 0)},
      {DNNL_ARG_DIFF_BIAS, filled(bias_desc, 0)}};
  Primitives primitives = {{dnnl::convolution_forward(forward), forward_arguments},
                           {dnnl::convolution_backward_weights(to_weight), weight_arguments}};
  if (layer.input_gradient) {
    primitives.emplace_back(dnnl::convolution_backward_data(to_input), input_arguments);
  }
  return runner(std::move(primitives));
}

/// In the layout that a convolution would hand over: channels in blocks of 16.
std::function<void()> batch_norm_step(const LayerCase& layer) {
  const int64_t channels = layer.input[1];
  const auto f32 = memory::data_type::f32;
  const memory::desc blocked(layer.input, f32, memory::format_tag::nChw16c);
  const memory::desc scale_shift_desc({2, channels}, f32, memory::format_tag::nc);
  const auto flags = dnnl::normalization_flags::use_scale_shift;
  const dnnl::batch_normalization_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, blocked, 1e-5F, flags}, engine());
  const dnnl::batch_normalization_backward::primitive_desc backward(
      {dnnl::prop_kind::backward, blocked, blocked, 1e-5F, flags}, engine(), forward);

  const memory x = filled(blocked, 0.1F), scale_shift = filled(scale_shift_desc, 1),
               mean = filled(forward.mean_desc(), 0), variance = filled(forward.variance_desc(), 1);
  const Arguments forward_arguments = {{DNNL_ARG_SRC, x},
                                       {DNNL_ARG_SCALE_SHIFT, scale_shift},
                                       {DNNL_ARG_MEAN, mean},
                                       {DNNL_ARG_VARIANCE, variance},
                                       {DNNL_ARG_DST, filled(blocked, 0)}};
  const Arguments backward_arguments = {{DNNL_ARG_SRC, x},
                                        {DNNL_ARG_SCALE_SHIFT, scale_shift},
                                        {DNNL_ARG_MEAN, mean},
                                        {DNNL_ARG_VARIANCE, variance},
                                        {DNNL_ARG_DIFF_DST, filled(blocked, 0.1F)},
                                        {DNNL_ARG_DIFF_SRC, filled(blocked, 0)},
                                        {DNNL_ARG_DIFF_SCALE_SHIFT, filled(scale_shift_desc, 0)}};
  return runner({{dnnl::batch_normalization_forward(forward), forward_arguments},
                 {dnnl::batch_normalization_backward(backward), backward_arguments}});
}

std::function<void()> make_step(const LayerCase& layer) {
  if (layer.type == "Conv2d") return convolution_step(layer);
  if (layer.type == "BatchNorm2d" && !layer.evaluation) return batch_norm_step(layer);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  return run_layer_program(argc, argv, {"oneDNN", omp_set_num_threads, make_step});
}
