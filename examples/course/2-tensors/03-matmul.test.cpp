#include COURSE_FILE

namespace {

Tensor t(const Tensor& x) {
  return transpose(x, 0, 1);
}

bool equal(const Tensor& a, const Tensor& b) {
  return course::is_same(a.contiguous(), b.contiguous());
}

/// The only mistake of which square matrices say nothing.
void check_reshape() {
  const Tensor a = randn({4, 2}, float64), b = randn({2, 3}, float64), g = randn({4, 3}, float64);
  MatmulGradients found;
  try {
    found = matmul_gradients(a, b, g);
  } catch (const Error&) {
    return;  // check_sizes() says more
  }
  if (equal(found.da, matmul(g, reshape(b, {3, 2}))) ||
      equal(found.db, matmul(reshape(a, {2, 4}), g)))
    course::fail("A reshape is not a transpose (A [4,2], B [2,3]).",
                 "reshape deals out the same sequence of numbers to rows of another length; "
                 "transpose exchanges rows and columns.");
}

void check_sizes(int64_t n, int64_t k, int64_t m, DType type) {
  const Tensor a = randn({n, k}, type).requires_grad_(), b = randn({k, m}, type).requires_grad_();
  const Tensor g = randn({n, m}, type);
  MatmulGradients found;
  {
    const NoGrad pause;
    try {
      found = matmul_gradients(a, b, g);
    } catch (const Error& error) {
      course::fail(str("With A ", a.shape(), ", B ", b.shape(), ", G ", g.shape(),
                       " an operation refused its arguments:\n", error.what()));
    }
    course::check(found.da.defined() && found.db.defined(), "dA or dB is an undefined tensor.");
    if (n == k && k == m) {
      const std::string square =
          " Square matrices hide it, as every product of them exists: write the shapes next to "
          "the formula.";
      if (equal(found.da, matmul(g, b)))
        course::fail(
            "dA is G B: the transpose is missing.",
            "dA_il is the sum over j of G_ij B_lj: a row of G times a *row* of B." + square);
      if (equal(found.db, matmul(a, g)))
        course::fail("dB is A G: the transpose is missing.",
                     "dB_lj is the sum over i of A_il G_ij." + square);
      if (equal(found.da, matmul(t(b), g)))
        course::fail("dA is Bᵀ G: the factors are in the wrong order.",
                     "B stands at the right of A in A B, and so it does in dA = G Bᵀ." + square);
      if (equal(found.db, matmul(g, t(a))))
        course::fail("dB is G Aᵀ: the factors are in the wrong order.",
                     "A stands at the left of B in A B, and so it does in dB = Aᵀ G." + square);
      if (equal(found.da, g * b) || equal(found.db, a * g) || equal(found.da, g * t(b)) ||
          equal(found.db, t(a) * g))
        course::fail("* multiplies element by element; a matrix product is matmul.");
      if (equal(found.da, matmul(t(a), g)) && equal(found.db, matmul(g, t(b))))
        course::fail("dA and dB are swapped.");
    }
  }
  Tape tape;
  tape.backward(matmul(a, b), {.gradient = g});
  const std::string sizes = str(" for A ", a.shape(), ", B ", b.shape());
  course::same("dA" + sizes, found.da, a.grad(), "It should be G Bᵀ.");
  course::same("dB" + sizes, found.db, b.grad(), "It should be Aᵀ G.");
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(3);
    check_reshape();
    for (const DType type : {float64, float32}) {
      check_sizes(3, 3, 3, type);
      check_sizes(4, 2, 3, type);
      check_sizes(1, 5, 2, type);
    }
  });
}
