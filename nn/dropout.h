// Dropout layers.
#pragma once

#include "module.h"

namespace gradus::nn {

/// Options of Dropout and Dropout2d: p, the probability that an element (a channel) becomes 0.
struct DropoutOptions {
  static constexpr const char* type = "Dropout";
  double p = 0.5;
  void describe(OptionVisitor& visit) { visit("p", p); }
};
struct Dropout2dOptions {
  static constexpr const char* type = "Dropout2d";
  double p = 0.5;
  void describe(OptionVisitor& visit) { visit("p", p); }
};

/// In training, zeroes each element with probability p and multiplies the others by 1 / (1 - p);
/// in evaluation, and for p = 0, the identity (Srivastava et al., JMLR 15, 2014). Draws from
/// default_generator(Stream::dropout). Throws ValueError for p outside [0, 1].
class Dropout : public Layer<DropoutOptions> {
 public:
  explicit Dropout(const DropoutOptions& options);
  explicit Dropout(double p = 0.5) : Dropout(DropoutOptions{p}) {}
  Tensor forward(const Tensor& x) override;
  bool depends_on_mode() const override { return options().p > 0; }
};

/// The same for whole channels of x [N, C, ...].
class Dropout2d : public Layer<Dropout2dOptions> {
 public:
  explicit Dropout2d(const Dropout2dOptions& options);
  explicit Dropout2d(double p = 0.5) : Dropout2d(Dropout2dOptions{p}) {}
  Tensor forward(const Tensor& x) override;
  bool depends_on_mode() const override { return options().p > 0; }
};

}  // namespace gradus::nn
