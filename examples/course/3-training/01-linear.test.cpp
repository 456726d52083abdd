#include COURSE_FILE

namespace {

void test_in(DType type) {
  manual_seed(1);
  const Tensor x = randn({5, 3}, type).requires_grad_();
  const Tensor weight = randn({4, 3}, type).requires_grad_();
  const Tensor bias = randn({4}, type).requires_grad_();
  x[0].fill_(0);  // so that z is exactly 0 at [0,1]
  bias[1].fill_(0);
  const Tensor g = randn({5, 4}, type);
  Tensor dx, dw, db, z;
  {
    const Tape tape;
    z = linear(x, weight, bias);
    const auto all = grad(relu(z), {x, weight, bias}, {.gradient = g});
    dx = all[0], dw = all[1], db = all[2];
  }
  z = z.detach();
  const Tensor w = weight.detach();
  const Gradients found = gradients(g, x.detach(), w, bias.detach());

  if (course::is_same(found.x, matmul(g, w)))
    course::fail("Your dx is g W: the ReLU is missing.",
                 "Where z <= 0 the output does not depend on z: nothing of g may pass there.");
  if (course::is_same(found.x, matmul(relu(g), w)))
    course::fail(
        "Your dx is relu(g) W: the ReLU was applied to the gradient.",
        "Its derivative is 1 or 0, by the sign of z; negative gradients pass where z > 0.");
  if (course::is_same(found.x, matmul(g * (z >= 0).to(type), w)))
    course::fail(
        "Your dx lets g pass where z is exactly 0; it must be z > 0, not z >= 0.",
        "Either slope would do at the kink; this library takes 0. It does happen: pixels and "
        "fresh biases are often exactly 0.");
  course::same("dx", found.x, dx, "dx = dz W, with dz = g where z > 0, else 0.");

  if (course::is_same(found.weight, dw.T()))
    course::fail("Your dW, [3,4], is its transpose; the weight is [out, in] = [4,3].",
                 "A gradient has the shape of what it is the gradient of: dW[o,i].");
  if (course::is_same(found.weight, dw / 5.0))
    course::fail("Your dW is divided by the number of samples.",
                 "If the loss is a mean, the division is already in g.");
  if (course::is_same(found.weight, matmul(g.T(), x.detach())))
    course::fail("Your dW is made of g: the ReLU is missing there.", "All three start from dz.");
  course::same("dW", found.weight, dw, "dW[o,i] is the sum over n of dz[n,o] x[n,i].");

  if (found.bias.defined() && found.bias.shape() == g.shape())
    course::fail("Your db has the shape [5,4] of g; the bias is [4].",
                 "The bias was used once per sample: its gradient is the sum over the samples.");
  if (course::is_same(found.bias, db / 5.0))
    course::fail("Your db is divided by the number of samples: it is a mean, not a sum.",
                 "If the loss is a mean, the division is already in g.");
  if (course::is_same(found.bias, sum(g, {0})))
    course::fail("Your db adds up g: the ReLU is missing there.", "All three start from dz.");
  course::same("db", found.bias, db, "db[o] is the sum over n of dz[n,o].");
}

}  // namespace

int main() {
  return course::run([] {
    test_in(float64);
    test_in(float32);
  });
}
