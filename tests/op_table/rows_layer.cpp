// Matrix products, convolution, pooling and normalization.
#include "../../core/distributed/shards.h"
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

/// Three shards that all hold the same: what each does to itself is what all do to one.
class ThreeAlike : public distributed::Shards {
 public:
  int64_t count() const override { return 3; }
  Tensor gather(const Tensor& local) override { return stack({local, local, local}); }
  void finish_with(const Tensor&, std::function<void(const Tensor& all)>) override {}
} three_alike;

std::vector<Row> products() {
  const auto multiply = [](const Tensors& x) { return matmul(x[0], x[1]); };
  return {
      {.op = "matmul",
       .form = "matmul(a[3,4], b[4,2])",
       .inputs = {{.shape = {3, 4}, .large = {130, 140}}, {.shape = {4, 2}, .large = {140, 90}}},
       .call = multiply},
      {.op = "matmul",
       .form = "matmul(a[2,1,3,4], b[5,4,2])",
       .inputs = {{.shape = {2, 1, 3, 4}, .large = {2, 1, 60, 50}},
                  {.shape = {5, 4, 2}, .large = {5, 50, 40}}},
       .call = multiply},
      {.op = "matmul",
       .form = "matmul(a[4], b[4])",
       .inputs = {{.shape = {4}, .large = {40000}}, {.shape = {4}, .large = {40000}}},
       .call = multiply},
      {.op = "matmul",
       .form = "matmul(a[3,4], b[4])",
       .inputs = {{.shape = {3, 4}, .large = {300, 200}}, {.shape = {4}, .large = {200}}},
       .call = multiply},
      {.op = "",
       .form = "dot(a, b)",
       .inputs = {{.shape = {4}, .large = {40000}}, {.shape = {4}, .large = {40000}}},
       .call = [](const Tensors& x) { return dot(x[0], x[1]); }},
      {.op = "",
       .form = "outer(a, b)",
       .inputs = {{.shape = {3}, .large = {300}}, {.shape = {4}, .large = {200}}},
       .call = [](const Tensors& x) { return outer(x[0], x[1]); }},
      {.op = "",
       .form = "bmm(a, b)",
       .inputs = {{.shape = {2, 3, 4}, .large = {9, 50, 40}},
                  {.shape = {2, 4, 2}, .large = {9, 40, 30}}},
       .call = [](const Tensors& x) { return bmm(x[0], x[1]); }},
      {.op = "",
       .form = "einsum(bij,bjk->bik)",
       .inputs = {{.shape = {2, 3, 4}, .large = {9, 50, 40}},
                  {.shape = {2, 4, 2}, .large = {9, 40, 30}}},
       .call =
           [](const Tensors& x) {
             return einsum("bij,bjk->bik", {x[0], x[1]});
           }},
      {.op = "",
       .form = "einsum(...iji,jk->k...i)",
       .inputs = {{.shape = {2, 3, 4, 3}, .large = {9, 8, 40, 8}},
                  {.shape = {4, 2}, .large = {40, 50}}},
       .call =
           [](const Tensors& x) {
             return einsum("...iji,jk->k...i", {x[0], x[1]});
           }},
      {.op = "",
       .form = "einsum(i,j)",
       .inputs = {{.shape = {3}, .large = {300}}, {.shape = {4}, .large = {200}}},
       .call =
           [](const Tensors& x) {
             return einsum("i,j", {x[0], x[1]});
           }},
      {.op = "linear",
       .form = "linear(x, weight, bias)",
       .inputs = {{.shape = {3, 4}, .large = {64, 300}},
                  {.shape = {2, 4}, .large = {100, 300}},
                  {.shape = {2}, .large = {100}}},
       .call = [](const Tensors& x) { return linear(x[0], x[1], x[2]); }},
      {.op = "linear",
       .form = "linear(x[2,3,4], weight)",
       .inputs = {{.shape = {2, 3, 4}, .large = {8, 9, 200}},
                  {.shape = {2, 4}, .large = {70, 200}}},
       .call = [](const Tensors& x) { return linear(x[0], x[1]); }},
  };
}

Conv2dOptions strided() {
  return {.stride = 2, .padding = {1, 0}, .dilation = {1, 2}};
}

