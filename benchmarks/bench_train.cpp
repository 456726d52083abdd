// Throughput of training and inference, and where the time of a step goes.
//
//   bench_train --net basic --batch-size 64 --threads 2 --seconds 3 [--json]
#include <gradus/gradus.h>

#include <iomanip>
#include <iostream>

#include "roofline.h"
#include "trainees.h"

namespace {

using namespace gradus;
using namespace gradus::bench;

/// The framework of trainees.h.
struct Gradus {
  using Tensor = gradus::Tensor;
  using NoGrad = gradus::NoGrad;

  class Net {
   public:
    explicit Net(const std::string& json) : layers_(nn::from_json(json)) {}
    Tensor operator()(const Tensor& x) { return (*layers_)(x); }
    void train(bool on) { layers_->train(on); }
    int64_t parameter_count() const { return layers_->parameter_count(); }
    NamedTensors parameters() const { return layers_->named_parameters(); }

   private:
    std::unique_ptr<nn::Sequential> layers_;
  };

  class Optimizer {
   public:
    Optimizer(const OptimizerCase& of, const std::vector<Net*>& nets) {
      NamedTensors parameters;
      for (size_t i = 0; i < nets.size(); ++i) {
        for (const NamedTensor& p : nets[i]->parameters()) {
          parameters.push_back({std::to_string(i) + "." + p.name, p.tensor});
        }
      }
      if (of.type == "adam") {
        optimizer_ = std::make_unique<optim::Adam>(
            parameters, optim::AdamOptions{.lr = of.lr, .betas = {of.momentum, 0.999}});
      } else {
        optimizer_ = std::make_unique<optim::SGD>(
            parameters, optim::SGDOptions{.lr = of.lr, .momentum = of.momentum});
      }
    }
    void step() { optimizer_->step(); }
    void zero_grad() { optimizer_->zero_grad(); }

   private:
    std::unique_ptr<optim::Optimizer> optimizer_;
  };

  /// Inference needs no tape, except for a profile.
  class Pass {
   public:
    inline static Profile* profile = nullptr;  ///< if set, that of each pass is added to it

    explicit Pass(bool is_training) {
      if (is_training || profile != nullptr)
        tape_.emplace(TapeOptions{.profile = profile != nullptr});
    }
    void backward(const Tensor& loss) { tape_->backward(loss); }
    static Tensor gradient(const Tensor& y, const Tensor& x) {
      return grad(sum(y), {x}, {.create_graph = true})[0];
    }
    void finish() {
      if (profile != nullptr) *profile += tape_->profile();
    }

   private:
    std::optional<Tape> tape_;
  };

  static void set_threads(int threads) { set_num_threads(threads); }
  static Tensor rand(const Shape& shape) { return gradus::rand(shape); }
  static Tensor randn(const Shape& shape) { return gradus::randn(shape); }
  static Tensor randint(int64_t end, const Shape& shape) { return gradus::randint(0, end, shape); }
  static Tensor randperm(int64_t n) { return gradus::randperm(n); }
  static Tensor cross_entropy(const Tensor& scores, const Tensor& classes) {
    return gradus::cross_entropy(scores, classes);
  }
};

/// The sum of the profiles of so many runs, after one to warm up.
template <class Run>
Profile profile_of(int count, const Run& run) {
  Profile sum;
  run();
  Gradus::Pass::profile = &sum;
  for (int i = 0; i < count; ++i) run();
  Gradus::Pass::profile = nullptr;
  return sum;
}

void report(const TrainOptions& options, Trainee& trainee, TrainFigures& figures) {
  constexpr int steps = 5;
  const Ceilings ceilings = measure_ceilings();
  const Profile training = profile_of(steps, [&] { trainee.train_step(); });
  const auto inference_limit = [&](int64_t images) {
    return limit_seconds(profile_of(steps, [&] { trainee.infer(images); }), ceilings) / steps;
  };
  figures.train_limit_seconds = limit_seconds(training, ceilings) / steps +
                                optimizer_limit_seconds(net_case(options.net).optimizer.type,
                                                        trainee.parameter_count(), ceilings);
  figures.infer_limit_seconds = inference_limit(options.batch_size);
  figures.infer_one_limit_seconds = inference_limit(1);
  figures.instruction_set = system_info().instruction_set;

  const ProfileRow total = training.total();
  const double flops = (total.forward.flops + total.backward.flops) / steps;
  const auto share = [&](double seconds) { return 100 * seconds / steps / figures.train_seconds; };
  std::cout << std::fixed << std::setprecision(1) << "of a training step: forward "
            << share(total.forward.seconds) << " %, backward " << share(total.backward.seconds)
            << " %, the rest is data and optimizer\ntraining at "
            << 1e-9 * flops / figures.train_seconds << " GFLOP/s, "
            << 100 * figures.train_limit_seconds / figures.train_seconds
            << " % of what the machine can do; inference "
            << 100 * figures.infer_limit_seconds / figures.infer_seconds << " %, of one image "
            << 100 * figures.infer_one_limit_seconds / figures.infer_one_seconds << " %\n"
            << steps << " steps, by operation:\n";
  training.print(std::cout, ceilings);
}

}  // namespace

int main(int argc, char** argv) {
  return run_train_program(argc, argv, {"Gradus", make_trainee<Gradus>, report});
}
