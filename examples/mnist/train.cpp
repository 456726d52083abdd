#include "train.h"

#include <gradus/core/base/parallel_for.h>
#include <gradus/core/base/system_limits.h>
#include <gradus/core/base/text.h>
#include <gradus/core/tape_profile.h>
#include <gradus/nn/loss.h>
#include <gradus/nn/model_json.h>
#include <gradus/optim/clip.h>
#include <gradus/train/loop.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../support/system.h"
#include "answers.h"
#include "report_page.h"
#include "resume.h"
#include "setup.h"

namespace gradus::examples {

namespace {

using nlohmann::json;
using training::Console;
using training::Loop;
using training::RunFolder;
using training::Values;

/// The run folder, where there is to be one.
std::optional<RunFolder> open_folder(const TrainOptions& options,
                                     const distributed::Communicator& ranks,
                                     std::optional<RunFolder> interrupted) {
  if (ranks.rank() != 0 || (!interrupted && options.out.empty())) return {};
  (void)arguments_text(options.arguments);  // throws where they cannot be recorded
  if (!interrupted) {
    return RunFolder::create(
        options.out, {.overwrite = options.overwrite, .words = our_words(), .files = our_files()});
  }
  return interrupted;
}

/// Writes the page of the run. Training goes on without one.
void show(const std::filesystem::path& run, const training::News& news, Console& console) {
  try {
    const auto page = write_report(run, news);
    if (news.standing != training::Standing::running) console.say("report", page.string());
  } catch (const IoError& error) {
    console.say("warning", str("no report: ", error.what()));
  }
}

training::LoopOptions loop_options(const TrainOptions& options, const Setup& setup,
                                   distributed::Communicator& ranks,
                                   std::optional<RunFolder> folder, Console& console) {
  training::LoopOptions loop{.epochs = options.epochs,
                             .save = parse_save_interval(options.checkpoint_every),
                             .best = setup.validation ? "validation_accuracy" : "",
                             .skip_nan = options.on_nan == "skip",
                             .unit = "images",
                             .tensorboard = ranks.rank() == 0 ? options.tensorboard : "",
                             .console = console,
                             .words = our_words(),
                             .ranks = &ranks};
  if (!folder) return loop;
  folder->checkpoints().set_keep(options.keep);
  const std::filesystem::path folder_path = folder->path();
  loop.folder.emplace(*std::move(folder));
  loop.on_news = [&console, path = folder_path](const training::News& news) {
    show(path, news, console);
  };
  loop.config = config_of(options, setup).dump();
  loop.texts = {{"arguments", arguments_text(arguments_of(options, setup))},
                {"net", nn::to_json(*setup.net)}};
  return loop;
}

/// With --ema it is the averages that are tested and kept: the net has them while this lives.
std::unique_ptr<optim::EMAScope> averaged_weights(const Setup& setup) {
  return setup.ema ? std::make_unique<optim::EMAScope>(*setup.ema) : nullptr;
}

/// "test_loss" and "test_accuracy" for a result of that name.
Values values_of(Loop& loop, const std::string& name, const Evaluation& result) {
  Values values{{name + "_loss", result.loss}, {name + "_accuracy", result.accuracy}};
  loop.check(values);
  return values;
}

/// Of the test images. What the net answered goes to the folder of the run, and its worst mistakes
/// to the event file.
Values test(Loop& loop, const Setup& setup) {
  Answers answers{.epoch = loop.state().epoch + 1};
  Values values = values_of(loop, "test",
                            evaluate(*setup.net, *setup.data.test, setup.data.normalization,
                                     setup.data.classes, answers));
  if (loop.folder() != nullptr) {
    loop.folder()->write("answers.json", to_json(answers).dump() + "\n");
  }
  if (loop.events() != nullptr && !answers.mistakes.empty()) {
    loop.events()->add_image("test/mistakes", mistakes_picture(answers), loop.state().step);
  }
  return values;
}

void print_profile(const std::optional<Profile>& profile, Console& console) {
  if (!profile) return console.say("profile", "no step was left to measure");
  std::ostringstream table;
  profile->print(table, measure_ceilings());
  console.print("one step, by operation:\n" + table.str());
}

void print_results(const TrainOptions& options, const Setup& setup, const Loop& loop,
                   double seconds, Console& console) {
  std::istringstream lines(loop.metrics());
  json last;
  double images = 0, training_seconds = 0;
  for (std::string line; std::getline(lines, line);) {
    last = json::parse(line);
    training_seconds += last.at("seconds").get<double>();
    images += last.at("images_per_second").get<double>() * last.at("seconds").get<double>();
  }
  const Evaluation test{.accuracy = last.at("test_accuracy"),
                        .loss = last.at("test_loss"),
                        .images = setup.data.test->size()};
  console.say("", accuracy_text(test));
  const auto best = loop.state().best_step;
  if (loop.folder() != nullptr && best) {
    const auto file = loop.folder()->checkpoints().file_of(*best);
    std::error_code error;
    if (std::filesystem::exists(file, error)) {
      console.say("best",
                  str(file.filename().string(), ": ", fixed(100 * loop.state().best_value, 2),
                      " % of ", setup.validation->size(), " validation images right"));
    }
  }
  if (!options.json) return;
  std::cout << json{{"test_accuracy", test.accuracy},
                    {"train_loss", last.at("train_loss")},
                    {"images_per_second", images / training_seconds},
                    {"seconds", seconds},
                    {"epochs", options.epochs},
                    {"seed", options.seed},
                    {"threads", num_threads()},
                    {"peak_rss_mib", static_cast<double>(peak_memory()) / 1048576}}
                   .dump()
            << std::endl;
}

}  // namespace

int train(const TrainOptions& options, distributed::Communicator& ranks,
          std::optional<RunFolder> interrupted) {
  const training::Stopwatch watch;
  (void)parse_save_interval(options.checkpoint_every);  // throws before there is a folder
  // With --json, standard output belongs to the JSON line alone.
  Console console(options.json ? std::cerr : std::cout);
  auto folder = open_folder(options, ranks, std::move(interrupted));
  print_system(console);
  const bool goes_on = folder && folder->newest();
  const std::string saved_net =
      ranks.broadcast_text(goes_on ? folder->newest()->checkpoint.text("net") : "");
  Setup setup = set_up(options, saved_net, ranks, console);
  nn::Sequential& net = *setup.net;
  optim::Optimizer& optimizer = *setup.optimizer;
  Loop loop(*setup.loader, loop_options(options, setup, ranks, std::move(folder), console));
  loop.keep("model", net).keep("optimizer", optimizer).keep("schedule", *setup.schedule);
  if (setup.ema) loop.keep("ema", *setup.ema);

  const auto update = [&](const Tensor& loss) {
    if (loop.accept(loss)) {
      if (options.clip_grad_norm) optim::clip_grad_norm_(setup.parameters, *options.clip_grad_norm);
      optimizer.step();
      if (setup.ema) setup.ema->update();
    }
    optimizer.zero_grad();
    setup.schedule->step();
  };
  std::optional<Profile> profile;  // of one step, with --profile
  const auto step = [&](const data::Batch& batch) -> Values {
    TapeOptions tape_options = loop.tape_options();
    tape_options.profile =
        options.profile && loop.state().step + 1 == std::min(loop.first_step() + 50, loop.steps());
    Tape tape(tape_options);
    const Tensor logits = net(batch.x);
    const Tensor loss = nn::cross_entropy(logits, batch.y);
    tape.backward(loss);
    if (tape_options.profile) profile = tape.profile();
    update(loss);
    const auto images = static_cast<double>(batch.y.numel());
    return {{"loss", loss.item()}, {"accuracy", count_correct(logits, batch.y) / images}};
  };
  const auto step_in_shards = [&](const data::Batch& batch) -> Values {
    const int64_t images = setup.loader->samples_of(loop.state().batch);
    const auto result = setup.parallel->step(
        images,
        [&](const optim::Shard& shard) -> optim::ShardSums {
          const Tensor logits = net(shard.of(batch.x)), y = shard.of(batch.y);
          return {nn::cross_entropy(logits, y, {.reduction = Reduction::sum}),
                  {static_cast<double>(count_correct(logits, y))}};
        },
        loop.tape_options());
    update(tensor({result.loss}));
    return {{"loss", result.loss}, {"accuracy", result.values[0] / static_cast<double>(images)}};
  };
  const auto measure_all = [&] {
    const auto averaged = averaged_weights(setup);
    const Values tested = test(loop, setup);  // used for nothing
    Values values;
    if (setup.validation) {
      values = values_of(loop, "validation", evaluate(*setup.net, *setup.validation));
    }
    values.insert(values.end(), tested.begin(), tested.end());
    return values;
  };
  if (const int signal = loop.run(setup.parallel ? Loop::Step(step_in_shards) : step, measure_all))
    return 128 + signal;

  if (options.profile) print_profile(profile, console);
  if (loop.folder() != nullptr) {
    const auto averaged = averaged_weights(setup);
    loop.folder()->write_model(net);
    console.say("saved", loop.folder()->path().string());
  }
  print_results(options, setup, loop, watch.seconds(), console);
  return 0;
}

}  // namespace gradus::examples
