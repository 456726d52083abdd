// Every operation of the library, family by family: convolution in conv/conv.h, normalization in
// norm/norm.h, and so on. Include this one.
//
// Conventions. Operations return new tensors and never change their arguments. Shapes broadcast as
// in NumPy; a broadcast is written on the tape as an `expand` of its own. Element types never mix:
// convert with .to(dtype). Dimensions may be negative (-1 is the last). Images are [N, C, H, W].
// Every operation on floating tensors works in float32 and float64 and can be differentiated any
// number of times, unless it says otherwise. Operations throw ShapeError, DTypeError, IndexError or
// ValueError (all of them gradus::Error) and leave everything as it was.
//
// At points without a derivative: relu'(0) = 0, |x|'(0) = 0, clamp' = 1 on its bounds (hardtanh' =
// 0 as in PyTorch), maximum and minimum give each side half of the gradient where both are equal,
// reductions with indices (max, min, argmax, argmin, max pooling) take the first of equal elements,
// amax and amin divide the gradient evenly among them. Such slopes of 0 stop an infinite gradient.
//
// where(x > 0, sqrt(x), 0) has the gradient NaN at 0: both arguments of where() are computed, and
// the one not selected gets the gradient 0, which sqrt' = inf turns into NaN. Mask the argument as
// well: where(x > 0, sqrt(where(x > 0, x, 1)), 0), or masked_fill() twice. The same holds for log,
// pow, div and all others with an infinite slope.
#pragma once

#include "conv/conv.h"
#include "create/create.h"
#include "elementwise/activation.h"
#include "elementwise/arithmetic.h"
#include "elementwise/comparison.h"
#include "elementwise/functions.h"
#include "linalg/linalg.h"
#include "loss/loss.h"
#include "matmul/matmul.h"
#include "norm/norm.h"
#include "pool/pool.h"
#include "pool/upsample.h"
#include "random/random.h"
#include "reduce/quantile.h"
#include "reduce/reduce.h"
#include "reduce/sort.h"
#include "shape/diagonal.h"
#include "shape/index.h"
#include "shape/rearrange.h"
#include "shape/view.h"
#include "tensor.h"
