// limit: 60
#include COURSE_FILE

#include <cstdlib>
#include <iostream>

namespace {

void layers() {
  manual_seed(1);
  nn::Sequential net = lenet();
  const Tensor x = randn({2, 1, 28, 28});
  Tape tape;
  Tensor y;
  try {
    y = net(x);
  } catch (const Error& error) {
    course::fail(
        str("Two digits do not get through the net:\n", error.what()),
        "If a linear layer complains: maps are [N, C, H, W], it wants [N, C H W]. nn::Flatten "
        "goes between them, and C H W must be what is left of the image.");
  }
  course::check(y.shape() == Shape{2, 10},
                str("For two digits the net gives the shape ", y.shape(), ", expected [2,10]."));
  const std::string last = tape[tape.size() - 1].op;
  if (amax(abs(sum(y, {1}) - 1)).item() < 1e-5 || last == "log_softmax")
    course::fail("There is a softmax at the end.",
                 "cross_entropy takes logits and does the softmax itself.");
  if (amin(y).item() >= 0)
    course::fail("No logit is negative: there is a ReLU on the logits.",
                 "Digits that the net should exclude need negative logits; and a logit that is cut "
                 "off gets no gradient any more.");

  int64_t numbers = 0;
  for (const auto& p : net.named_parameters()) numbers += p.tensor.numel();
  const std::string count = str("The net has ", numbers, " parameters, expected 61706");
  if (numbers == 44426)
    course::fail(count + ": the padding of the first convolution is missing.",
                 "Without it 28x28 shrinks to 4x4 before the linear layers rather than to 5x5.");
  course::check(numbers == 61706, count + ".",
                "156 and 2416 of the convolutions, 48120, 10164 and 850 of the linear layers.");

  int relus_at_the_end = 0, relus = 0, pools = 0;
  for (size_t i = 0; i < tape.size(); ++i) {
    const std::string op = tape[i].op;
    relus += op == "relu", pools += op == "max_pool2d";
    relus_at_the_end += op == "relu" && tape[i].shape.dim() == 2;
  }
  course::check(
      relus_at_the_end == 2,
      str("There are ", relus_at_the_end, " ReLUs between the linear layers, expected 2."),
      "Two linear layers with nothing in between are a single one: W2 (W1 x) = (W2 W1) x.");
  course::check(relus == 4, str("There are ", relus, " ReLUs in all, expected 4."));
  course::check(pools == 2, str("There are ", pools, " max pools, expected 2."));
}

void milestone() {
  const data::Found found = course::digits();
  const double needed = found.key == "mnist" ? 98.8 : 99.5;
  const int epochs = 4;
  manual_seed(1);
  nn::Sequential net = lenet();
  optim::Adam adam(net.named_parameters(), {.lr = 2e-3});
  data::DataLoader train(found.train, {.batch_size = 64, .seed = 1});
  double reached = 0;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    if (epoch == epochs) adam.set_lr(2e-4);
    double loss = 0;
    for (const auto& [x, y] : train) {
      Tape tape;
      const Tensor batch_loss = cross_entropy(net(x), y);
      tape.backward(batch_loss);
      adam.step();
      adam.zero_grad();
      loss += batch_loss.item();
    }
    reached = course::accuracy(net, found);
    std::cout << found.name << ", epoch " << epoch << ": loss "
              << loss / static_cast<double>(train.size()) << ", " << reached << " % right\n";
  }
  course::check(
      reached >= needed,
      str("The net recognizes ", reached, " % of the test digits, ", needed, " % are needed."),
      "Layers and numbers of parameters are right: is their order?");
}

}  // namespace

int main() {
  return course::run([] {
    layers();
    milestone();
  });
}
