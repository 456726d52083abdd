// A tour of the tape: what is recorded, how it is replayed, and how gradients get gradients.
// Run it and read the output next to the code.
#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

namespace {

void heading(const char* text) {
  std::cout << "\n== " << text << "\n\n";
}

/// f(x) = sum(tanh(w x) ^ 2), the function of this tour.
Tensor f(const Tensor& w, const Tensor& x) {
  return sum(square(tanh(mul(w, x))));
}

void recording() {
  heading("1. Without a tape, an operation computes and forgets");
  const Tensor w = tensor({0.5, -1.0, 2.0}).requires_grad_();
  const Tensor x = tensor({1.0, 2.0, 3.0});
  std::cout << "f = " << f(w, x).item() << ", nothing recorded\n";

  heading("2. With a tape, every operation on a tensor that requires a gradient adds an entry");
  Tape tape;
  const Tensor y = f(w, x);
  tape.print(std::cout);
  std::cout << "\n%0 is w itself, a leaf. x requires no gradient, so only its shape is recorded.\n"
               "'saved' is what a rule will need in the backward pass.\n";

  heading("3. Replay: from the last entry to the first, each rule turns one gradient into others");
  tape.on_replay([](const ReplayEvent& event) {
    std::cout << "  %" << event.index << " " << event.entry.op << ": gradient of shape "
              << event.output_gradient.shape() << " arrives\n";
  });
  tape.backward(y);
  std::cout << "w.grad() =";
  for (double g : w.grad().to_vector<double>()) std::cout << ' ' << g;
  std::cout << "\nbytes still saved: " << tape.saved_bytes()
            << " (each entry is freed once used)\n";
}

void higher_orders() {
  heading(
      "4. Rules are composed of operations, so gradients can be recorded and differentiated too");
  const Tensor w = tensor({0.5}).requires_grad_();
  const Tensor x = tensor({1.0});
  Tape tape;
  const Tensor y = f(w, x);
  const size_t forward_lines = tape.size();
  const Tensor slope = grad(y, {w}, {.create_graph = true})[0];
  const Tensor curvature = grad(sum(slope), {w})[0];
  std::cout << "f = " << y.item() << ", f' = " << slope.item() << ", f'' = " << curvature.item()
            << '\n'
            << forward_lines << " entries for f, " << tape.size() - forward_lines
            << " more for f' (marked with a d):\n\n";
  tape.print(std::cout);
}

void checking() {
  heading("5. A rule is checked against finite differences, to second order");
  const TensorFunction function = [](const std::vector<Tensor>& in) { return f(in[0], in[1]); };
  const std::vector<Tensor> arguments = {tensor({0.5, -1.0}).requires_grad_(), tensor({1.0, 2.0})};
  for (const auto& [name, result] : {std::pair("first", gradcheck(function, arguments)),
                                     std::pair("second", gradgradcheck(function, arguments))}) {
    std::cout << name << " order: " << (result.passed ? "passed" : result.message)
              << ", worst relative error " << result.worst << '\n';
  }
}

}  // namespace

int main() {
  recording();
  higher_orders();
  checking();
}
