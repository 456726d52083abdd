// What a training needs before its first step, made as the options say: data, net, optimizer.
#pragma once

#include <gradus/datasets/loader.h>
#include <gradus/nn/sequential.h>
#include <gradus/optim/data_parallel.h>
#include <gradus/optim/ema.h>
#include <gradus/optim/schedule.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "evaluate.h"
#include "train.h"

namespace gradus::examples {

struct Setup {
  data::Found data;
  data::DatasetPtr validation;  ///< images that are held out; null where there are none
  std::unique_ptr<data::DataLoader> loader;  ///< of the other training images
  std::unique_ptr<nn::Sequential> net;
  std::unique_ptr<optim::DataParallel> parallel;  ///< null where batches are not in shards
  NamedTensors parameters;
  std::unique_ptr<optim::Optimizer> optimizer;
  std::optional<optim::Schedule> schedule;
  std::optional<optim::EMA> ema;  ///< with --ema
  double peak_lr = 0;
};

/// Prints what it has found and made. `saved_net` is the net of a run that goes on, JSON; empty: a
/// new one. Throws gradus::Error for what the options ask for and cannot be had.
Setup set_up(const TrainOptions& options, const std::string& saved_net,
             distributed::Communicator& ranks, training::Console& console);

/// What config.json says about a training.
nlohmann::json config_of(const TrainOptions& options, const Setup& setup);

/// What a process needs to know that goes on with it. "auto" is the data that was found now, where
/// it was found, also where other data can be found then.
std::vector<std::string> arguments_of(const TrainOptions& options, const Setup& setup);

}  // namespace gradus::examples
