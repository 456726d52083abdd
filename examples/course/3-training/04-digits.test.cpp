// limit: 60
#include COURSE_FILE

#include <cmath>
#include <cstdlib>
#include <iostream>

namespace {

nn::Sequential small_net(DType type) {
  manual_seed(1);
  nn::Sequential net(nn::Linear(4, 6), nn::ReLU(), nn::Linear(6, 3));
  net.to(type);
  return net;
}

std::vector<Tensor> values_of(const nn::Module& net) {
  std::vector<Tensor> values;
  for (const auto& p : net.named_parameters()) values.push_back(p.tensor.detach().clone());
  return values;
}

bool are_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!course::is_same(a[i], b[i])) return false;
  }
  return true;
}

/// What two steps along these gradients lead to.
struct Expected {
  std::vector<Tensor> right, accumulated, summed;
  double loss[2], loss_after, loss_of_softmax;
};

Expected expected(const data::Batch (&batches)[2], DType type) {
  Expected e;
  const auto two_steps = [&](bool clear, Reduction reduction, bool note) {
    nn::Sequential net = small_net(type);
    optim::SGD sgd(net.named_parameters(), {.lr = 0.1});
    for (int i = 0; i < 2; ++i) {
      const auto& [x, y] = batches[i];
      if (note && i == 0) e.loss_of_softmax = cross_entropy(softmax(net(x), 1), y).item();
      if (note) e.loss[i] = cross_entropy(net(x), y).item();
      Tape tape;
      tape.backward(cross_entropy(net(x), y, {.reduction = reduction}));
      sgd.step();
      if (clear) sgd.zero_grad();
      if (note && i == 0) e.loss_after = cross_entropy(net(x), y).item();
    }
    return values_of(net);
  };
  e.right = two_steps(true, Reduction::mean, true);
  e.accumulated = two_steps(false, Reduction::mean, false);
  e.summed = two_steps(true, Reduction::sum, false);
  return e;
}

void two_small_steps(DType type) {
  manual_seed(2);
  const data::Batch batches[2] = {{randn({6, 4}, type), tensor<int64_t>({0, 1, 2, 0, 1, 2})},
                                  {randn({6, 4}, type), tensor<int64_t>({2, 2, 0, 1, 1, 0})}};
  const Expected e = expected(batches, type);
  nn::Sequential net = small_net(type);
  const std::vector<Tensor> before = values_of(net);
  optim::SGD sgd(net.named_parameters(), {.lr = 0.1});
  double loss[2];
  for (int i = 0; i < 2; ++i) loss[i] = training_step(net, sgd, batches[i].x, batches[i].y);
  const std::vector<Tensor> after = values_of(net);

  const auto is = [&](double x) { return std::abs(loss[0] - x) < 1e-5; };
  if (is(e.loss_of_softmax))
    course::fail(str("The loss of the first batch is ", loss[0], ", expected ", e.loss[0],
                     ": a softmax twice."),
                 "cross_entropy takes logits and does the softmax itself. With probabilities in "
                 "their place it cannot fall below 0.55 for three classes, nor 1.46 for ten.");
  if (is(e.loss[0] * 6)) course::fail("The loss is that of the sum over the batch, not the mean.");
  if (are_same(after, before))
    course::fail("After two steps the parameters have not changed.",
                 "Either optimizer.step() is missing, or there was no gradient when it was called: "
                 "it has to come after backward and before zero_grad.");
  if (are_same(after, e.accumulated))
    course::fail(
        "The second step went along the sum of the gradients of both batches: is zero_grad() "
        "missing?",
        "backward adds to the gradients that are there. Each step would contain all earlier ones.");
  if (are_same(after, e.summed))
    course::fail(
        "The steps are 6 times too long, as long as the batch has samples: the gradient "
        "is that of the sum, not of the mean.",
        "With the mean, which is the default, a learning rate means the same for all "
        "sizes of batches.");
  if (is(e.loss_after))
    course::fail(str("The loss of the first batch is ", loss[0], ", expected ", e.loss[0],
                     ": it was computed after the step."),
                 "That costs another forward pass, and flatters: the net has just seen the batch.");
  const double precision = type == float64 ? 1e-9 : 1e-5;
  course::same("The loss of the first batch", loss[0], e.loss[0], "", precision);
  course::same("The loss of the second batch", loss[1], e.loss[1], "", precision);
  for (size_t i = 0; i < after.size(); ++i)
    course::same("After two steps parameter " + std::to_string(i), after[i], e.right[i]);
}

void milestone() {
  const data::Found found = course::digits();
  const double needed = found.key == "mnist" ? 97 : 98;
  const int epochs = 5;
  manual_seed(1);
  nn::Sequential net(nn::Flatten(), nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10));
  optim::Adam adam(net.named_parameters(), {.lr = 1e-3});
  data::DataLoader train(found.train, {.batch_size = 64, .seed = 1});
  double reached = 0;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    if (epoch == epochs) adam.set_lr(1e-4);
    double loss = 0;
    for (const auto& [x, y] : train) loss += training_step(net, adam, x, y);
    reached = course::accuracy(net, found);
    std::cout << found.name << ", epoch " << epoch << ": loss "
              << loss / static_cast<double>(train.size()) << ", " << reached << " % right\n";
  }
  course::check(
      reached >= needed,
      str("The net recognizes ", reached, " % of the test digits, ", needed, " % are needed."),
      "Steps on small nets are right, so something differs from batch to batch here.");
}

}  // namespace

int main() {
  return course::run([] {
    two_small_steps(float64);
    two_small_steps(float32);
    milestone();
  });
}
