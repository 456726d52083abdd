// Everything a user of Gradus needs.
#pragma once

#include "core/base/parallel_for.h"
#include "core/base/random.h"
#include "core/grad.h"
#include "core/ops.h"
#include "core/tape.h"
#include "core/tensor.h"
