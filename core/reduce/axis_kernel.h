// Kernels along one axis, run by run: indices of the largest elements, running sums, orders.
#pragma once

#include "../base/dtype.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// The runs of x along dimension `dim`, and those of `out`, which may have another size there. A
/// tensor without dimensions is one run of one element.
struct Runs {
  Runs(int dims, const int64_t* shape, const int64_t* out_strides, const int64_t* x_strides,
       int dim);
  Loop<2> loop;  ///< over (out, x), from run to run
  int64_t n;     ///< elements of a run of x
  int64_t out_step, x_step;
};

// Each throws DTypeError in the name of `op` for bools.

/// out[0] = the first index of the largest (or smallest) element of each run; NaN counts as largest
/// and as smallest. n is positive.
void argmax(const char* op, bool largest, const Runs& runs, int64_t* out, DType dtype,
            const void* x);
/// out[i] = x[0] + ... + x[i] for each run, summed in double or 64 bits; from the end if `reverse`.
void cumsum(const char* op, bool reverse, const Runs& runs, void* out, DType dtype, const void* x);
/// out[0 ... k-1] = indices of the k smallest (or largest) elements of each run, in order; equal
/// elements keep their order. NaN counts as larger than every number.
void argsort(const char* op, bool descending, int64_t k, const Runs& runs, int64_t* out,
             DType dtype, const void* x);

}  // namespace gradus::kernels