std::vector<Row> convolutions() {
  const Input x{.shape = {2, 2, 5, 6}, .large = {8, 4, 20, 22}};
  const Input weight{.shape = {3, 2, 2, 2}, .large = {6, 4, 2, 2}};
  const Input y{.shape = {2, 3, 3, 2}, .large = {8, 6, 11, 10}};  // what strided() makes of x
  return {
      {.op = "conv2d",
       .form = "conv2d(x, weight, bias)",
       .inputs = {{.shape = {2, 2, 4, 5}, .large = {8, 6, 28, 28}},
                  {.shape = {3, 2, 3, 3}, .large = {12, 6, 3, 3}},
                  {.shape = {3}, .large = {12}}},
       .call = [](const Tensors& t) { return conv2d(t[0], t[1], t[2]); }},
      {.op = "conv2d",
       .form = "conv2d(x, weight, stride, padding, dilation)",
       .inputs = {x, weight},
       .call = [](const Tensors& t) { return conv2d(t[0], t[1], {}, strided()); }},
      {.op = "conv2d",
       .form = "conv2d(x, weight, bias, groups)",
       .inputs = {{.shape = {2, 4, 4, 4}, .large = {8, 8, 20, 20}},
                  {.shape = {4, 2, 3, 3}, .large = {8, 4, 3, 3}},
                  {.shape = {4}, .large = {8}}},
       .call =
           [](const Tensors& t) { return conv2d(t[0], t[1], t[2], {.padding = 1, .groups = 2}); }},
      {.op = "conv2d_input_gradient",
       .form = "conv2d_input_gradient(g, weight, shape)",
       .inputs = {y, weight},
       .call =
           [](const Tensors& t) {
             const bool is_small = t[0].size(0) == 2;
             const Shape shape = is_small ? Shape{2, 2, 5, 6} : Shape{8, 4, 20, 22};
             return conv2d_input_gradient(t[0], t[1], shape, strided());
           }},
      {.op = "conv2d_weight_gradient",
       .form = "conv2d_weight_gradient(g, x, shape)",
       .inputs = {y, x},
       .call =
           [](const Tensors& t) {
             const Shape shape{t[0].size(1), t[1].size(1), 2, 2};
             return conv2d_weight_gradient(t[0], t[1], shape, strided());
           },
       .float32_tolerance = 3e-5},
  };
}

Pool2dOptions overlapping() {
  return {.kernel_size = 3, .stride = 2, .padding = 1, .ceil_mode = true};
}

std::vector<Row> pooling() {
  const Input x{.shape = {2, 2, 4, 5}, .large = {8, 8, 20, 25}, .values = Values::distinct};
  const Input y{.shape = {2, 2, 3, 3}, .large = {8, 8, 11, 13}};
  const auto max_pool = [](const Tensors& t) { return max_pool2d(t[0], overlapping()); };
  const auto average = [](const Tensors& t) { return avg_pool2d(t[0], overlapping()); };
  return {
      {.op = "max_pool2d", .form = "max_pool2d(x)", .inputs = {x}, .call = max_pool},
      {.op = "max_pool2d",
       .form = "max_pool2d_with_indices(x).values",
       .inputs = {x},
       .call =
           [](const Tensors& t) {
             return max_pool2d_with_indices(t[0], {.kernel_size = 2}).values;
           }},
      {.op = "max_pool_scatter",
       .form = "gradient of max_pool2d(x)",
       .inputs = {x, y},
       .call = gradient_of(max_pool)},
      {.op = "max_pool_gather",
       .form = "gradient of the gradient of max_pool2d(x)",
       .inputs = {x, y, x},
       .call = gradient_of(gradient_of(max_pool), 1)},
      {.op = "avg_pool2d", .form = "avg_pool2d(x)", .inputs = {x}, .call = average},
      {.op = "avg_pool2d",
       .form = "avg_pool2d(x, count_include_pad = false)",
       .inputs = {x},
       .call =
           [](const Tensors& t) {
             return avg_pool2d(t[0], {.kernel_size = {2, 3},
                                      .stride = 1,
                                      .padding = {0, 1},
                                      .count_include_pad = false});
           }},
      {.op = "avg_pool_gradient",
       .form = "gradient of avg_pool2d(x)",
       .inputs = {x, y},
       .call = gradient_of(average)},
      {.op = "adaptive_avg_pool2d",
       .form = "adaptive_avg_pool2d(x, {3, 2})",
       .inputs = {x},
       .call =
           [](const Tensors& t) {
             return adaptive_avg_pool2d(t[0], {3, 2});
           }},
  };
}

