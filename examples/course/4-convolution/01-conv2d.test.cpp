#include COURSE_FILE

namespace {

Tensor image_of(int64_t size) {
  return randn({2, 3, size, size - 1}, float64);
}

void test_with(const Tensor& x, const Tensor& w, int64_t stride, int64_t padding) {
  const std::string with = str(" (stride ", stride, ", padding ", padding, ")");
  const Tensor found = conv2d_loops(x, w, stride, padding);
  const Tensor right = conv2d(x, w, {}, {.stride = stride, .padding = padding});
  if (found.defined() && found.shape() != right.shape()) {
    const std::string shapes =
        str("y has the shape ", found.shape(), ", expected ", right.shape(), with);
    if (padding > 0 && found.shape() == conv2d(x, w, {}, {.stride = stride}).shape())
      course::fail(shapes + ": its size was computed without the padding.",
                   "Both sides count: H + 2 padding, in place of H.");
    course::fail(shapes + ".", "[N, O, H', W'] with H' = (H + 2 padding - kh) / stride + 1.");
  }
  if (course::is_same(found,
                      conv2d(x, flip(w, {2, 3}), {}, {.stride = stride, .padding = padding})))
    course::fail("Your kernel is flipped" + with + ": x[i + a] meets weight[kh - 1 - a].",
                 "Mathematics calls that a convolution. Deep learning uses cross-correlation under "
                 "the same name: the kernel lies on the image as it is.");
  const std::vector<int64_t> pads = {0, 2 * padding, 0, 2 * padding};
  if (padding > 0 && course::is_same(found, conv2d(pad(x, pads), w, {}, {.stride = stride})))
    course::fail("y is shifted by the padding" + with + ".",
                 "The first window starts at row -padding of the image, outside of it.");
  const Tensor apart = conv2d(x, w, {}, {.padding = padding, .dilation = stride});
  if (stride > 1 &&
      course::is_same(found, apart.narrow(2, 0, right.size(2)).narrow(3, 0, right.size(3))))
    course::fail("The stride is the distance of the elements within a window" + with + ".",
                 "That is called dilation. The stride is the distance from window to window: it "
                 "multiplies i and j, not a and b.");
  const Tensor last =
      conv2d(x.narrow(1, 2, 1), w.narrow(1, 2, 1), {}, {.stride = stride, .padding = padding});
  if (course::is_same(found, last))
    course::fail("y contains only the last channel of x" + with + ".",
                 "The sum goes over all channels: where is it set to 0?");
  const auto inside = [&](const Tensor& y) {
    return y.narrow(2, 1, right.size(2) - 2).narrow(3, 1, right.size(3) - 2);
  };
  if (stride == 1 && padding == 1 && found.defined() && !course::is_same(found, right) &&
      course::is_same(inside(found), inside(right)))
    course::fail(
        "y is right inside, but wrong along the border" + with + ".",
        "Outside of the image x is 0. Are all four sides checked before x is read? Without "
        "a check the index reaches into the next row, or out of the tensor.");
  course::same("y" + with, found, right, "Compare the indices with the formula, one by one.");
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(1);
    const Tensor weight = randn({4, 3, 3, 2}, float64);
    test_with(image_of(7), weight, 1, 0);
    test_with(image_of(7), weight, 1, 1);
    test_with(image_of(8), weight, 2, 0);
    test_with(image_of(9), weight, 2, 1);
    test_with(image_of(9), weight, 3, 2);
  });
}
