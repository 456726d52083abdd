#include "setup.h"

#include <gradus/core/base/error.h>
#include <gradus/core/io/pytorch_file.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/core/system_info.h>
#include <gradus/datasets/split.h>
#include <gradus/nn/model_json.h>
#include <gradus/nn/norm.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "augment.h"
#include "models.h"
#include "recipe.h"

namespace gradus::examples {

namespace {

using nlohmann::json;
using training::Console;

std::unique_ptr<nn::Sequential> make_net(const TrainOptions& options, const data::Found& data) {
  if (options.model.ends_with(".json")) return nn::from_json_file(options.model);
  const Shape image = data.test->get(0).x.shape();
  require<ShapeError>(image[1] == image[2], "train", "give a model file", "--model ", options.model,
                      " takes square images, not ", image);
  return nn::from_json(model_json(options.model, options.norm,
                                  {.channels = image[0],
                                   .side = image[1],
                                   .classes = static_cast<int64_t>(data.classes.size())}));
}

/// One image through the net, so that a model that does not fit is known before the first epoch.
void check_model_fits(nn::Module& net, const data::Found& data) {
  const int64_t first[] = {0};
  net.eval();
  const Tensor logits = net(data.test->gather(first).x);
  net.train();
  const auto classes = static_cast<int64_t>(data.classes.size());
  require<ShapeError>(logits.dim() == 2 && logits.size(1) == classes, "train",
                      str("it must give one score for each of ", classes, " classes"),
                      "the model gives ", logits.shape(), " for one image");
}

/// All tensors of a file or, if it is a checkpoint, those of its net.
NamedTensors read_weights(const std::filesystem::path& file) {
  const bool of_pytorch = file.extension() == ".pt" || file.extension() == ".pth";
  const NamedTensors all = of_pytorch ? load_pytorch(file) : load_safetensors(file).tensors;
  const std::string prefix = of_pytorch ? "model." : "model/";
  NamedTensors of_net;
  for (const auto& [name, tensor] : all) {
    if (name.starts_with(prefix)) of_net.push_back({name.substr(prefix.size()), tensor});
  }
  return of_net.empty() ? all : of_net;
}

void load_initial_weights(nn::Module& net, const std::string& file, Console& console) {
  if (file.empty()) return;
  net.load_state_dict(read_weights(file));
  console.say("init", "weights from " + file);
}

/// The value that a black pixel has become. Colour images are padded with their mean, 0.
double background(const data::Found& data) {
  if (data.normalization.size() != 1) return 0;
  return -data.normalization[0].mean / data.normalization[0].std;
}

/// Holds out the images for validation, the same shares of all classes; returns the others.
data::DatasetPtr split_training_images(const TrainOptions& options, Setup& setup,
                                       Console& console) {
  data::DatasetPtr images = setup.data.train;
  if (options.samples > 0 && options.samples < images->size()) {
    images = data::share(data::Subset(images, 0, options.samples));
  }
  const int64_t size = images->size(), held_out = options.validation.value_or(size / 12);
  require(held_out < size, "train", "one in twelve is usual; 0 holds out none", "--validation ",
          held_out, " leaves none of ", size, " images to train on");
  if (held_out > 0) {
    const double share = static_cast<double>(held_out) / static_cast<double>(size);
    const auto parts =
        data::random_split(images, {1 - share, share}, {.seed = options.seed, .stratify = true});
    images = parts[0];
    setup.validation = parts[1];
  }
  console.say("images", str(images->size(), " to train, ", held_out, " for validation, ",
                            setup.data.test->size(), " to test"));
  return images;
}

/// Of each batch. Several processes, or what may become several, have the usual number.
int64_t shards_of(const TrainOptions& options, const distributed::Communicator& ranks) {
  const bool launched = &ranks != &distributed::one_process();
  return options.shards.value_or(launched ? optim::DataParallelOptions().shards : 1);
}

void divide_into_shards(const TrainOptions& options, distributed::Communicator& ranks, Setup& setup,
                        Console& console) {
  const int64_t shards = shards_of(options, ranks);
  if (shards == 1 && ranks.size() == 1) return;
  require(!options.profile, "train", "profile a run without them", "--profile knows no shards");
  setup.parallel = std::make_unique<optim::DataParallel>(
      *setup.net, optim::DataParallelOptions{.shards = shards, .ranks = &ranks});
  if (options.sync_batchnorm) nn::convert_sync_batchnorm(*setup.net);
  console.say("ranks", str(ranks.size(), ranks.size() == 1 ? " process, " : " processes, ", shards,
                           " shards of each batch",
                           options.sync_batchnorm ? ", batch norm synchronized" : ""));
}

/// To be found from other folders too.
std::string whole_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error);
  return path.empty() || error ? "" : whole.lexically_normal().string();
}

