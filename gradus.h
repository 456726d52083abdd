// Everything a user of Gradus needs.
#pragma once

#include "core/base/denormals.h"
#include "core/base/parallel_for.h"
#include "core/base/random.h"
#include "core/compare.h"
#include "core/conv/conv.h"
#include "core/distributed/communicator.h"
#include "core/grad.h"
#include "core/gradcheck.h"
#include "core/io/checkpoint.h"
#include "core/io/checkpoint_folder.h"
#include "core/io/npy.h"
#include "core/io/pytorch_file.h"
#include "core/io/safetensors.h"
#include "core/jacobian.h"
#include "core/loss/loss.h"
#include "core/norm/norm.h"
#include "core/norm/norm_terms.h"
#include "core/ops.h"
#include "core/print.h"
#include "core/system_info.h"
#include "core/tape.h"
#include "core/tape_profile.h"
#include "core/tensor.h"
#include "datasets/cifar.h"
#include "datasets/dataset.h"
#include "datasets/idx.h"
#include "datasets/loader.h"
#include "datasets/mnist.h"
#include "datasets/open_dataset.h"
#include "datasets/sampler.h"
#include "datasets/split.h"
#include "datasets/statistics.h"
#include "datasets/synthetic.h"
#include "datasets/transform.h"
#include "nn/activation.h"
#include "nn/check_parameters.h"
#include "nn/conv.h"
#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/flatten.h"
#include "nn/fold_batch_norm.h"
#include "nn/init.h"
#include "nn/lambda.h"
#include "nn/linear.h"
#include "nn/loss.h"
#include "nn/model_json.h"
#include "nn/module.h"
#include "nn/norm.h"
#include "nn/norm_variants.h"
#include "nn/onnx/onnx.h"
#include "nn/padding.h"
#include "nn/pool.h"
#include "nn/recurrent.h"
#include "nn/reparametrization.h"
#include "nn/running_statistics.h"
#include "nn/sequential.h"
#include "nn/summary.h"
#include "nn/training_mode.h"
#include "nn/upsample.h"
#include "nn/weight_decay.h"
#include "optim/adadelta.h"
#include "optim/adagrad.h"
#include "optim/adam.h"
#include "optim/adamax.h"
#include "optim/clip.h"
#include "optim/data_parallel.h"
#include "optim/ema.h"
#include "optim/lion.h"
#include "optim/nadam.h"
#include "optim/plateau.h"
#include "optim/radam.h"
#include "optim/rmsprop.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "train/console.h"
#include "train/event_writer.h"
#include "train/layer_log.h"
#include "train/loop.h"
#include "train/nan_watch.h"
#include "train/parts.h"
#include "train/progress.h"
#include "train/recorder.h"
#include "train/run_folder.h"
#include "train/step_log.h"
#include "train/stop_signal.h"
#include "train/values.h"

/// Tensors, the tape that records operations on them, every operation (ops.h), losses and files.
/// Everything throws gradus::Error, or a type derived from it, if it is used wrongly.
namespace gradus {

/// Layers, nets built from them, initial values and model files, under PyTorch's names.
namespace nn {}

/// Optimizers, schedules of learning rates, clipping, averages of weights.
namespace optim {}

/// Data sets, samplers, transforms, and batches.
namespace data {}

/// What any training program needs: a loop that goes on where it was stopped, run folders,
/// progress, a watch for NaN.
namespace training {}

/// Several processes that train one net; most programs need only optim::DataParallel.
namespace distributed {}

}  // namespace gradus
