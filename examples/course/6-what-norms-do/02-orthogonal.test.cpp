#include COURSE_FILE

namespace {

void check_formula(const Shape& shape, int64_t parts, DType dtype) {
  const Tensor w = randn(shape, dtype) + 0.3, dw = randn(shape, dtype) * 4.0 + 0.5;
  const Tensor a = reshape(w, {parts, -1}), b = reshape(dw, {parts, -1});
  const Tensor product = sum(a * b, {1}), expected = product / (norm(a, {1}) * norm(b, {1}));
  const Tensor found = cosines(w, dw, parts);
  const std::string usually = "";
  if (found.defined() && found.numel() != parts)
    course::fail(str("For w ", shape, " and ", parts, " parts there are ", found.numel(),
                     " cosines: ", found.shape(), "."),
                 "One for each piece of neighbouring rows, [parts].");
  if (course::is_same(found, product))
    course::fail(str("Your first number is ", found[0].item(),
                     ", which is no cosine: a product "
                     "alone, not divided by the lengths."),
                 "It is small whenever the gradient is, whatever the angle. Divide by |w| |dw|.");
  if (parts > 1 && course::is_same(found, product / (norm(w) * norm(dw))))
    course::fail(str("Your first number is ", found[0].item(), ", expected ", expected[0].item(),
                     ": it is divided by the lengths of all weights."),
                 "The lengths are those of the piece, as the product is.");
  if (course::is_same(found, product / (sum(a * a, {1}) * sum(b * b, {1}))))
    course::fail("You divide by the squares of the lengths.", "The roots are missing.");
  const Tensor c = reshape(w, {-1, parts}), d = reshape(dw, {-1, parts});
  if (parts > 1 && course::is_same(found, sum(c * d, {0}) / (norm(c, {0}) * norm(d, {0})), 1e-4))
    course::fail("Your pieces are columns: every piece has some inputs of all rows.",
                 "A row of w makes one output, whose length the norm removes. Columns have no such "
                 "meaning.");
  if (parts > 1 && shape[0] > parts) {
    const Shape view = {shape[0] / parts, parts, w.numel() / shape[0]};
    const Tensor e = reshape(w, view), f = reshape(dw, view);
    if (course::is_same(found, sum(e * f, {0, 2}) / (norm(e, {0, 2}) * norm(f, {0, 2}))))
      course::fail("Your pieces are interleaved: rows 0, parts, 2 parts ... are one piece.",
                   "A group is made of neighbours.");
  }
  course::same(str("the cosines of w ", shape, " in ", parts, " parts"), found, expected,
               "Expected sum(w dw) / (|w| |dw|) of each piece of neighbouring rows.",
               dtype == float32 ? 1e-5 : 1e-10);
}

/// And that they are what the formula is for: 0 before a norm.
void check_norms() {
  const Tensor x = randn({8, 5}, float64), g = randn({8, 6}, float64);
  const auto after = [&](const std::function<Tensor(const Tensor&)>& norm, int64_t parts) {
    const Tensor w = randn({6, 5}, float64).requires_grad_();
    const Tape tape;
    const Tensor dw = grad(norm(linear(x, w)), {w}, {.gradient = g})[0];
    return amax(abs(cosines(w.detach(), dw, parts))).item();
  };
  const double batch = after([](const Tensor& z) { return batch_norm_train(z, {}, {}, 0).y; }, 6);
  const double group = after([](const Tensor& z) { return group_norm(z, 2, {}, {}, 0); }, 2);
  const double layer = after([](const Tensor& z) { return layer_norm(z, {6}, {}, {}, 0); }, 1);
  course::check(batch < 1e-12 && group < 1e-12 && layer < 1e-12,
                str("Before batch, group and layer norm your largest cosines are ", batch, ", ",
                    group, " and ", layer, "; expected 0 up to rounding."));
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(5);
    for (const DType dtype : {float64, float32}) {
      check_formula({6, 4}, 6, dtype);
      check_formula({6, 4}, 2, dtype);
      check_formula({6, 4}, 1, dtype);
      check_formula({4, 3, 2, 2}, 2, dtype);
    }
    check_norms();
  });
}
