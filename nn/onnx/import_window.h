// What convolutions and pools of an ONNX file have in common: windows that slide over one to three
// spatial dimensions. For the .cpp files of nn/onnx.
#pragma once

#include <array>

#include "import_node.h"

namespace gradus::onnx {

/// Elements to add before and after each spatial dimension.
using Pads = std::vector<std::array<int64_t, 2>>;

/// How a node says what is added.
enum class AutoPad { none, same_upper, same_lower, valid };

/// The attributes of windows.
class Windows {
 public:
  /// `kernel`: whether kernel_shape says how large a window is, rather than a weight.
  Windows(NodeReader& n, bool kernel);

  /// Sizes for `dims` spatial dimensions: those of the attribute, or ones. Throws ShapeError if the
  /// file has another number of them.
  Integers kernel(int64_t dims) const { return sized("kernel_shape", kernel_, dims, 1); }
  Integers strides(int64_t dims) const { return sized("strides", strides_, dims, 1); }
  Integers dilations(int64_t dims) const { return sized("dilations", dilations_, dims, 1); }
  /// What is added around x for windows of these sizes.
  Pads pads(const Tensor& x, const Integers& kernel) const;
  bool has_kernel() const { return !kernel_.empty(); }
  AutoPad auto_pad() const { return auto_pad_; }
  /// The pads that the file has, for `dims` dimensions.
  Pads given_pads(int64_t dims) const;

  static Integers sized(const char* what, const Integers& given, int64_t dims, int64_t otherwise);

 private:
  Integers kernel_, strides_, dilations_, pads_;
  AutoPad auto_pad_ = AutoPad::none;
};

/// x with these pads around its spatial dimensions.
Tensor pad_spatial(const Tensor& x, const Pads& pads, double value);
/// Whether all pads are the same on both sides.
bool are_symmetric(const Pads& pads);

/// The number of spatial dimensions of x [N, C, ...]. Throws ShapeError unless it is one to three.
int64_t spatial_dims(const Tensor& x);

/// Numbers as the functions of Gradus take them: all of them, or those of the beginnings.
/// @{
template <size_t N>
Sizes<N> sizes_of(const Integers& list) {
  Sizes<N> sizes;
  std::copy_n(list.begin(), N, sizes.begin());
  return sizes;
}
template <size_t N>
Sizes<N> begins_of(const Pads& pads) {
  Sizes<N> sizes;
  for (size_t i = 0; i < N; ++i) sizes[i] = pads[i][0];
  return sizes;
}
/// @}

/// Calls `f` with the number of spatial dimensions of x as its template argument.
template <class F>
Tensor for_spatial_dims(const Tensor& x, const F& f) {
  switch (spatial_dims(x)) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    default:
      return f.template operator()<3>();
  }
}

}  // namespace gradus::onnx
