// Pooling layers over [N, C, H, W]; see core/ops.h for windows and ties.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

struct MaxPool2dOptions {
  static constexpr const char* type = "MaxPool2d";
  Size2 kernel_size = 0;
  std::optional<Size2> stride = {};  ///< kernel_size where not given
  Size2 padding = 0;
  Size2 dilation = 1;
  bool ceil_mode = false;

  void describe(OptionVisitor& visit);
  void check() const;
  Tensor apply(const Tensor& x) const;
};
/// Throws ValueError for sizes that are not positive and padding of more than half of the kernel.
class MaxPool2d : public FunctionLayer<MaxPool2dOptions> {
 public:
  explicit MaxPool2d(const MaxPool2dOptions& options) : FunctionLayer(options) {}
  explicit MaxPool2d(int64_t kernel_size) : FunctionLayer({.kernel_size = kernel_size}) {}
};

struct AvgPool2dOptions {
  static constexpr const char* type = "AvgPool2d";
  Size2 kernel_size = 0;
  std::optional<Size2> stride = {};  ///< kernel_size where not given
  Size2 padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::optional<int64_t> divisor_override = {};

  void describe(OptionVisitor& visit);
  void check() const;
  Tensor apply(const Tensor& x) const;
};
/// Throws ValueError as MaxPool2d does, and for a divisor_override of 0.
class AvgPool2d : public FunctionLayer<AvgPool2dOptions> {
 public:
  explicit AvgPool2d(const AvgPool2dOptions& options) : FunctionLayer(options) {}
  explicit AvgPool2d(int64_t kernel_size) : FunctionLayer({.kernel_size = kernel_size}) {}
};

struct AdaptiveAvgPool2dOptions {
  static constexpr const char* type = "AdaptiveAvgPool2d";
  OutputSize2 output_size = 1;

  void describe(OptionVisitor& visit) { visit.required("output_size", output_size); }
  void check() const;
  Tensor apply(const Tensor& x) const;
};
class AdaptiveAvgPool2d : public FunctionLayer<AdaptiveAvgPool2dOptions> {
 public:
  explicit AdaptiveAvgPool2d(const AdaptiveAvgPool2dOptions& options) : FunctionLayer(options) {}
  explicit AdaptiveAvgPool2d(int64_t output_size) : FunctionLayer({.output_size = output_size}) {}
};

}  // namespace gradus::nn
