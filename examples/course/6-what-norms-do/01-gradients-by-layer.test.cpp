#include COURSE_FILE

#include <algorithm>

namespace {

using Numbers = std::vector<double>;

bool close(const Numbers& a, const Numbers& b, double tolerance) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) <= tolerance * std::abs(b[i]))) return false;
  }
  return true;
}

std::string text(const Numbers& numbers) {
  std::string all;
  for (const double n : numbers) all += str(all.empty() ? "" : ", ", n);
  return all;
}

void check_net(nn::Sequential& net, const Tensor& x, const Tensor& classes, double tolerance) {
  // Found with a hook on the tape, which sees every gradient on its way down.
  Numbers expected(net.size()), inputs(net.size());
  {
    std::vector<Tensor> outputs;
    Tensor h = x;
    const Tape tape;
    for (size_t i = 0; i < net.size(); ++i) outputs.push_back(h = net[i](h));
    const auto g = grad(cross_entropy(h, classes), outputs);
    for (size_t i = 0; i < g.size(); ++i) expected[i] = norm(g[i]).item();
    for (size_t i = 1; i < g.size(); ++i) inputs[i] = expected[i - 1];
  }
  const auto parameters = net.named_parameters();
  for (const auto& p : parameters) Tensor(p.tensor).set_grad(ones_like(p.tensor));
  const Numbers found = gradients_by_layer(net, x, classes);

  course::check(found.size() == net.size(),
                str("There are ", found.size(), " numbers, expected one for each of the ",
                    net.size(), " layers."),
                "Layers without parameters have outputs too.");
  const Numbers reversed(found.rbegin(), found.rend());
  if (close(reversed, expected, tolerance))
    course::fail(str("The numbers are in the order of the backward pass, ", text(found), "."),
                 "The first layer comes first: turn them round.");
  Numbers roots;
  for (const double f : found) roots.push_back(std::sqrt(f));
  if (close(roots, expected, tolerance))
    course::fail(str("Your first number is ", found[0], ", expected ", expected[0],
                     ": those are squares of lengths."),
                 "The root of the sum of the squares is missing.");
  if (close(Numbers(found.begin() + 1, found.end()), Numbers(inputs.begin() + 1, inputs.end()),
            tolerance))
    course::fail("Those are the gradients with respect to the inputs of the layers.",
                 "Number i is that of the output of layer i. The last one is that of the logits.");
  const Numbers one(net.size(), 1.0);
  course::check(!close(found, one, 0.0), "All numbers are 1.");
  for (size_t i = 0; i < found.size(); ++i) {
    course::same(
        str("the length of the gradient at the output of layer ", i), found[i], expected[i],
        str("You found ", text(found), "; expected ", text(expected),
            ". Is it the gradient of the mean cross entropy, and of outputs rather than of "
            "weights?"),
        tolerance);
  }
  for (const auto& p : parameters) {
    course::check(
        p.tensor.grad().defined() && course::is_same(p.tensor.grad(), ones_like(p.tensor)),
        str("Measuring changed the gradient of ", p.name, "."),
        "backward() adds to .grad() of every parameter: the next step of the optimizer "
        "would use it. grad(loss, tensors) returns gradients and keeps none.");
  }
}

void check_type(DType dtype) {
  manual_seed(4);
  const double tolerance = dtype == float32 ? 1e-4 : 1e-9;
  const Tensor x = randn({6, 5}, dtype), classes = tensor<int64_t>({0, 1, 2, 0, 1, 2});
  nn::Sequential plain(nn::Linear(5, 8), nn::ReLU(), nn::Linear(8, 3));
  nn::Sequential normed(nn::Linear(5, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Linear(8, 8),
                        nn::BatchNorm1d(8), nn::ReLU(), nn::Linear(8, 3));
  plain.to(dtype);
  normed.to(dtype);
  check_net(plain, x, classes, tolerance);
  check_net(normed, x, classes, tolerance);
  check_net(normed, x, classes, tolerance);  // once more: nothing may be left over
}

}  // namespace

int main() {
  return course::run([] {
    check_type(float64);
    check_type(float32);
  });
}
