// 7.5  Two more bugs, in training.
//
// A norm with running statistics, and a loop that trains a net with it:
//
//     training:    normalize with the statistics of the batch, then update the running ones,
//                  running <- 0.9 running + 0.1 batch
//     evaluation:  normalize with the running statistics, and change nothing
//
// A step of the loop uses the gradient of its own batch and of no other. Comments are right.
#include "course.h"

using namespace gradus;

/// A norm for [N, C], without an affine part. (The variance is the biased one throughout.)
class MyNorm {
 public:
  Tensor running_mean, running_var;
  bool training = true;

  explicit MyNorm(int64_t channels, DType type = float32)
      : running_mean(zeros({channels}, type)), running_var(ones({channels}, type)) {}

  Tensor operator()(const Tensor& x) {
    // Statistics are learned from training data alone; an evaluation leaves no trace.
    if (training) update(x.detach());
    if (!training) return (x - running_mean) * rsqrt(running_var + 1e-5);
    return (x - mean(x, {0})) * rsqrt(var(x, {0}, 0) + 1e-5);
  }

 private:
  void update(const Tensor& x) {
    const NoGrad pause;
    running_mean = 0.9 * running_mean + 0.1 * mean(x, {0});
    running_var = 0.9 * running_var + 0.1 * var(x, {0}, 0);
  }
};

/// Trains w [in, out] so that norm(x w) comes near y, on one batch after the other.
void my_training(const Tensor& w, MyNorm& norm, const std::vector<data::Batch>& batches,
                 optim::Optimizer& optimizer) {
  norm.training = true;
  for (const data::Batch& batch : batches) {
    Tape tape;
    tape.backward(mse_loss(norm(matmul(batch.x, w)), batch.y));
    optimizer.step();
    // backward() adds: what is not cleared here is in the next step as well.
    optimizer.zero_grad();
  }
}
