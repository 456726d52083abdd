#include COURSE_FILE

namespace {

/// The critic sum_k v_k tanh(x w)_k, and its penalty by a formula: its gradient is known.
struct Known {
  Tensor x, w, v;

  explicit Known(DType type) {
    manual_seed(7);
    x = randn({5, 3}, type).requires_grad_();
    w = randn({3, 4}, type).requires_grad_();
    v = randn({4, 1}, type).requires_grad_();
  }
  Tensor scores(const Tensor& at) const { return matmul(tanh(matmul(at, w)), v); }
  Tensor slopes() const {
    const Tensor outer = reshape(v, {1, 4}) * (1.0 - square(tanh(matmul(x.detach(), w))));
    return matmul(outer, w.T());  // [N, D]: row n is the gradient of score n
  }
};

void check_value(const Tensor& found, const Tensor& g) {
  const Tensor lengths = norm(g, {1});
  const double rows = static_cast<double>(g.size(0));
  course::check(found.dim() == 0,
                str("The penalty has the shape ", found.shape(), "; it is one number."),
                "Is the mean over the samples missing?");
  if (course::is_same(found, square(norm(g) - 1.0)))
    course::fail(
        str("The penalty is ", found.item(), ": the length of all gradients as one long vector, ",
            norm(g).item(), ", is held to 1."),
        "The norm runs over the whole batch; it must be one per sample: norm(g, {1}).");
  if (course::is_same(found, mean(square(lengths))))
    course::fail(str("The penalty is ", found.item(),
                     ", the mean of the squared slopes. It draws them to 0."),
                 "The 1 is missing: a slope of 1 should cost nothing, and one of 0 should cost 1.");
  if (course::is_same(found, mean(square(lengths / rows - 1.0))))
    course::fail(
        str("Your slopes are ", g.size(0), " times too small."),
        "The gradient of the MEAN of the scores has a factor 1/N in each row; differentiate "
        "their sum.");
  if (course::is_same(found, square(mean(lengths) - 1.0)))
    course::fail(
        "Only the mean slope is held to 1: a slope of 0 next to one of 2 would cost nothing.",
        "Square the difference of each sample, then take the mean.");
  if (course::is_same(found, mean(square(norm(g, {0}) - 1.0))))
    course::fail("The norm runs over the samples, and gives one slope per input.",
                 "Dimension 0 numbers the samples; the length of a sample's gradient sums over "
                 "dimension 1.");
  course::same("the penalty", found, mean(square(lengths - 1.0)),
               "The mean over samples of (slope - 1)^2.");
}

void check_penalty(DType type) {
  const Known k(type);
  const Tape tape;
  const Tensor penalty = gradient_penalty([&](const Tensor& at) { return k.scores(at); }, k.x);
  course::check(penalty.defined(), "The penalty is an undefined tensor.");
  {
    const NoGrad pause;
    check_value(penalty.detach(), k.slopes().detach());
  }
  course::check(
      !k.w.grad().defined() && !k.x.grad().defined(),
      "The penalty has written into .grad() of the critic's parameters or of x.",
      "Tape::backward adds to every leaf; grad() returns what was asked for and leaves all "
      "else as it is.");
  const Tensor expected = mean(square(norm(k.slopes(), {1}) - 1.0));
  std::vector<Tensor> found;
  try {
    for (const Tensor& g : grad(penalty, {k.w, k.v})) found.push_back(g);
  } catch (const TapeError&) {
    course::fail(
        "The value of the penalty is right, but it has no gradient for the critic's "
        "parameters: the optimizer would not notice it.",
        "The gradient with respect to x was computed without being recorded. Was "
        "create_graph forgotten, or something detached?");
  }
  const auto right = grad(expected, {k.w, k.v});
  for (size_t i = 0; i < found.size(); ++i)
    course::same(i == 0 ? "the gradient of the penalty for w" : "the gradient of the penalty for v",
                 found[i], right[i], "Is part of the penalty computed from detached tensors?",
                 type == float32 ? 1e-4 : 1e-9);
}

}  // namespace

int main() {
  return course::run([] {
    check_penalty(float64);
    check_penalty(float32);
  });
}
