// Views, joining, indexing and padding.
#include <array>

#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

const Shape small_cube = {3, 4, 2}, large_cube = {40, 50, 30};

Row moved(const char* op, const char* text, Tensor (*call)(const Tensors&)) {
  return {
      .op = op, .form = text, .inputs = {{.shape = small_cube, .large = large_cube}}, .call = call};
}

Tensor padded(const Tensor& x, PadMode mode) {
  constexpr std::array<int64_t, 4> pads = {1, 0, 2, 1};
  return pad(x, pads, mode);
}

std::vector<Row> views() {
  return {
      moved("reshape", "reshape(x, {2, -1})",
            [](const Tensors& x) {
              return reshape(x[0], {2, -1});
            }),
      moved("reshape", "flatten(x, 1)", [](const Tensors& x) { return flatten(x[0], 1); }),
      moved("reshape", "unsqueeze(x, 1)", [](const Tensors& x) { return unsqueeze(x[0], 1); }),
      moved("permute", "permute(x, {2, 0, 1})",
            [](const Tensors& x) {
              return permute(x[0], {2, 0, 1});
            }),
      moved("permute", "movedim(x, 0, -1)", [](const Tensors& x) { return movedim(x[0], 0, -1); }),
      moved("diagonal", "diagonal(x, 1, 1, 0)",
            [](const Tensors& x) { return diagonal(x[0], 1, 1, 0); }),
      {.op = "diagonal_gradient",
       .form = "diag(x, -1)",
       .inputs = {{.shape = {3}, .large = {200}}},
       .call = [](const Tensors& x) { return diag(x[0], -1); }},
      moved("permute", "transpose(x, 0, 1)",
            [](const Tensors& x) { return transpose(x[0], 0, 1); }),
      {.op = "expand",
       .form = "expand(x, {2, 3, -1})",
       .inputs = {{.shape = {3, 1}, .large = {3, 9000}}},
       .call =
           [](const Tensors& x) {
             return expand(x[0], {2, 3, -1});
           }},
      moved("slice", "slice(x, 1, 1, 2, 2)",
            [](const Tensors& x) { return slice(x[0], 1, 1, 2, 2); }),
      moved("slice", "select(x, 0, -1)", [](const Tensors& x) { return select(x[0], 0, -1); }),
      moved("slice", "unbind(x)[1]", [](const Tensors& x) { return unbind(x[0])[1]; }),
      moved("reshape", "unflatten(x, 1, {2, -1})",
            [](const Tensors& x) {
              return unflatten(x[0], 1, {2, -1});
            }),
      {.op = "reshape",
       .form = "squeeze(x, 1)",
       .inputs = {{.shape = {3, 1, 4}, .large = {300, 1, 40}}},
       .call = [](const Tensors& x) { return squeeze(x[0], 1); }},
      moved("slice", "narrow(x, 1, 1, 2)", [](const Tensors& x) { return narrow(x[0], 1, 1, 2); }),
      moved("slice", "chunk(x, 2, 1)[1]", [](const Tensors& x) { return chunk(x[0], 2, 1)[1]; }),
      {.op = "",
       .form = "trace(x)",
       .inputs = {{.shape = {3, 4}, .large = {200, 300}}},
       .call = [](const Tensors& x) { return trace(x[0]); }},
      moved("slice", "split(x, 3, 1)[1]", [](const Tensors& x) { return split(x[0], 3, 1)[1]; }),
      {.op = "slice_gradient",
       .form = "gradient of slice(x, 1, 1, 2, 2)",
       .inputs = {{.shape = {3, 4}, .large = {9000, 4}}, {.shape = {3, 2}, .large = {9000, 2}}},
       .call = gradient_of([](const Tensors& x) { return slice(x[0], 1, 1, 2, 2); })},
  };
}

