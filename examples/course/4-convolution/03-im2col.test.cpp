#include COURSE_FILE

namespace {

void test_with(DType type, int64_t stride, int64_t padding) {
  const std::string with = str(" (stride ", stride, ", padding ", padding, ")");
  const Tensor x = randn({2, 3, 7, 6}, type);
  const int64_t kh = 3, kw = 2, rows = 3 * kh * kw;
  // A kernel that picks one place of one channel turns conv2d into one row of the matrix.
  const Tensor one_each = eye(rows, rows, type).reshape({rows, 3, kh, kw});
  const Conv2dOptions options{.stride = stride, .padding = padding};
  const Tensor right = conv2d(x, one_each, {}, options).reshape({2, rows, -1});
  const Tensor found = im2col(x, kh, kw, stride, padding);
  const auto reordered = [&](const Shape& dims) {
    return right.reshape({2, 3, kh, kw, -1}).permute(dims).reshape({2, rows, -1});
  };
  if (course::is_same(found, right.transpose(1, 2)))
    course::fail(str("Your matrices have the shape ", found.shape(),
                     ": the windows are there as rows", with, "."),
                 "The product is weight [O, C kh kw] times columns [C kh kw, H' W'].");
  if (course::is_same(found, reordered({0, 2, 3, 1, 4})))
    course::fail("In your columns the channels vary fastest" + with + ": row (a kw + b) C + c.",
                 "A row of the weight's matrix is weight[o] = [C, kh, kw], read in order: the "
                 "channel varies slowest.");
  if (course::is_same(found, reordered({0, 1, 3, 2, 4})))
    course::fail("In your columns a and b are exchanged" + with + ": row (c kw + b) kh + a.",
                 "The weight is [.., kh, kw]: b, the column within the window, varies fastest.");
  if (stride > 1 && found.defined() && found.shape() == right.shape()) {
    const Tensor dense = conv2d(x, one_each, {}, {.padding = padding});
    const int64_t height = (7 + 2 * padding - kh) / stride + 1;
    const int64_t width = (6 + 2 * padding - kw) / stride + 1;
    const Tensor corner = dense.narrow(2, 0, height).narrow(3, 0, width).contiguous();
    if (course::is_same(found, corner.reshape({2, rows, -1})))
      course::fail("Your windows are neighbouring windows, one element apart" + with + ".",
                   "slice(x, dim, start, length, step): the step is the stride.");
  }
  const bool scrambled =
      found.defined() && found.shape() == right.shape() &&
      course::is_same(sort(found.flatten()).values, sort(right.flatten()).values);
  course::same("The matrix of windows" + with, found, right,
               scrambled ? "All elements are there, in other places: a row is one place in the "
                           "window, the same of all windows. Dimensions that are merged by reshape "
                           "must be neighbours; in which one are the slices stacked?"
                         : "Row (c kh + a) kw + b, column i W' + j.");
  const Tensor w = randn({4, 3, kh, kw}, type);
  course::same("The convolution" + with, conv2d_as_product(x, w, stride, padding),
               conv2d(x, w, {}, options));
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(1);
    for (const DType type : {float64, float32}) {
      test_with(type, 1, 0);
      test_with(type, 2, 0);
      test_with(type, 1, 1);
      test_with(type, 2, 1);
    }
  });
}
