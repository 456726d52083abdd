// Everything a user of Gradus needs.
#pragma once

#include "core/base/parallel_for.h"
#include "core/base/random.h"
#include "core/grad.h"
#include "core/ops.h"
#include "core/serialize.h"
#include "core/tape.h"
#include "core/tensor.h"
#include "core/update.h"
#include "optim/adam.h"
#include "optim/sgd.h"
