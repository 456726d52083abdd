// Throughput of training and inference, and where the time of a step goes.
//
//   bench_train --net basic --batch-size 64 --threads 2 --seconds 3 [--json]
#include <gradus/gradus.h>

#include <iomanip>
#include <numeric>

#include "measure.h"
#include "train_program.h"

namespace {

using namespace gradus;
using namespace gradus::bench;

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, nn::Module& net) {
  if (name == "adam") return std::make_unique<optim::Adam>(net.named_parameters());
  return std::make_unique<optim::SGD>(net.named_parameters(), optim::SGDOptions{.momentum = 0.9});
}

/// Random images and classes, and an order of them.
class RandomImages {
 public:
  explicit RandomImages(int64_t count, int64_t batch_size) : batch_size_(batch_size) {
    Rng generator(1);
    images_ = rand({count, 1, 28, 28}, generator);
    std::vector<int64_t> classes(static_cast<size_t>(count)), order(classes.size());
    for (int64_t& c : classes) c = static_cast<int64_t>(generator.below(10));
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[generator.below(i)]);
    classes_ = tensor(classes, {count});
    order_ = tensor(order, {count});
  }

  data::Batch next() {
    if (position_ + batch_size_ > order_.numel()) position_ = 0;
    const Tensor chosen = order_.narrow(0, position_, batch_size_);
    position_ += batch_size_;
    return {index_select(images_, 0, chosen), index_select(classes_, 0, chosen)};
  }

 private:
  Tensor images_, classes_, order_;
  int64_t position_ = 0, batch_size_;
};

/// Seconds that the parts of a step took, over all steps.
struct Split {
  double data = 0, forward = 0, backward = 0, optimizer = 0;
  double total() const { return data + forward + backward + optimizer; }
};

/// Adds the time since its last call, or since its construction, to `part`.
class Laps {
 public:
  void note(double& part) {
    const Clock::time_point now = Clock::now();
    part += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  Clock::time_point last_ = Clock::now();
};

class GradusTrainee : public Trainee {
 public:
  explicit GradusTrainee(const TrainOptions& options)
      : images_(options.samples(), options.batch_size) {
    const NetCase& net = net_case(options.net);
    net_ = nn::from_json(net.json);
    optimizer_ = make_optimizer(net.optimizer, *net_);
  }

  void train_step() override {
    Tape tape;
    step(tape);
  }

  void infer_step() override {
    const nn::ModeScope evaluating(*net_, nn::Mode::evaluation);
    (*net_)(images_.next().x);
  }

  void report(std::ostream& out, const TrainFigures& figures) override {
    report_split(out);
    constexpr int steps = 5;
    Profile profile;
    for (int i = 0; i < steps; ++i) {
      Tape tape({.profile = true});
      step(tape);
      profile += tape.profile();
    }
    const Ceilings ceilings = measure_ceilings();
    const ProfileRow total = profile.total();
    const double flops = (total.forward.flops + total.backward.flops) / steps;
    const double gflops = 1e-9 * flops / figures.train_seconds;
    out << std::fixed << std::setprecision(1) << "training at " << gflops << " GFLOP/s, "
        << 100 * gflops / ceilings.gflops << " % of a large matrix product\n"
        << steps << " steps, by operation:\n";
    profile.print(out, ceilings);
  }

 private:
  void step(Tape& tape) {
    Laps laps;
    const data::Batch batch = images_.next();
    laps.note(split_.data);
    const Tensor loss = nn::cross_entropy((*net_)(batch.x), batch.y);
    laps.note(split_.forward);
    tape.backward(loss);
    laps.note(split_.backward);
    optimizer_->step();
    optimizer_->zero_grad();
    laps.note(split_.optimizer);
  }

  void report_split(std::ostream& out) const {
    const auto part = [&](const char* name, double seconds) {
      out << "  " << name << ' ' << 100 * seconds / split_.total() << " %";
    };
    out << std::fixed << std::setprecision(1) << "of a training step:";
    part("data", split_.data);
    part("forward", split_.forward);
    part("backward", split_.backward);
    part("optimizer", split_.optimizer);
    out << '\n';
  }

  RandomImages images_;
  std::unique_ptr<nn::Sequential> net_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  Split split_;
};

std::unique_ptr<Trainee> make_trainee(const TrainOptions& options) {
  set_num_threads(options.threads);
  return std::make_unique<GradusTrainee>(options);
}

}  // namespace

int main(int argc, char** argv) {
  return run_train_program(argc, argv, {"Gradus", make_trainee});
}
