// bench_train in PyTorch.
#include "../train_program.h"
#include "torch_build.h"

namespace {

using namespace gradus::bench;
using torch::Tensor;

class TorchTrainee : public Trainee {
 public:
  explicit TorchTrainee(const TrainOptions& options)
      : batch_size_(options.batch_size),
        images_(torch::rand({options.samples(), 1, 28, 28})),
        classes_(torch::randint(10, {options.samples()}, torch::kInt64)),
        order_(torch::randperm(options.samples(), torch::kInt64)),
        net_(torch_net(net_case(options.net).json)),
        optimizer_(torch_optimizer(net_case(options.net).optimizer, net_->parameters())) {}

  void train_step() override {
    net_->train();
    const Tensor chosen = next();
    const Tensor scores = net_->forward(images_.index_select(0, chosen));
    torch::nn::functional::cross_entropy(scores, classes_.index_select(0, chosen)).backward();
    optimizer_->step();
    net_->zero_grad(/*set_to_none=*/true);
  }

  void infer_step() override {
    const c10::InferenceMode inference;
    net_->eval();
    net_->forward(images_.index_select(0, next()));
  }

 private:
  Tensor next() {
    if (position_ + batch_size_ > order_.size(0)) position_ = 0;
    position_ += batch_size_;
    return order_.narrow(0, position_ - batch_size_, batch_size_);
  }

  int64_t position_ = 0, batch_size_;
  Tensor images_, classes_, order_;
  torch::nn::Sequential net_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

std::unique_ptr<Trainee> make_trainee(const TrainOptions& options) {
  prepare_torch(options.threads);
  return std::make_unique<TorchTrainee>(options);
}

}  // namespace

int main(int argc, char** argv) {
  return run_train_program(argc, argv, {"PyTorch " TORCH_VERSION, make_trainee});
}
