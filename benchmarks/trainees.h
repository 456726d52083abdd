// Nets in training, for any framework F: one text for Gradus and its peers, so that all compute the
// same. Operations (matmul, exp ...) are found by the types of their arguments; F has the rest:
//
//   Tensor
//   Net(json)                a part of a net; called with a tensor; train(on), parameter_count()
//   Optimizer(case, nets)    step(), zero_grad(), which lets go of the gradients
//   Pass(is_training)        a step, or inference: backward(loss); gradient(y, x), that of sum(y),
//                            which can be differentiated; finish()
//   NoGrad                   within a step
//   rand(shape), randn(shape), randint(end, shape), randperm(n), cross_entropy(scores, classes)
#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "train_program.h"

namespace gradus::bench {

/// Random images and classes, in a shuffled order.
template <class F>
class RandomImages {
 public:
  using Tensor = typename F::Tensor;
  struct Batch {
    Tensor x, y;
  };

  explicit RandomImages(int64_t count)
      : images_(F::rand({count, 1, 28, 28})),
        classes_(F::randint(10, {count})),
        order_(F::randperm(count)) {}

  /// Always the same ones, without a copy.
  Tensor first(int64_t size) const { return images_.narrow(0, 0, size); }
  Batch next(int64_t size) {
    if (position_ + size > order_.size(0)) position_ = 0;
    const Tensor chosen = order_.narrow(0, position_, size);
    position_ += size;
    return {index_select(images_, 0, chosen), index_select(classes_, 0, chosen)};
  }

 private:
  Tensor images_, classes_, order_;
  int64_t position_ = 0;
};

/// What all nets share.
template <class F>
class NetTrainee : public Trainee {
 public:
  using Tensor = typename F::Tensor;
  using Net = typename F::Net;
  using Optimizer = typename F::Optimizer;
  using Pass = typename F::Pass;
  using Batch = typename RandomImages<F>::Batch;

  explicit NetTrainee(const TrainOptions& options)
      : case_(net_case(options.net, options.size)),
        batch_size_(options.batch_size),
        images_(options.samples()) {
    for (const auto& [name, json] : case_.parts) parts_.try_emplace(name, json);
  }

  double train_step() final {
    set_training(true);
    Pass pass(/*is_training=*/true);
    const Tensor loss = step(images_.next(batch_size_), pass);
    pass.finish();
    return loss.template item<double>();
  }

  void infer(int64_t images) final {
    set_training(false);
    Pass pass(/*is_training=*/false);
    predict(images_.first(images));
    pass.finish();
  }

  int64_t parameter_count() const final {
    int64_t count = 0;
    for (const auto& [name, net] : parts_) count += net.parameter_count();
    return count;
  }

 protected:
  /// A training step; returns the loss.
  virtual Tensor step(const Batch& batch, Pass& pass) = 0;
  virtual Tensor predict(const Tensor& x) = 0;

  Net& part(const std::string& name) { return parts_.at(name); }
  Optimizer optimizer_of(const std::string& name) { return {case_.optimizer, {&part(name)}}; }
  Optimizer optimizer_of_all() {
    std::vector<Net*> nets;
    for (auto& [name, net] : parts_) nets.push_back(&net);
    return {case_.optimizer, nets};
  }

 private:
  void set_training(bool on) {
    if (is_training_ == on) return;
    is_training_ = on;
    for (auto& [name, net] : parts_) net.train(on);
  }

  NetCase case_;
  int64_t batch_size_;
  RandomImages<F> images_;
  std::map<std::string, Net> parts_;
  bool is_training_ = true;
};

template <class F>
class Classifier : public NetTrainee<F> {
 public:
  using typename NetTrainee<F>::Tensor, typename NetTrainee<F>::Batch, typename NetTrainee<F>::Pass;
  using NetTrainee<F>::NetTrainee;

 protected:
  Tensor step(const Batch& batch, Pass& pass) override {
    Tensor loss = F::cross_entropy(predict(batch.x), batch.y);
    pass.backward(loss);
    optimizer_.step();
    optimizer_.zero_grad();
    return loss;
  }
  Tensor predict(const Tensor& x) override { return this->part("net")(x); }

 private:
  typename F::Optimizer optimizer_ = this->optimizer_of_all();
};

template <class F>
class Transformer : public Classifier<F> {
 public:
  using typename NetTrainee<F>::Tensor;
  using Classifier<F>::Classifier;

 protected:
  Tensor predict(const Tensor& images) override {
    Tensor x = this->part("patches")(images).transpose(1, 2);
    for (const std::string block : {"1", "2"}) {
      const Tensor y = attention(this->part("qkv" + block)(x));
      x = this->part("mlp" + block)(x + this->part("projection" + block)(y));
    }
    return this->part("head")(x.mean({1}));
  }

