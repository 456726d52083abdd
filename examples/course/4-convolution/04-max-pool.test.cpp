#include COURSE_FILE

namespace {

Tensor right_one(const Tensor& g, const Tensor& x, int64_t size, int64_t stride) {
  const Tensor leaf = x.clone().requires_grad_();
  const Tape tape;
  const Tensor y = max_pool2d(leaf, {.kernel_size = size, .stride = Size2(stride)});
  return grad(y, {leaf}, {.gradient = g})[0];
}

void separate_windows() {
  const Tensor x = reshape(randperm(2 * 3 * 5 * 4), {2, 3, 5, 4}).to(float64) + 1;
  const Tensor g = randn({2, 3, 2, 2}, float64);
  const Tensor found = max_pool_gradient(g, x, 2, 2);
  Tensor spread = zeros_like(x);
  for (int64_t place = 0; place < 4; ++place)
    slice(slice(spread, 2, place / 2, 2, 2), 3, place % 2, 2, 2).copy_(g / 4.0);
  if (course::is_same(found, spread))
    course::fail("Your gradient goes to all four elements of each window, a quarter to each.",
                 "That is average pooling. Only the largest element moves the maximum.");
  if (course::is_same(found, spread * 4.0))
    course::fail("Your gradient goes to all four elements of each window.",
                 "Only the largest element moves the maximum; the others could change a little "
                 "without any effect.");
  course::same("The gradient for windows of 2x2 next to each other", found, right_one(g, x, 2, 2),
               "Each g goes to the place of the largest element.");
}

void negative_windows() {
  const Tensor x = randn({1, 2, 4, 4}, float64) - 10;
  const Tensor g = randn({1, 2, 2, 2}, float64);
  const Tensor found = max_pool_gradient(g, x, 2, 2);
  const Tensor right = right_one(g, x, 2, 2);
  course::check(course::is_same(found, right),
                "The gradient is wrong for windows that are all negative.",
                "If the search for the largest element starts with 0, none of these is found: it "
                "has to start below every number, or with the first element.");
}

void ties() {
  const Tensor x = zeros({1, 1, 2, 4}, float64), g = tensor({1.0, 1.0}, {1, 1, 1, 2});
  const Tensor found = max_pool_gradient(g, x, 2, 2);
  const double total = sum(found).item();
  const std::string where = "For two windows of four zeros and g = 1 ";
  if (total == 8)
    course::fail(where + str("your gradient has the sum ", total,
                             ", expected 2: it goes to all of ", "several equal elements."),
                 "g would be multiplied. After a ReLU, windows of zeros are common.");
  course::same(where + "the sum of your gradient", total, 2);
  if (found[0][0][1][1].item() == 1)
    course::fail(
        where + "it goes to the last of several equal elements, expected the first.",
        "Any of them would do, but it must be one: the library takes the first. >, not >=.");
  if (found[0][0][0][0].item() == 0.25)
    course::fail(where + "it is divided among equal elements.",
                 "That is a choice as well, made by amax here; pooling takes the first.");
  course::same(where + "the gradient", found, right_one(g, x, 2, 2));
}

void overlapping_windows() {
  Tensor x = randn({2, 2, 5, 5}, float64);
  x[0][0][2][2].fill_(9);  // the largest of four windows
  const Tensor g = randn({2, 2, 2, 2}, float64);
  const Tensor found = max_pool_gradient(g, x, 3, 2), right = right_one(g, x, 3, 2);
  if (!course::is_same(found, right) && course::is_same(found[0][0][2][2], g[0][0][1][1]))
    course::fail(str("Windows of 3x3 with stride 2 overlap: x[0,0,2,2] is the largest of four of ",
                     "them, and its gradient is ", found[0][0][2][2].item(), ", that of the last; ",
                     "expected ", right[0][0][2][2].item(), "."),
                 "Gradients that arrive at one element add up: += in place of =.");
  course::same("The gradient for windows of 3x3 with stride 2", found, right);
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(1);
    separate_windows();
    negative_windows();
    ties();
    overlapping_windows();
  });
}