std::vector<Row> copies() {
  return {
      {.op = "cat",
       .form = "cat({a, b, a}, 1)",
       .inputs = {{.shape = {3, 2}, .large = {900, 20}}, {.shape = {3, 3}, .large = {900, 30}}},
       .call =
           [](const Tensors& x) {
             return cat({x[0], x[1], x[0]}, 1);
           }},
      {.op = "cat",
       .form = "stack({a, b}, -1)",
       .inputs = {{.shape = small_cube, .large = large_cube},
                  {.shape = small_cube, .large = large_cube}},
       .call =
           [](const Tensors& x) {
             return stack({x[0], x[1]}, -1);
           }},
      moved("", "repeat(x, {2, 1, 3})",
            [](const Tensors& x) {
              return repeat(x[0], {2, 1, 3});
            }),
      moved("flip", "flip(x, {0, 2})",
            [](const Tensors& x) {
              return flip(x[0], {0, 2});
            }),
      moved("", "roll(x, 2, 1)", [](const Tensors& x) { return roll(x[0], 2, 1); }),
      moved("pad", "pad(x, {1, 0, 2, 1})",
            [](const Tensors& x) { return padded(x[0], PadMode::constant); }),
      moved("", "pad(x, {1, 0, 2, 1}, reflect)",
            [](const Tensors& x) { return padded(x[0], PadMode::reflect); }),
      moved("", "pad(x, {1, 0, 2, 1}, replicate)",
            [](const Tensors& x) { return padded(x[0], PadMode::replicate); }),
      moved("", "pad(x, {1, 0, 2, 1}, circular)",
            [](const Tensors& x) { return padded(x[0], PadMode::circular); }),
      moved("", "tril(x)", [](const Tensors& x) { return tril(x[0]); }),
      moved("", "triu(x, 1)", [](const Tensors& x) { return triu(x[0], 1); }),
  };
}

std::vector<Row> indexing() {
  return {
      {.op = "gather",
       .form = "gather(x, 1, index)",
       .inputs = {{.shape = {3, 4}, .large = {3, 9000}},
                  {.shape = {2, 5}, .large = {2, 9000}, .values = Values::index, .limit = 4}},
       .call = [](const Tensors& x) { return gather(x[0], 1, x[1]); }},
      {.op = "scatter_add",
       .form = "scatter_add({3, 4}, 0, index, x)",
       .inputs = {{.shape = {2, 4}, .large = {9000, 4}},
                  {.shape = {2, 4}, .large = {9000, 4}, .values = Values::index, .limit = 3}},
       .call =
           [](const Tensors& x) {
             return scatter_add({3, 4}, 0, x[1], x[0]);
           }},
      {.op = "scatter",
       .form = "scatter(x, 1, index, y)",
       .inputs = {{.shape = {3, 4}, .large = {3, 9000}},
                  {.shape = {2, 5}, .large = {2, 9000}, .values = Values::index, .limit = 4},
                  {.shape = {2, 5}, .large = {2, 9000}}},
       .call = [](const Tensors& x) { return scatter(x[0], 1, x[1], x[2]); }},
      {.op = "gather",
       .form = "sort(x, 0).values",
       .inputs = {{.shape = {5, 3}, .large = {500, 30}, .values = Values::distinct}},
       .call = [](const Tensors& x) { return sort(x[0], 0).values; }},
      {.op = "gather",
       .form = "topk(x, 2).values",
       .inputs = {{.shape = {3, 5}, .large = {30, 500}, .values = Values::distinct}},
       .call = [](const Tensors& x) { return topk(x[0], 2).values; }},
      {.op = "index_select",
       .form = "masked_select(x, mask)",
       .inputs = {{.shape = small_cube, .large = large_cube},
                  {.shape = small_cube, .large = large_cube, .values = Values::mask}},
       .call = [](const Tensors& x) { return masked_select(x[0], x[1]); }},
      {.op = "index_select",
       .form = "index_select(x, 1, index)",
       .inputs = {{.shape = small_cube, .large = large_cube},
                  {.shape = {5}, .large = {60}, .values = Values::index, .limit = 4}},
       .call = [](const Tensors& x) { return index_select(x[0], 1, x[1]); }},
      {.op = "",
       .form = "embedding(weight, index)",
       .inputs = {{.shape = {4, 3}, .large = {300, 40}},
                  {.shape = {2, 5}, .large = {20, 50}, .values = Values::index, .limit = 4}},
       .call = [](const Tensors& x) { return embedding(x[0], x[1]); }},
  };
}

}  // namespace

std::vector<Row> shape_rows() {
  std::vector<Row> list = views();
  for (Row& row : copies()) list.push_back(std::move(row));
  for (Row& row : indexing()) list.push_back(std::move(row));
  return list;
}

}  // namespace gradus::op_table
