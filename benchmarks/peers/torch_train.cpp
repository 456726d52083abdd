// bench_train in PyTorch.
#include <optional>

#include "../trainees.h"
#include "torch_build.h"

namespace {

using namespace gradus::bench;

/// The framework of trainees.h.
struct Torch {
  using Tensor = torch::Tensor;
  using NoGrad = torch::NoGradGuard;
  inline static bool is_channels_last = false;  ///< [N, H, W, C] in memory

  class Net {
   public:
    explicit Net(const std::string& json) : layers_(torch_net(json)) {
      for (Tensor& p : layers_->parameters()) p.set_data(laid_out(p.data()));
    }
    Tensor operator()(const Tensor& x) { return layers_->forward(laid_out(x)); }
    void train(bool on) { layers_->train(on); }
    int64_t parameter_count() const {
      int64_t count = 0;
      for (const Tensor& p : parameters()) count += p.numel();
      return count;
    }
    std::vector<Tensor> parameters() const { return layers_->parameters(); }

   private:
    static Tensor laid_out(const Tensor& x) {
      return is_channels_last && x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
    }

    torch::nn::Sequential layers_;
  };

  class Optimizer {
   public:
    Optimizer(const OptimizerCase& of, const std::vector<Net*>& nets) {
      for (const Net* net : nets) {
        for (const Tensor& p : net->parameters()) parameters_.push_back(p);
      }
      optimizer_ = torch_optimizer(of, parameters_);
    }
    void step() { optimizer_->step(); }
    void zero_grad() {
      for (Tensor& p : parameters_) p.mutable_grad() = Tensor();
    }

   private:
    std::vector<Tensor> parameters_;
    std::unique_ptr<torch::optim::Optimizer> optimizer_;
  };

  class Pass {
   public:
    explicit Pass(bool is_training) {
      if (!is_training) inference_.emplace();
    }
    static void backward(const Tensor& loss) { loss.backward(); }
    static Tensor gradient(const Tensor& y, const Tensor& x) {
      return torch::autograd::grad({y.sum()}, {x}, {}, /*retain_graph=*/true,
                                   /*create_graph=*/true)[0];
    }
    void finish() {}

   private:
    std::optional<c10::InferenceMode> inference_;
  };

  static void set_threads(int threads) { prepare_torch(threads); }
  static Tensor rand(at::IntArrayRef shape) { return torch::rand(shape); }
  static Tensor randn(at::IntArrayRef shape) { return torch::randn(shape); }
  static Tensor randint(int64_t end, at::IntArrayRef shape) {
    return torch::randint(end, shape, torch::kInt64);
  }
  static Tensor randperm(int64_t n) { return torch::randperm(n, torch::kInt64); }
  static Tensor cross_entropy(const Tensor& scores, const Tensor& classes) {
    return torch::nn::functional::cross_entropy(scores, classes);
  }
};

std::unique_ptr<Trainee> make_torch_trainee(const TrainOptions& options) {
  Torch::is_channels_last = options.channels_last;
  return make_trainee<Torch>(options);
}

}  // namespace

int main(int argc, char** argv) {
  return run_train_program(argc, argv, {"PyTorch " TORCH_VERSION, make_torch_trainee});
}
