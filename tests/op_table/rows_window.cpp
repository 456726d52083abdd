// Convolutions and pools that are made of those over planes.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

std::vector<Row> nd_convolutions() {
  return {
      {.op = "",
       .form = "conv1d(x, weight, bias, stride, padding, dilation, groups)",
       .inputs = {{.shape = {2, 4, 7}, .large = {8, 8, 200}},
                  {.shape = {2, 2, 3}, .large = {6, 4, 3}},
                  {.shape = {2}, .large = {6}}},
       .call =
           [](const Tensors& t) {
             return conv1d(t[0], t[1], t[2],
                           {.stride = 2, .padding = 2, .dilation = 2, .groups = 2});
           }},
      {.op = "",
       .form = "conv3d(x, weight, bias)",
       .inputs = {{.shape = {2, 2, 3, 3, 4}, .large = {4, 4, 9, 10, 11}},
                  {.shape = {2, 2, 2, 3, 2}, .large = {6, 4, 2, 3, 2}},
                  {.shape = {2}, .large = {6}}},
       .call = [](const Tensors& t) { return conv3d(t[0], t[1], t[2]); }},
      {.op = "",
       .form = "conv3d(x, weight, {}, stride, padding, dilation, groups)",
       .inputs = {{.shape = {1, 4, 4, 4, 3}, .large = {2, 4, 9, 10, 11}},
                  {.shape = {4, 2, 2, 2, 1}}},
       .call =
           [](const Tensors& t) {
             return conv3d(
                 t[0], t[1], {},
                 {.stride = {2, 1, 2}, .padding = {1, 0, 1}, .dilation = {2, 1, 1}, .groups = 2});
           }},
  };
}

std::vector<Row> transposed_convolutions() {
  return {
      {.op = "",
       .form = "conv_transpose1d(x, weight, bias, stride, padding, output_padding)",
       .inputs = {{.shape = {2, 3, 4}, .large = {8, 6, 100}},
                  {.shape = {3, 2, 3}, .large = {6, 4, 3}},
                  {.shape = {2}, .large = {4}}},
       .call =
           [](const Tensors& t) {
             return conv_transpose1d(t[0], t[1], t[2],
                                     {.stride = 2, .padding = 1, .output_padding = 1});
           }},
      {.op = "",
       .form = "conv_transpose2d(x, weight, bias, stride, groups)",
       .inputs = {{.shape = {2, 4, 3, 2}, .large = {8, 4, 11, 12}},
                  {.shape = {4, 1, 2, 3}, .large = {4, 3, 2, 3}},
                  {.shape = {2}, .large = {6}}},
       .call =
           [](const Tensors& t) {
             return conv_transpose2d(t[0], t[1], t[2], {.stride = {2, 3}, .groups = 2});
           }},
      {.op = "",
       .form = "conv_transpose2d(x, weight, {}, padding, dilation, output_padding)",
       .inputs = {{.shape = {1, 2, 3, 4}, .large = {8, 4, 11, 12}},
                  {.shape = {2, 2, 3, 2}, .large = {4, 3, 3, 2}}},
       .call =
           [](const Tensors& t) {
             return conv_transpose2d(
                 t[0], t[1], {}, {.padding = {1, 0}, .output_padding = {1, 2}, .dilation = {2, 3}});
           }},
      {.op = "",
       .form = "conv_transpose3d(x, weight, bias, stride, padding, output_padding, groups)",
       .inputs = {{.shape = {2, 2, 2, 2, 3}, .large = {2, 4, 6, 7, 8}},
                  {.shape = {2, 2, 3, 2, 2}, .large = {4, 2, 3, 2, 2}},
                  {.shape = {4}}},
       .call =
           [](const Tensors& t) {
             return conv_transpose3d(t[0], t[1], t[2],
                                     {.stride = {2, 1, 2},
                                      .padding = {1, 0, 1},
                                      .output_padding = {1, 0, 1},
                                      .groups = 2});
           }},
  };
}

