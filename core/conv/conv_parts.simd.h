// What the ways to convolve share. For files that are compiled once per instruction set: everything
// is local to the file that includes it.
#pragma once

#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

/// Without stride, the input gradient is a convolution of the output gradient as well, with the
/// weights upside down and what is missing of the padding on the other side. These are its sizes.
inline ConvSizes input_gradient_sizes(const ConvSizes& s) {
  ConvSizes t = s;
  t.c = s.o;
  t.h = s.oh;
  t.w = s.ow;
  t.o = s.c;
  t.oh = s.h;
  t.ow = s.w;
  t.padding_h = s.dilation_h * (s.kh - 1) - s.padding_h;
  t.padding_w = s.dilation_w * (s.kw - 1) - s.padding_w;
  return t;
}

}  // namespace

}  // namespace gradus::kernels