std::vector<Row> normalization() {
  const Input x{.shape = {3, 2, 2, 3}, .large = {16, 8, 15, 14}};
  const Input channels{.shape = {2}, .large = {8}};
  const Input variance{.shape = {2}, .large = {8}, .values = Values::positive};
  return {
      {.op = "batch_norm",
       .form = "batch_norm_train(x, weight, bias).y",
       .inputs = {x, channels, channels},
       .call = [](const Tensors& t) { return batch_norm_train(t[0], t[1], t[2]).y; },
       .float32_tolerance = 3e-5},
      {.op = "batch_norm",
       .form = "batch_norm_train(x[6,2], {}, {}).y",
       .inputs = {{.shape = {6, 2}, .large = {500, 40}}},
       .call = [](const Tensors& t) { return batch_norm_train(t[0], {}, {}).y; },
       .float32_tolerance = 3e-5},
      {.op = "instance_norm",
       .form = "instance_norm(x, weight, bias).y",
       .inputs = {x, channels, channels},
       .call = [](const Tensors& t) { return instance_norm(t[0], t[1], t[2]).y; },
       .float32_tolerance = 3e-5},
      {.op = "layer_norm",
       .form = "layer_norm(x, [2,3], weight, bias)",
       .inputs = {{.shape = {3, 2, 2, 3}, .large = {64, 16, 2, 3}},
                  {.shape = {2, 3}},
                  {.shape = {2, 3}}},
       .call =
           [](const Tensors& t) {
             return layer_norm(t[0], {2, 3}, t[1], t[2]);
           },
       .float32_tolerance = 3e-5},
      {.op = "group_norm",
       .form = "group_norm(x, 2, weight, bias)",
       .inputs = {{.shape = {3, 4, 3}, .large = {16, 8, 50}},
                  {.shape = {4}, .large = {8}},
                  {.shape = {4}, .large = {8}}},
       .call = [](const Tensors& t) { return group_norm(t[0], 2, t[1], t[2]); },
       .float32_tolerance = 3e-5},
      {.op = "sum_over_shards",
       .form = "sum_over_shards(three alike, x)",
       .inputs = {{.shape = {4, 3}, .large = {200, 300}}},
       .call = [](const Tensors& t) { return distributed::sum_over_shards(three_alike, t[0]); }},
      {.op = "batch_norm",
       .form = "batch_norm_train(x, weight, bias, three shards)",
       .inputs = {x, channels, channels},
       .call =
           [](const Tensors& t) {
             return batch_norm_train(t[0], t[1], t[2], 1e-5, NormForm::fused, &three_alike).y;
           },
       .float32_tolerance = 3e-5},
      {.op = "rms_norm",
       .form = "rms_norm(x, [3], weight)",
       .inputs = {{.shape = {4, 3}, .large = {20000, 3}}, {.shape = {3}}},
       .call = [](const Tensors& t) { return rms_norm(t[0], {3}, t[1]); },
       .float32_tolerance = 3e-5},
      {.op = "",
       .form = "local_response_norm(x, 3)",
       .inputs = {{.shape = {2, 5, 3}}},
       .call = [](const Tensors& t) { return local_response_norm(t[0], 3, 0.5); }},
      {.op = "batch_norm_eval",
       .form = "batch_norm_eval(x, 0.3, 0.7, weight, bias)",
       .inputs = {x, channels, channels},
       .call =
           [](const Tensors& t) {
             const Shape shape = {t[0].size(1)};
             return batch_norm_eval(t[0], full(shape, 0.3, t[0].dtype()),
                                    full(shape, 0.7, t[0].dtype()), t[1], t[2]);
           },
       .float32_tolerance = 3e-5},
      {.op = "",
       .form = "batch_norm_eval(x, mean, variance, weight, bias)",
       .inputs = {x, channels, variance, channels, channels},
       .call = [](const Tensors& t) { return batch_norm_eval(t[0], t[1], t[2], t[3], t[4]); }},
  };
}

}  // namespace

std::vector<Row> layer_rows() {
  std::vector<Row> list = products();
  for (auto part : {convolutions(), pooling(), normalization()}) {
    for (Row& row : part) list.push_back(std::move(row));
  }
  return list;
}

}  // namespace gradus::op_table