std::vector<Row> pools() {
  const Input row{.shape = {2, 2, 7}, .large = {8, 8, 300}, .values = Values::distinct};
  const Input plane{.shape = {2, 2, 4, 5}, .large = {8, 8, 20, 25}, .values = Values::distinct};
  const Input space{
      .shape = {1, 2, 4, 3, 5}, .large = {4, 4, 9, 10, 11}, .values = Values::distinct};
  return {
      {.op = "max_pool1d",
       .form = "max_pool1d(x, 3, stride, padding, dilation)",
       .inputs = {row},
       .call =
           [](const Tensors& t) {
             return max_pool1d(t[0], {.kernel_size = 3, .stride = 2, .padding = 1, .dilation = 2});
           }},
      {.op = "max_pool3d",
       .form = "max_pool3d(x, 2, ceil_mode)",
       .inputs = {space},
       .call =
           [](const Tensors& t) {
             return max_pool3d(t[0], {.kernel_size = 2, .padding = {1, 0, 1}, .ceil_mode = true});
           }},
      {.op = "max_pool3d",
       .form = "max_pool3d_with_indices(x, {2,1,3}).values",
       .inputs = {space},
       .call =
           [](const Tensors& t) {
             return max_pool3d_with_indices(t[0], {.kernel_size = {2, 1, 3}, .stride = 1}).values;
           }},
      {.op = "avg_pool1d",
       .form = "avg_pool1d(x, 3, stride, padding)",
       .inputs = {row},
       .call =
           [](const Tensors& t) {
             return avg_pool1d(t[0], {.kernel_size = 3, .stride = 2, .padding = 1});
           }},
      {.op = "avg_pool3d",
       .form = "avg_pool3d(x, 2, padding, count_include_pad = false)",
       .inputs = {space},
       .call =
           [](const Tensors& t) {
             return avg_pool3d(t[0], {.kernel_size = 2, .padding = 1, .count_include_pad = false});
           }},
      {.op = "adaptive_avg_pool3d",
       .form = "adaptive_avg_pool3d(x, {3,2,1})",
       .inputs = {space},
       .call =
           [](const Tensors& t) {
             return adaptive_avg_pool3d(t[0], {3, 2, 1});
           }},
      {.op = "adaptive_max_pool2d",
       .form = "adaptive_max_pool2d(x, {3,2}).values",
       .inputs = {plane},
       .call =
           [](const Tensors& t) {
             return adaptive_max_pool2d(t[0], {3, 2}).values;
           }},
      {.op = "adaptive_max_pool3d",
       .form = "adaptive_max_pool3d(x, 2).values",
       .inputs = {space},
       .call = [](const Tensors& t) { return adaptive_max_pool3d(t[0], 2).values; }},
      {.op = "",
       .form = "lp_pool2d(x, 3, {2,3})",
       .inputs = {{.shape = {2, 2, 4, 5}, .large = {8, 8, 20, 25}, .values = Values::positive}},
       .call =
           [](const Tensors& t) {
             return lp_pool2d(t[0], 3, {.kernel_size = {2, 3}, .stride = 1});
           }},
      {.op = "",
       .form = "max_unpool2d(x, indices, {4,5})",
       .inputs = {plane},
       .call =
           [](const Tensors& t) {
             const auto [y, indices] = max_pool2d_with_indices(t[0], {});
             return max_unpool2d(y, indices, {t[0].size(2), t[0].size(3)});
           }},
      {.op = "max_pool1d",
       .form = "max_pool1d_with_indices(x, 2).values",
       .inputs = {row},
       .call =
           [](const Tensors& t) {
             return max_pool1d_with_indices(t[0], {.kernel_size = 2}).values;
           }},
      {.op = "adaptive_avg_pool1d",
       .form = "adaptive_avg_pool1d(x, 3)",
       .inputs = {row},
       .call = [](const Tensors& t) { return adaptive_avg_pool1d(t[0], 3); }},
      {.op = "adaptive_max_pool1d",
       .form = "adaptive_max_pool1d(x, 3).values",
       .inputs = {row},
       .call = [](const Tensors& t) { return adaptive_max_pool1d(t[0], 3).values; }},
      {.op = "",
       .form = "lp_pool1d(x, 2, 3)",
       .inputs = {{.shape = {2, 2, 7}, .large = {8, 8, 300}, .values = Values::positive}},
       .call =
           [](const Tensors& t) { return lp_pool1d(t[0], 2, {.kernel_size = 3, .stride = 2}); }},
      {.op = "",
       .form = "max_unpool1d(x, indices, 7)",
       .inputs = {row},
       .call =
           [](const Tensors& t) {
             const auto [y, indices] = max_pool1d_with_indices(t[0], {});
             return max_unpool1d(y, indices, t[0].size(2));
           }},
      {.op = "",
       .form = "max_unpool3d(x, indices, {4,3,5})",
       .inputs = {space},
       .call =
           [](const Tensors& t) {
             const auto [y, indices] = max_pool3d_with_indices(t[0], {});
             return max_unpool3d(y, indices, {t[0].size(2), t[0].size(3), t[0].size(4)});
           }},
  };
}

}  // namespace

std::vector<Row> window_rows() {
  std::vector<Row> list = nd_convolutions();
  for (auto part : {transposed_convolutions(), pools()}) {
    for (Row& row : part) list.push_back(std::move(row));
  }
  list.push_back({.op = "",
                  .form = "upsample(x, {6,3})",
                  .inputs = {{.shape = {2, 2, 3, 4}, .large = {8, 8, 20, 21}}},
                  .call = [](const Tensors& t) {
                    return upsample(t[0], {.size = {6, 3}});
                  }});
  list.push_back({.op = "",
                  .form = "upsample(x, 1.7, linear)",
                  .inputs = {{.shape = {2, 2, 3, 4}, .large = {8, 8, 20, 21}}},
                  .call = [](const Tensors& t) {
                    return upsample(t[0], {.scale_factor = 1.7, .mode = UpsampleMode::linear});
                  }});
  list.push_back({.op = "",
                  .form = "alpha_dropout(x, 0.4, generator)",
                  .inputs = {{.shape = {4, 5}, .large = {200, 300}}},
                  .call = [](const Tensors& t) {
                    Rng generator(3);
                    return alpha_dropout(t[0], 0.4, generator);
                  }});
  return list;
}

}  // namespace gradus::op_table
