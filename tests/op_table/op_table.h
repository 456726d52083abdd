// Every operation of the library as data: one row per operation (or per interesting form of one).
// Tests and benchmarks run the same rows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "../../core/base/random.h"
#include "../../core/tensor.h"

namespace gradus::op_table {

using Tensors = std::vector<Tensor>;

/// The values that an input may take, away from points without a derivative.
enum class Values {
  any,       ///< +-[0.3, 1.5]: not near zero
  positive,  ///< [0.3, 1.8]
  unit,      ///< (-0.8, 0.8)
  distinct,  ///< no two elements closer than 0.05 and none near zero
  mask,      ///< bool
  index,     ///< int64 in [0, limit)
};

struct Input {
  Shape shape;
  Shape large = {};  ///< for timing and for work on several threads; `shape` if empty
  Values values = Values::any;
  int64_t limit = 0;
};

struct Row {
  std::string op;    ///< the name on the tape; empty for a function composed of other operations
  std::string form;  ///< the call, as a reader would write it: "softmax(x, 1)"
  std::vector<Input> inputs;
  /// Runs on any shapes and floating-point types that match. May need a tape.
  std::function<Tensor(const Tensors&)> call;
  /// Of float32 results against float64 ones, relative to the largest element.
  double float32_tolerance = 1e-5;
  /// Of the central differences. Only rounding to float32 needs a different one.
  double step = 1e-6;
};

std::vector<Row> elementwise_rows();
std::vector<Row> reduction_rows();
std::vector<Row> shape_rows();
std::vector<Row> activation_rows();
std::vector<Row> layer_rows();   ///< products, convolution, pooling, normalization
std::vector<Row> window_rows();  ///< convolution and pooling composed of those over planes
std::vector<Row> loss_rows();
std::vector<Row> linalg_rows();
/// All of these.
const std::vector<Row>& rows();

enum class Size { small, large };
/// Floating-point inputs have type `dtype` and require no gradient. The same for the same
/// arguments.
Tensors make_inputs(const Row& row, DType dtype, Size size = Size::small);

/// The output of a row, and the gradients of its floating-point inputs for a fixed random output
/// gradient.
struct Result {
  Tensor output;
  Tensors gradients;  ///< parallel to the inputs; undefined for others
};
/// `inputs` may have any layout; they are not changed.
Result run(const Row& row, const Tensors& inputs);

/// The gradient of `f` as a function: of f's inputs and, last, an output gradient, giving the
/// gradient of input number `which`. It has gradients itself, so it can be nested.
std::function<Tensor(const Tensors&)> gradient_of(std::function<Tensor(const Tensors&)> f,
                                                  size_t which = 0);

}  // namespace gradus::op_table