json to_json(const std::vector<data::Normalization>& normalization) {
  json mean = json::array(), std = json::array();
  for (const data::Normalization& channel : normalization) {
    mean.push_back(channel.mean);
    std.push_back(channel.std);
  }
  return {{"mean", mean}, {"std", std}};
}

/// Sizes of an image, [C,H,W].
json image_of(const data::Dataset& dataset) {
  const Shape shape = dataset.get(0).x.shape();
  return std::vector<int64_t>(shape.begin(), shape.end());
}

}  // namespace

Setup set_up(const TrainOptions& options, const std::string& saved_net,
             distributed::Communicator& ranks, Console& console) {
  check_data_is_used(options.dataset, options.data_directory);
  Setup s{.data = open_data({.name = options.dataset,
                             .directory = options.data_directory,
                             .samples = options.samples},
                            console)};
  manual_seed(options.seed);
  s.net = saved_net.empty() ? make_net(options, s.data) : nn::from_json(saved_net);
  check_model_fits(*s.net, s.data);
  if (saved_net.empty()) load_initial_weights(*s.net, options.init, console);
  s.parameters = s.net->named_parameters();
  s.optimizer = make_optimizer(options.optimizer, options.lr, s.parameters);
  s.peak_lr = s.optimizer->lr();
  if (options.ema > 0) {
    s.ema.emplace(
        s.parameters,
        optim::EMAOptions{.decay = options.ema, .warmup = true, .buffers = s.net->named_buffers()});
  }
  console.say("model",
              str(options.model, ", ", s.net->parameter_count(), " parameters; ", options.optimizer,
                  ", batch ", options.batch_size, ", seed ", options.seed));
  divide_into_shards(options, ranks, s, console);
  data::LoaderOptions loading{.batch_size = options.batch_size,
                              .seed = options.seed,
                              .num_workers = options.workers,
                              .transform = parse_augmentation(options.augment, background(s.data))};
  if (s.parallel) loading.part = s.parallel->part();
  s.loader =
      std::make_unique<data::DataLoader>(split_training_images(options, s, console), loading);
  s.schedule.emplace(*s.optimizer, make_schedule(options.schedule, *s.optimizer,
                                                 s.loader->size() * options.epochs));
  return s;
}

json config_of(const TrainOptions& options, const Setup& setup) {
  const data::Found& data = setup.data;
  return {{"version", system_info().version},
          {"dataset", data.key},
          {"data", whole_path(data.folder)},
          {"normalization", to_json(data.normalization)},
          {"train_data", fingerprint(*data.train)},
          {"test_data", fingerprint(*data.test)},
          {"classes", data.classes},
          {"image", image_of(*data.test)},
          {"model", options.model},
          {"norm", options.model == "cnn" ? json(options.norm) : json()},
          {"init", whole_path(options.init)},
          {"epochs", options.epochs},
          {"batch_size", options.batch_size},
          {"shards", setup.parallel ? json(setup.parallel->shards()) : json()},
          {"sync_batchnorm", setup.parallel ? json(options.sync_batchnorm) : json()},
          {"lr", setup.peak_lr},
          {"optimizer", options.optimizer},
          {"schedule", options.schedule},
          {"clip_grad_norm", options.clip_grad_norm ? json(*options.clip_grad_norm) : json()},
          {"ema", options.ema},
          {"augment", options.augment},
          {"seed", options.seed},
          {"samples", options.samples},
          {"validation", setup.validation ? setup.validation->size() : 0}};
}

std::vector<std::string> arguments_of(const TrainOptions& options, const Setup& setup) {
  std::vector<std::string> arguments = options.arguments;
  const auto record = [&](const std::string& option, const std::string& value) {
    if (value.empty()) return;
    std::erase_if(arguments, [&](const std::string& a) { return a.starts_with(option + "="); });
    arguments.push_back(option + "=" + value);
  };
  record("--dataset", setup.data.key);
  record("--data", whole_path(setup.data.folder));
  if (setup.parallel) record("--shards", str(setup.parallel->shards()));
  return arguments;
}

}  // namespace gradus::examples
