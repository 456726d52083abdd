#include "train.h"

#include <gradus/gradus.h>
#include <unistd.h>

#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "../support/process.h"
#include "../support/progress.h"
#include "../support/run_folder.h"
#include "../support/system.h"
#include "augment.h"
#include "models.h"
#include "recipe.h"

namespace gradus::examples {

namespace {

using nlohmann::json;

std::unique_ptr<nn::Sequential> make_net(const TrainOptions& options, const data::Found& data) {
  if (options.model.ends_with(".json")) return nn::from_json_file(options.model);
  const Shape image = data.test->get(0).x.shape();
  if (image[1] != image[2]) {
    throw ShapeError("train", str("--model ", options.model, " takes square images, not ", image),
                     "give a model file");
  }
  const Task task{
      .channels = image[0], .side = image[1], .classes = static_cast<int64_t>(data.classes.size())};
  return nn::from_json(model_json(options.model, options.norm, task));
}

/// The value that a black pixel has become. Colour images are padded with their mean, 0.
double background(const data::Found& data) {
  if (data.normalization.size() != 1) return 0;
  return -data.normalization[0].mean / data.normalization[0].std;
}

json to_json(const std::vector<data::Normalization>& normalization) {
  json mean = json::array(), std = json::array();
  for (const data::Normalization& channel : normalization) {
    mean.push_back(channel.mean);
    std.push_back(channel.std);
  }
  return {{"mean", mean}, {"std", std}};
}

double count_correct(const Tensor& logits, const Tensor& labels) {
  return sum(eq(argmax(logits.detach(), 1), labels)).item();
}

struct EpochResult {
  double loss = 0, accuracy = 0, seconds = 0;
  int64_t images = 0;
  double images_per_second() const { return static_cast<double>(images) / seconds; }
};

json to_json(const EpochResult& train, const Evaluation& test) {
  return {{"train_loss", train.loss},
          {"train_accuracy", train.accuracy},
          {"test_loss", test.loss},
          {"test_accuracy", test.accuracy},
          {"images_per_second", train.images_per_second()},
          {"seconds", train.seconds}};
}

/// One run of the program.
class Training {
 public:
  // With --json, standard output belongs to the JSON line alone.
  explicit Training(const TrainOptions& options)
      : options_(options),
        log_(options.json ? std::cerr : std::cout),
        terminal_(isatty(options.json ? STDERR_FILENO : STDOUT_FILENO) != 0) {}

  void run() {
    const Stopwatch watch;
    if (!options_.out.empty()) folder_ = RunFolder::create(options_.out, options_.overwrite);
    print_system(log_);
    prepare();
    EpochResult total;
    Evaluation test;
    for (int64_t epoch = 1; epoch <= options_.epochs; ++epoch) {
      const EpochResult result = run_epoch(epoch);
      const auto averaged = averaged_weights();
      test = evaluate(*net_, *data_.test);
      report(epoch, result, test);
      total.loss = result.loss;
      total.seconds += result.seconds;
      total.images += result.images;
    }
    if (profile_) print_profile();
    if (folder_) {
      const auto averaged = averaged_weights();
      folder_->write_model(*net_);
      log_ << "saved    " << folder_->path().string() << '\n';
    }
    finish(total, test, watch.seconds());
  }

 private:
  void prepare() {
    data_ = open_data(options_.dataset, options_.data_directory, log_, options_.samples);
    manual_seed(options_.seed);
    net_ = make_net(options_, data_);
    check_model_fits();
    parameters_ = net_->named_parameters();
    optimizer_ = make_optimizer(options_.optimizer, options_.lr, parameters_);
    peak_lr_ = optimizer_->lr();
    if (options_.ema > 0) {
      ema_.emplace(parameters_,
                   optim::EMAOptions{
                       .decay = options_.ema, .warmup = true, .buffers = net_->named_buffers()});
    }
    log_ << "model    " << options_.model << ", " << net_->parameter_count() << " parameters; "
         << options_.optimizer << ", batch " << options_.batch_size << ", seed " << options_.seed
         << '\n';
    if (folder_) folder_->write_config(config());
    data::DatasetPtr images = data_.train;
    if (options_.samples > 0 && options_.samples < images->size()) {
      images = data::share(data::Subset(images, 0, options_.samples));
    }
    loader_ = std::make_unique<data::DataLoader>(
        images,
        data::LoaderOptions{.batch_size = options_.batch_size,
                            .seed = options_.seed,
                            .num_workers = options_.workers,
                            .transform = parse_augmentation(options_.augment, background(data_))});
    const int64_t steps = loader_->size() * options_.epochs;
    schedule_.emplace(*optimizer_, make_schedule(options_.schedule, *optimizer_, steps));
  }

  /// With --ema it is the averages that are tested and kept: the net has them while this lives.
  std::unique_ptr<optim::EMAScope> averaged_weights() const {
    return ema_ ? std::make_unique<optim::EMAScope>(*ema_) : nullptr;
  }

  /// One image through the net, so that a model that does not fit is known before the first epoch.
  void check_model_fits() {
    const int64_t first[] = {0};
    net_->eval();
    const Tensor logits = (*net_)(data_.test->gather(first).x);
    net_->train();
    const auto classes = static_cast<int64_t>(data_.classes.size());
    if (logits.dim() == 2 && logits.size(1) == classes) return;
    throw ShapeError("train", str("the model gives ", logits.shape(), " for one image"),
                     str("it must give one score for each of ", classes, " classes"));
  }

