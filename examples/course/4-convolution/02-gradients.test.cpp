#include COURSE_FILE

namespace {

void test_with(int64_t stride, int64_t padding) {
  const std::string with = str(" (stride ", stride, ", padding ", padding, ")");
  const Conv2dOptions options{.stride = stride, .padding = padding};
  const Tensor x = randn({2, 3, 7, 6}, float64), w = randn({4, 3, 3, 2}, float64);
  const Tensor g = randn(conv2d(x, w, {}, options).shape(), float64);
  const Tensor dx = conv2d_input_gradient(g, w, x.shape(), options);
  const Tensor dw = conv2d_weight_gradient(g, x, w.shape(), options);
  const Gradients found = conv2d_gradients(g, x, w, stride, padding);

  if (course::is_same(found.x, conv2d_input_gradient(g, flip(w, {2, 3}), x.shape(), options)))
    course::fail("In your dx the kernel is flipped once too often" + with + ".",
                 "Seen from x it does appear flipped; but loops over g that write to x do that by "
                 "themselves: weight[a,b] takes g[i,j] back to where x[row,column] came from.");
  // What the last of all terms leaves at each place.
  const Tensor last_weight = w[3][2][2][1], last_g = g[1][3];
  const Tensor end = last_g[-1][-1] * last_weight;
  const int64_t row = (g.size(2) - 1) * stride + 2 - padding;
  const int64_t column = (g.size(3) - 1) * stride + 1 - padding;
  if (row < x.size(2) && column < x.size(3) && found.x.defined() && found.x.shape() == x.shape() &&
      !course::is_same(found.x, dx) && course::is_same(found.x[1][2][row][column], end) &&
      !course::is_same(dx[1][2][row][column], end))
    course::fail(str("Your dx keeps only the last of the terms of each element", with, ": at [1,2,",
                     row, ",", column, "] it is ", end.item(), ", the sum is ",
                     dx[1][2][row][column].item(), "."),
                 "Each element of x was used by several outputs: += in place of =.");
  if (stride > 1) {
    Shape longer = x.shape();
    longer[2] = g.size(2) + 2, longer[3] = g.size(3) + 1;
    const Tensor dense = conv2d_input_gradient(g, w, longer, {});
    const int64_t rows = std::min(longer[2] - padding, x.size(2));
    const int64_t columns = std::min(longer[3] - padding, x.size(3));
    Tensor shifted = zeros_like(x);
    shifted.narrow(2, 0, rows)
        .narrow(3, 0, columns)
        .copy_(dense.narrow(2, padding, rows).narrow(3, padding, columns));
    if (course::is_same(found.x, shifted))
      course::fail("Your dx does not use the stride" + with + ".",
                   "g[i,j] belongs to the window that starts at i stride - padding.");
  }
  course::same("dx" + with, found.x, dx, "dx[row,column] += g[i,j] weight[a,b]");

  if (course::is_same(found.weight, dw / 2.0))
    course::fail("Your dW is divided by the number of samples" + with + ".",
                 "If the loss is a mean, the division is already in g.");
  if (course::is_same(found.weight, conv2d_weight_gradient(g[1].unsqueeze(0), x[1].unsqueeze(0),
                                                           w.shape(), options)))
    course::fail("Your dW contains only the last sample" + with + ".",
                 "The weights are shared by all samples: their gradient is a sum over them.");
  if (padding == 0 && found.weight.defined() && found.weight.shape() == w.shape() &&
      course::is_same(
          found.weight[0][0][0][0],
          g[1][0][-1][-1] * x[1][0][(g.size(2) - 1) * stride][(g.size(3) - 1) * stride]))
    course::fail(
        str("Your dW keeps only the last term: at [0,0,0,0] it is ",
            found.weight[0][0][0][0].item(), ", the sum is ", dw[0][0][0][0].item(), with, "."),
        "A weight is used at every place of every sample: += in place of =.");
  course::same("dW" + with, found.weight, dw, "dW[a,b] += g[i,j] x[row,column]");
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(1);
    test_with(1, 0);
    test_with(1, 1);
    test_with(2, 0);
    test_with(2, 1);
  });
}