 private:
  /// Queries, keys and values side by side, [N, T, 3 D], to [N, T, D], with four heads.
  static Tensor attention(const Tensor& qkv) {
    constexpr int64_t heads = 4;
    const int64_t n = qkv.size(0), t = qkv.size(1), d = qkv.size(2) / 3, width = d / heads;
    const Tensor split = qkv.reshape({n, t, 3, heads, width}).permute({2, 0, 3, 1, 4});
    const Tensor q = split.select(0, 0), k = split.select(0, 1), v = split.select(0, 2);
    const double scale = 1 / std::sqrt(static_cast<double>(width));
    const Tensor weights = softmax(matmul(q * scale, k.transpose(2, 3)), -1);
    return matmul(weights, v).transpose(1, 2).reshape({n, t, d});
  }
};

/// A step of both nets, as in PyTorch's tutorial.
template <class F>
class Dcgan : public NetTrainee<F> {
 public:
  using typename NetTrainee<F>::Tensor, typename NetTrainee<F>::Batch, typename NetTrainee<F>::Pass;
  using NetTrainee<F>::NetTrainee;

 protected:
  Tensor step(const Batch& batch, Pass& pass) override {
    discriminator_optimizer_.zero_grad();
    const Tensor real_scores = discriminator_(batch.x);
    const Tensor ones = ones_like(real_scores), zeros = zeros_like(real_scores);
    const Tensor real_loss = binary_cross_entropy_with_logits(real_scores, ones);
    pass.backward(real_loss);
    const Tensor fake = predict(batch.x);
    const Tensor fake_loss = binary_cross_entropy_with_logits(discriminator_(fake.detach()), zeros);
    pass.backward(fake_loss);
    discriminator_optimizer_.step();

    generator_optimizer_.zero_grad();
    const Tensor loss = binary_cross_entropy_with_logits(discriminator_(fake), ones);
    pass.backward(loss);
    generator_optimizer_.step();
    return real_loss + fake_loss + loss;
  }
  /// As many new images as there are in x.
  Tensor predict(const Tensor& x) override { return generator_(F::randn({x.size(0), 100, 1, 1})); }

 private:
  typename F::Net &generator_ = this->part("generator"),
                  &discriminator_ = this->part("discriminator");
  typename F::Optimizer generator_optimizer_ = this->optimizer_of("generator"),
                        discriminator_optimizer_ = this->optimizer_of("discriminator");
};

/// A step of the critic, of which there are five for each of the generator.
template <class F>
class WganGp : public NetTrainee<F> {
 public:
  using typename NetTrainee<F>::Tensor, typename NetTrainee<F>::Batch, typename NetTrainee<F>::Pass;
  using NetTrainee<F>::NetTrainee;

 protected:
  Tensor step(const Batch& batch, Pass& pass) override {
    const Tensor &real = batch.x, fake = generated(real.size(0));
    const Tensor share = F::rand({real.size(0), 1, 1, 1});
    Tensor between = share * real + (1.0 - share) * fake;
    between.requires_grad_(true);
    const Tensor g = pass.gradient(critic_(between), between).flatten(1);
    const Tensor penalty = square(sqrt(square(g).sum({1})) - 1.0).mean();
    Tensor loss = critic_(fake).mean() - critic_(real).mean() + 10.0 * penalty;
    pass.backward(loss);
    optimizer_.step();
    optimizer_.zero_grad();
    return loss;
  }
  Tensor predict(const Tensor& x) override { return critic_(x); }

 private:
  Tensor generated(int64_t count) {
    const typename F::NoGrad pause;
    return this->part("generator")(F::randn({count, 100, 1, 1}));
  }

  typename F::Net& critic_ = this->part("critic");
  typename F::Optimizer optimizer_ = this->optimizer_of("critic");
};

template <class F>
class Vae : public NetTrainee<F> {
 public:
  using typename NetTrainee<F>::Tensor, typename NetTrainee<F>::Batch, typename NetTrainee<F>::Pass;
  using NetTrainee<F>::NetTrainee;

 protected:
  Tensor step(const Batch& batch, Pass& pass) override {
    const Tensor x = batch.x.flatten(1), hidden = this->part("encoder")(x);
    const Tensor mean = this->part("mean")(hidden);
    const Tensor log_variance = this->part("log_variance")(hidden);
    const Tensor z = mean + exp(0.5 * log_variance) * randn_like(mean);
    const Tensor error = binary_cross_entropy(this->part("decoder")(z), x);
    const Tensor divergence =
        -0.5 * (1.0 + log_variance - square(mean) - exp(log_variance)).sum({1}).mean();
    Tensor loss = error * static_cast<double>(x.size(1)) + divergence;
    pass.backward(loss);
    optimizer_.step();
    optimizer_.zero_grad();
    return loss;
  }
  Tensor predict(const Tensor& x) override {
    return this->part("decoder")(this->part("mean")(this->part("encoder")(x)));
  }

 private:
  typename F::Optimizer optimizer_ = this->optimizer_of_all();
};

template <class F>
std::unique_ptr<Trainee> make_trainee(const TrainOptions& options) {
  F::set_threads(options.threads);
  if (options.net == "transformer") return std::make_unique<Transformer<F>>(options);
  if (options.net == "dcgan") return std::make_unique<Dcgan<F>>(options);
  if (options.net == "wgan-gp") return std::make_unique<WganGp<F>>(options);
  if (options.net == "vae") return std::make_unique<Vae<F>>(options);
  return std::make_unique<Classifier<F>>(options);
}

}  // namespace gradus::bench