  EpochResult run_epoch(int64_t epoch) {
    const Stopwatch watch;
    const int64_t profiled_step = std::min<int64_t>(50, loader_->size() * options_.epochs);
    Progress progress(log_, terminal_, str("epoch ", epoch, "/", options_.epochs),
                      loader_->dataset().size());
    EpochResult result;
    double loss_sum = 0, correct = 0;
    for (const auto& [x, y] : *loader_) {
      const bool is_profiled = options_.profile && schedule_->steps() + 1 == profiled_step;
      Tape tape({.profile = is_profiled});
      const Tensor logits = (*net_)(x);
      const Tensor loss = nn::cross_entropy(logits, y);
      check_loss(loss.item());
      tape.backward(loss);
      if (is_profiled) profile_ = tape.profile();
      if (options_.clip_grad_norm) optim::clip_grad_norm_(parameters_, *options_.clip_grad_norm);
      optimizer_->step();
      optimizer_->zero_grad();
      schedule_->step();
      if (ema_) ema_->update();
      loss_sum += loss.item() * static_cast<double>(y.numel());
      correct += count_correct(logits, y);
      result.images += y.numel();
      const auto seen = static_cast<double>(result.images);
      progress.update(result.images, loss_sum / seen, correct / seen);
    }
    progress.finish();
    result.loss = loss_sum / static_cast<double>(result.images);
    result.accuracy = correct / static_cast<double>(result.images);
    result.seconds = watch.seconds();
    return result;
  }

  void check_loss(double loss) const {
    if (std::isfinite(loss)) return;
    throw ValueError("train", str("the loss is ", loss, " at step ", schedule_->steps()),
                     "try a smaller --lr, and look for NaN in the data");
  }

  void report(int64_t epoch, const EpochResult& train, const Evaluation& test) const {
    if (folder_) {
      json line = to_json(train, test);
      line["epoch"] = epoch;
      folder_->append_metrics(line);
    }
    log_ << std::fixed << "epoch " << epoch << '/' << options_.epochs << std::setprecision(4)
         << "  train loss " << train.loss << ", accuracy " << std::setprecision(2)
         << 100 * train.accuracy << " %   test loss " << std::setprecision(4) << test.loss
         << ", accuracy " << std::setprecision(2) << 100 * test.accuracy << " %   "
         << std::setprecision(0) << train.images_per_second() << " images/s, "
         << clock_text(train.seconds) << '\n'
         << std::flush;
  }

  json config() const {
    return {{"version", system_info().version},
            {"dataset", data_.key},
            {"normalization", to_json(data_.normalization)},
            {"classes", data_.classes},
            {"model", options_.model},
            {"norm", options_.norm},
            {"epochs", options_.epochs},
            {"batch_size", options_.batch_size},
            {"lr", peak_lr_},
            {"optimizer", options_.optimizer},
            {"schedule", options_.schedule},
            {"clip_grad_norm", options_.clip_grad_norm ? json(*options_.clip_grad_norm) : json()},
            {"ema", options_.ema},
            {"augment", options_.augment},
            {"seed", options_.seed},
            {"samples", options_.samples}};
  }

  void print_profile() const {
    log_ << "one step, by operation:\n";
    profile_->print(log_, measure_ceilings());
  }

  void finish(const EpochResult& total, const Evaluation& test, double seconds) const {
    log_ << std::fixed << std::setprecision(2) << "test accuracy " << 100 * test.accuracy
         << " % +- " << 100 * test.standard_error() << " % (standard error, " << test.images
         << " images)\n"
         << std::flush;
    if (!options_.json) return;
    std::cout << json{{"test_accuracy", test.accuracy},
                      {"train_loss", total.loss},
                      {"images_per_second", total.images_per_second()},
                      {"seconds", seconds},
                      {"epochs", options_.epochs},
                      {"seed", options_.seed},
                      {"threads", num_threads()},
                      {"peak_rss_mib", peak_rss_mib()}}
                     .dump()
              << std::endl;
  }

  const TrainOptions& options_;
  std::ostream& log_;
  const bool terminal_;
  std::optional<RunFolder> folder_;
  data::Found data_;
  std::unique_ptr<nn::Sequential> net_;
  NamedTensors parameters_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::optional<optim::Schedule> schedule_;
  std::optional<optim::EMA> ema_;
  std::unique_ptr<data::DataLoader> loader_;
  double peak_lr_ = 0;
  std::optional<Profile> profile_;  // of one step, with --profile
};

}  // namespace

double Evaluation::standard_error() const {
  return std::sqrt(accuracy * (1 - accuracy) / static_cast<double>(std::max<int64_t>(images, 1)));
}

data::Found open_data(const std::string& name, const std::string& directory, std::ostream& log,
                      int64_t samples) {
  data::OpenOptions options{.name = name, .directory = directory};
  options.notify = [&log](const std::string& text) { log << text << '\n' << std::flush; };
  if (samples > 0) {
    options.synthetic_train = std::min(samples, options.synthetic_train);
    options.synthetic_test = std::min(samples, options.synthetic_test);
  }
  data::Found found = data::open_dataset(options);
  log << "data     " << found.why << '\n' << std::flush;
  return found;
}

Evaluation evaluate(nn::Module& net, const data::Dataset& dataset) {
  const nn::ModeScope evaluating(net, nn::Mode::evaluation);
  double loss_sum = 0, correct = 0;
  data::DataLoader loader({&dataset, [](const data::Dataset*) {}},  // shared without being owned
                          {.batch_size = 250, .shuffle = false});
  for (const auto& [x, y] : loader) {
    const Tensor logits = net(x);
    loss_sum += nn::cross_entropy(logits, y, {.reduction = Reduction::sum}).item();
    correct += count_correct(logits, y);
  }
  const auto images = static_cast<double>(std::max<int64_t>(dataset.size(), 1));
  return {.accuracy = correct / images, .loss = loss_sum / images, .images = dataset.size()};
}

void train(const TrainOptions& options) {
  Training(options).run();
}

}  // namespace gradus::examples
