#include COURSE_FILE

namespace {

Tensor reference(const Tensor& g, const Shape& shape) {
  const Tensor b = zeros(shape, g.dtype()).requires_grad_();
  Tape tape;
  tape.backward(expand(b, g.shape()), {.gradient = g});
  return b.grad();
}

void check_shapes(const Shape& from, const Shape& shape, DType type) {
  const Tensor g = randn(from, type);
  const std::string name = str("The gradient of b ", shape, " from g ", from, " (", type, ")");
  Tensor found;
  try {
    found = unbroadcast(g, shape);
  } catch (const Error& error) {
    course::fail(name + ": an operation refused its arguments:\n" + error.what());
  }
  const Tensor expected = reference(g, shape);
  course::check(found.defined(), name + " is an undefined tensor.");
  if (found.shape() != shape) {
    const std::string message = str(name, " has the shape ", found.shape(), ".");
    if (found.shape() == from)
      course::fail(message,
                   "Nothing was summed: an element that was repeated gets the sum of what "
                   "arrives at all its copies.");
    if (found.numel() == expected.numel())
      course::fail(message,
                   "The number of elements is right, a dimension of size 1 was lost: sum "
                   "with keepdim = true.");
    if (found.numel() == 1)
      course::fail(message,
                   "Everything was summed: an empty list of dimensions means all of them.");
    course::fail(message, "A gradient has the shape of its tensor, in every case.");
  }
  const double copies =
      static_cast<double>(g.numel()) / static_cast<double>(std::max<int64_t>(expected.numel(), 1));
  if (copies > 1 && course::is_same(found.to(type), expected / copies))
    course::fail(str(name, " is too small by a factor of ", copies, ": it is a mean."),
                 "Each copy has its own influence on the loss, and influences add up: a sum.");
  course::same(name, found, expected,
               "The shape is right, the numbers are not: were the right dimensions summed? A "
               "reshape does not add anything up.");
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(2);
    for (const DType type : {float64, float32}) {
      check_shapes({4, 3}, {3}, type);
      check_shapes({4, 3}, {4, 3}, type);
      check_shapes({4, 3}, {4, 1}, type);
      check_shapes({4, 3}, {1, 3}, type);
      check_shapes({4, 3}, {}, type);
      check_shapes({4, 4}, {4, 1}, type);
      check_shapes({2, 4, 3}, {4, 1}, type);
      check_shapes({2, 5, 4, 3}, {5, 1, 3}, type);
      check_shapes({4, 1}, {1, 1}, type);
    }
  });
}
