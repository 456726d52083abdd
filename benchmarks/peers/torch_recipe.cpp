// `mnist train --recipe NAME` in PyTorch: the same net, batch size, schedule and data. The digits
// are read by Gradus' own loader, so that nothing but training and testing differs.
#include <gradus/core/ops.h>
#include <gradus/datasets/mnist.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/schedule.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "../../examples/mnist/models.h"
#include "../../examples/mnist/recipe.h"
#include "../../examples/mnist/train.h"
#include "../process.h"
#include "torch_build.h"

namespace {

using namespace gradus;
namespace F = torch::nn::functional;

struct Digits {
  torch::Tensor images, classes;  // float32 [N, 1, 28, 28] with mean 0 and deviation 1, int64 [N]
};

Digits read_digits(const std::string& folder, data::Split split) {
  const data::MnistData data = data::load_mnist(folder, split);
  const int64_t n = data.images.size(0), rows = data.images.size(1), columns = data.images.size(2);
  const torch::Tensor bytes = torch::from_blob(const_cast<uint8_t*>(data.images.data<uint8_t>()),
                                               {n, 1, rows, columns}, torch::kUInt8);
  const torch::Tensor classes =
      torch::from_blob(const_cast<int64_t*>(data.labels.data<int64_t>()), {n}, torch::kInt64);
  return {bytes.to(torch::kFloat32).div_(255).sub_(0.1307).div_(0.3081), classes.clone()};
}

/// The recipe's learning rates and momenta, step by step.
class RecipeSchedule {
 public:
  RecipeSchedule(const examples::TrainOptions& recipe, int64_t steps)
      : rates_of_(NamedTensors{{"none", zeros({1})}}, {.lr = recipe.lr.value()}),
        schedule_(rates_of_, examples::make_schedule(recipe.schedule, rates_of_, steps)) {}

  /// Sets the rates of this step and goes on to the next one.
  void step(torch::optim::Adam& adam) {
    auto& options = static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options());
    options.lr(rates_of_.lr());
    options.betas({rates_of_.settings(0).momentum, 0.999});
    schedule_.step();
  }

 private:
  optim::Adam rates_of_;
  optim::Schedule schedule_;
};

void train(const examples::TrainOptions& recipe, const Digits& digits, torch::nn::Sequential& net) {
  torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(recipe.lr.value()));
  const int64_t images = digits.images.size(0), batch = recipe.batch_size;
  RecipeSchedule schedule(recipe, (images + batch - 1) / batch * recipe.epochs);
  net->train();
  for (int64_t epoch = 0; epoch < recipe.epochs; ++epoch) {
    for (const torch::Tensor& chosen : torch::randperm(images, torch::kInt64).split(batch)) {
      schedule.step(adam);
      const torch::Tensor scores = net->forward(digits.images.index_select(0, chosen));
      F::cross_entropy(scores, digits.classes.index_select(0, chosen)).backward();
      adam.step();
      net->zero_grad(/*set_to_none=*/true);
    }
  }
}

double accuracy(const Digits& digits, torch::nn::Sequential& net) {
  const c10::InferenceMode inference;
  net->eval();
  int64_t correct = 0;
  for (int64_t i = 0; i < digits.images.size(0); i += 1000) {
    const torch::Tensor guesses = net->forward(digits.images.narrow(0, i, 1000)).argmax(1);
    correct += guesses.eq(digits.classes.narrow(0, i, 1000)).sum().item<int64_t>();
  }
  return static_cast<double>(correct) / static_cast<double>(digits.images.size(0));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A recipe of `mnist train`, in PyTorch. Prints one line of JSON.");
  std::string folder, name = "fast";
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  uint64_t seed = 0;
  app.add_option("--data", folder, "folder with the four files of MNIST")->required();
  app.add_option("--recipe", name)->check(CLI::IsMember({"fast"}))->capture_default_str();
  app.add_option("--threads", threads)->capture_default_str();
  app.add_option("--seed", seed)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    bench::prepare_torch(threads);
    torch::manual_seed(seed);
    const examples::TrainOptions recipe = examples::recipe(name);
    torch::nn::Sequential net = bench::torch_net(examples::model_json(recipe.model, recipe.norm));
    train(recipe, read_digits(folder, data::Split::train), net);
    const double result = accuracy(read_digits(folder, data::Split::test), net);
    const nlohmann::json line = {{"test_accuracy", result},
                                 {"total_seconds", bench::seconds_since_start()}};
    std::cout << line.dump() << '\n';
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
  }
}
