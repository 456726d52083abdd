#include "options.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>
#include <gradus/datasets/open_dataset.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <set>
#include <string_view>

#include "recipe.h"

namespace gradus::examples {

namespace {

namespace fs = std::filesystem;

/// The heading of options that may change when a run goes on.
constexpr const char* not_of_the_run = "Options that may also stand beside --resume";

/// A finite number for which `holds`; `range` says which these are.
template <class Condition>
CLI::Validator finite_number(const std::string& range, const Condition& holds) {
  const auto check = [range, holds](const std::string& text) {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const bool whole = !text.empty() && *end == '\0';
    if (whole && std::isfinite(number) && holds(number)) return std::string();
    return str("must be a finite number ", range, ", got ", text);
  };
  return {check, "", "number"};
}

const CLI::Validator positive = finite_number("above 0", [](double x) { return x > 0; });
const CLI::Validator from_0_to_1 =
    finite_number("from 0 to 1", [](double x) { return x >= 0 && x <= 1; });

/// Options that belong to one process: not recorded for the next.
bool is_of_the_process(const std::string& name) {
  constexpr std::array<std::string_view, 6> names = {"--resume", "--out",     "--overwrite",
                                                     "--json",   "--profile", "--threads"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string name_of(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

TrainOptions parse_train_options(const std::vector<std::string>& arguments) {
  CLI::App app;
  TrainOptions options;
  add_train_options(app, options);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // last one first
  } catch (const CLI::ParseError& error) {
    throw IoError("resume", str("another version of this program began the run: ", error.what()),
                  "resume it with that version");
  }
  options.arguments = arguments;
  return options;
}

/// `arguments` without those of the options that `others` name, and `others`.
std::vector<std::string> replaced(std::vector<std::string> arguments,
                                  const std::vector<std::string>& others) {
  std::set<std::string> names;
  for (const std::string& other : others) names.insert(name_of(other));
  std::erase_if(arguments, [&](const std::string& a) { return names.contains(name_of(a)); });
  arguments.insert(arguments.end(), others.begin(), others.end());
  return arguments;
}

struct Setting {
  const char* option;
  std::string value;
};

std::string text_of(double number) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

/// What a run cannot change when it goes on.
std::vector<Setting> fixed_settings(const TrainOptions& o) {
  const auto optional = [](const auto& value, auto otherwise) {
    return value ? str(*value) : std::string(otherwise);
  };
  return {{"--dataset", o.dataset},
          {"--model", o.model},
          {"--norm", o.norm},
          {"--init", o.init},
          {"--batch-size", str(o.batch_size)},
          {"--optimizer", o.optimizer},
          {"--lr", text_of(o.lr.value_or(usual_lr(o.optimizer)))},
          {"--schedule", o.schedule},
          {"--clip-grad-norm", o.clip_grad_norm ? text_of(*o.clip_grad_norm) : "not given"},
          {"--ema", text_of(o.ema)},
          {"--augment", o.augment},
          {"--seed", str(o.seed)},
          {"--samples", str(o.samples)},
          {"--validation", optional(o.validation, "not given")}};
}

bool is_same(const Setting& before, const Setting& now) {
  if (before.value == now.value) return true;
  const std::string_view option = now.option;
  std::error_code error;
  return (option == "--model" || option == "--init") &&
         fs::equivalent(before.value, now.value, error) && !error;
}

void check_fixed_settings(const TrainOptions& before, const TrainOptions& now) {
  const std::vector<Setting> old = fixed_settings(before), present = fixed_settings(now);
  for (size_t i = 0; i < old.size(); ++i) {
    if (is_same(old[i], present[i])) continue;
    throw ValueError("resume",
                     str(old[i].option, " cannot change now: it was ", old[i].value, " and is ",
                         present[i].value),
                     "a run goes on as it was started, but for --epochs; start a new one with "
                     "--out");
  }
}

}  // namespace

// --- Checks of values ----------------------------------------------------------------------------

CLI::Validator whole_number(uint64_t least, uint64_t most) {
  const auto check = [least, most](const std::string& text) {
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    // A leading 0 would be read as the sign of an octal number.
    const bool plain = error == std::errc() && rest == end && (text == "0" || text[0] != '0');
    if (plain && number >= least && number <= most) return std::string();
    return str("must be a whole number from ", least, " to ", most, ", got ", text);
  };
  return {check, "", "whole number"};
}

CLI::Validator one_of(std::vector<std::string> names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  const auto check = [names = std::move(names), list](const std::string& text) {
    if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
    const std::string meant = nearest_word(text, names);
    return str("there is no ", text, meant.empty() ? "" : "; did you mean " + meant + "?",
               meant.empty() ? "; there are " : " There are ", list);
  };
  return {check, "", "name"};
}

CLI::Validator not_empty() {
  const auto check = [](const std::string& text) {
    return text.empty() ? std::string("must not be empty") : std::string();
  };
  return {check, "", "not empty"};
}

// --- Options -------------------------------------------------------------------------------------

void may_change(CLI::Option& option) {
  option.group(not_of_the_run);
}

void add_train_options(CLI::App& app, TrainOptions& o) {
  // First, so that every other option has the last word.
  app.add_option_function<std::string>(
         "--recipe", [&o](const std::string& name) { o = recipe(name); },
         "options that go together: default; fast is 99 % of MNIST in seconds, best takes minutes")
      ->check(one_of(recipe_names()));
  app.add_option("--dataset", o.dataset, "auto, synthetic, mnist, fashion-mnist, kmnist ...")
      ->check(one_of(data::dataset_names()))
      ->capture_default_str();
  app.add_option("--data", o.data_directory, "folder that holds the files")
      ->check(not_empty())
      ->group(not_of_the_run);
  app.add_option("--model", o.model, "cnn, small, deep, lenet, mlp, lstm or a model file (.json)")
      ->check(not_empty())
      ->capture_default_str();
  app.add_option("--norm", o.norm, "norm of the cnn: none, batch, layer, instance or group")
      ->capture_default_str();
  app.add_option("--init", o.init, "weights to start from: a safetensors file, or a checkpoint")
      ->check(not_empty());
  app.add_option("--epochs", o.epochs,
                 "in all; beside --resume, the schedule is that of so many from there on")
      ->check(whole_number(1, 100'000))
      ->capture_default_str();
  app.add_option("--batch-size", o.batch_size)
      ->check(whole_number(1, 65'536))
      ->capture_default_str();
  app.add_option("--lr", o.lr, "peak learning rate; by default what suits the optimizer")
      ->check(positive);
  app.add_option("--optimizer", o.optimizer,
                 "adam, adamw, nadam, radam, adamax, lion, sgd, rmsprop, adagrad or adadelta")
      ->check(one_of(optimizer_names()))
      ->capture_default_str();
  app.add_option("--schedule", o.schedule,
                 "of the learning rate: linear, cosine, onecycle, step or constant")
      ->check(one_of(schedule_names()))
      ->capture_default_str();
  app.add_option("--clip-grad-norm", o.clip_grad_norm, "longest gradient that is not shortened")
      ->check(positive);
  app.add_option("--ema", o.ema, "test and keep a moving average of the weights with this decay")
      ->check(from_0_to_1);
  app.add_option("--augment", o.augment, "random changes of the images: shift,rotate=15,...")
      ->check(not_empty());
  app.add_option("--workers", o.workers, "threads that prepare batches")
      ->check(whole_number(0, 256))
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of initial weights, validation, order, dropout, augmentation")
      ->check(whole_number(0, std::numeric_limits<uint64_t>::max()))
      ->capture_default_str();
  app.add_option("--samples", o.samples, "use the first so many training images only; 0: all")
      ->check(whole_number(0, int64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--validation", o.validation,
                 "training images that are held out, to choose the best checkpoint by; default: "
                 "one in 12 (5000 of MNIST)")
      ->check(whole_number(0, int64_t{1} << 40));
  app.add_option("--out", o.out, "folder to keep config, metrics, model and weights in")
      ->check(not_empty());
  app.add_flag("--overwrite", o.overwrite, "replace a run that is in --out already");
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output")
      ->group(not_of_the_run);
  app.add_option("--checkpoint-every", o.checkpoint_every,
                 "with --out, save so often: steps (200) or time (30s)")
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_option("--keep", o.keep, "with --out, keep the latest so many checkpoints, and the best")
      ->check(whole_number(1, 1'000'000))
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_option("--on-nan", o.on_nan, "where a step gives NaN: stop, or skip it")
      ->check(one_of({"stop", "skip"}))
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_flag("--profile", o.profile,
               "where the time of the 50th step (or the last) went, by operation")
      ->group(not_of_the_run);
}

void check_options_matter(const CLI::App& command, const TrainOptions& options, bool resumed) {
  const auto given = [&](const char* name) { return command.get_option(name)->count() > 0; };
  if (given("--norm") && options.model != "cnn") {
    throw ValueError("train", str("--norm does nothing with --model ", options.model),
                     "it is for the cnn; other nets have the norms that they have");
  }
  if (resumed && options.overwrite) {
    throw ValueError("resume", "--overwrite would delete the run that is to go on",
                     "leave out one of --resume and --overwrite");
  }
  if (resumed || !options.out.empty()) return;
  for (const char* name : {"--overwrite", "--keep", "--checkpoint-every"}) {
    if (!given(name)) continue;
    throw ValueError("train", str(name, " does nothing without --out"),
                     "--out FOLDER keeps the run");
  }
}

// --- Starting and going on -----------------------------------------------------------------------

std::vector<std::string> given_arguments(const CLI::App& command) {
  std::vector<std::string> arguments;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (is_of_the_process(name)) continue;
    for (const std::string& value : option->results()) {
      std::error_code error;
      const bool is_path = name == "--data" || name == "--init";  // found from other folders too
      const std::string path = is_path ? fs::absolute(value, error).string() : "";
      arguments.push_back(name + "=" + (is_path && !error ? path : value));
    }
  }
  return arguments;
}

TrainOptions resumed_options(const CLI::App& command, const std::vector<std::string>& recorded) {
  const std::vector<std::string> given = given_arguments(command);
  const TrainOptions before = parse_train_options(recorded);
  TrainOptions now = parse_train_options(replaced(recorded, given));
  if (now.dataset == "auto") now.dataset = before.dataset;  // that is what was found
  check_fixed_settings(before, now);
  std::vector<std::string> changes;
  for (const std::string& argument : given) {
    const std::string name = name_of(argument);
    const bool changes_now =
        name == "--epochs" || command.get_option(name)->get_group() == not_of_the_run;
    if (changes_now) changes.push_back(argument);
  }
  return parse_train_options(replaced(recorded, changes));
}

std::string suggestion(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> commands, options;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    commands.push_back(command->get_name());
  }
  const bool has_command =
      !words.empty() && std::find(commands.begin(), commands.end(), words[0]) != commands.end();
  const CLI::App& used = has_command ? *app.get_subcommand(words[0]) : app;
  for (const CLI::Option* option : used.get_options()) {
    options.push_back(option->get_name());
  }
  std::string meant;
  if (!words.empty() && !has_command && !words[0].starts_with('-')) {
    meant = nearest_word(words[0], commands);
  }
  for (const std::string& word : words) {
    const std::string name = name_of(word);
    const bool known = std::find(options.begin(), options.end(), name) != options.end();
    if (meant.empty() && name.starts_with("--") && !known) meant = nearest_word(name, options);
  }
  return meant.empty() ? "" : "Did you mean " + meant + "?";
}

}  // namespace gradus::examples
