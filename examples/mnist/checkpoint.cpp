#include "checkpoint.h"

#include <gradus/core/base/error.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "../support/json.h"

namespace gradus::examples {

namespace {

using nlohmann::json;

/// How often something happened: a whole number from 0 to 2^40, so that products of two fit.
int64_t count(const json& j, const char* key) {
  const json& value = j.at(key);
  constexpr uint64_t most = uint64_t{1} << 40;
  if (!value.is_number_unsigned() || value.get<uint64_t>() > most) throw std::out_of_range(key);
  return value.get<int64_t>();
}

json to_json(const EpochSums& sums) {
  return {{"loss", sums.loss},
          {"correct", sums.correct},
          {"images", sums.images},
          {"seconds", sums.seconds}};
}

EpochSums epoch_sums(const json& j) {
  return {.loss = j.at("loss"),
          .correct = j.at("correct"),
          .images = count(j, "images"),
          .seconds = j.at("seconds")};
}

json to_json(const Evaluation& test) {
  return {{"accuracy", test.accuracy}, {"loss", test.loss}, {"images", test.images}};
}

Evaluation evaluation(const json& j) {
  return {.accuracy = j.at("accuracy"), .loss = j.at("loss"), .images = count(j, "images")};
}

}  // namespace

std::string to_text(const TrainingState& s) {
  json j = {{"epoch", s.epoch},
            {"batch", s.batch},
            {"step", s.step},
            {"skipped_in_row", s.skipped_in_row},
            {"running", to_json(s.running)},
            {"train_loss", s.train_loss},
            {"test", to_json(s.test)},
            {"seconds", s.seconds},
            {"images", s.images}};
  if (s.best_step) j["best"] = {{"step", *s.best_step}, {"validation_accuracy", s.best_accuracy}};
  return j.dump();
}

TrainingState training_state(const std::string& text) {
  try {
    const json j = parse_json(text);
    TrainingState s{.epoch = count(j, "epoch"),
                    .batch = count(j, "batch"),
                    .step = count(j, "step"),
                    .skipped_in_row = count(j, "skipped_in_row"),
                    .running = epoch_sums(j.at("running")),
                    .train_loss = j.at("train_loss"),
                    .test = evaluation(j.at("test")),
                    .seconds = j.at("seconds"),
                    .images = count(j, "images"),
                    .best_step = {}};
    if (j.contains("best")) {
      s.best_step = count(j["best"], "step");
      s.best_accuracy = j["best"].at("validation_accuracy");
    }
    return s;
  } catch (const std::exception&) {
    throw IoError("checkpoint", "it does not say where the training stands: " + text,
                  "another version of this program wrote it; start a new run");
  }
}

Checkpoint save_parts(const TrainingParts& parts) {
  Checkpoint checkpoint;
  checkpoint.add("model", parts.net.state_dict());
  checkpoint.add("optimizer", parts.optimizer.state_dict());
  checkpoint.add("schedule", parts.schedule.state_dict());
  if (parts.ema != nullptr) checkpoint.add("ema", parts.ema->state_dict());
  checkpoint.add("random", random_state_dict());
  return checkpoint;
}

void load_parts(const Checkpoint& checkpoint, const TrainingParts& parts) {
  parts.net.load_state_dict(checkpoint.part("model"));
  parts.optimizer.load_state_dict(checkpoint.part("optimizer"));
  parts.schedule.load_state_dict(checkpoint.part("schedule"));  // sets the rates of this step
  if (parts.ema != nullptr) parts.ema->load_state_dict(checkpoint.part("ema"));
  load_random_state_dict(checkpoint.part("random"));
}

void check_same_run(const std::string& saved, const json& now) {
  const json before = parse_json(saved);
  std::string differences;
  for (const auto& [key, value] : now.items()) {
    const bool may_differ = key == "version" || key == "data" || key == "epochs";
    const json old = before.is_object() ? before.value(key, json()) : json();
    if (!may_differ && old != value) {
      differences +=
          str(differences.empty() ? "" : ", ", key, " was ", old.dump(), " and is ", value.dump());
    }
  }
  if (differences.empty()) return;
  throw ValueError("resume", "this would not be the same training: " + differences,
                   "resume with the same data and version of the program, or start a new run");
}

int64_t recorded_epochs(const std::string& saved) {
  const json before = parse_json(saved);
  const bool known = before.is_object() && before.contains("epochs");
  return known && before["epochs"].is_number_integer() ? before["epochs"].get<int64_t>() : 0;
}

InterruptedRun open_interrupted_run(const std::string& path, Console& console) {
  RunFolder folder = RunFolder::resume(path);
  auto newest = folder.checkpoints().load_newest(
      [&console](const std::string& text) { console.say("damaged", text); });
  if (!newest) {
    throw IoError("resume", str("there is no checkpoint to go on from in '", path, "'"),
                  "give the folder that `mnist train --out` wrote");
  }
  return {std::move(folder), *std::move(newest)};
}

std::string arguments_text(const std::vector<std::string>& arguments) {
  json list = json::array();
  for (const std::string& argument : arguments) {
    try {
      (void)json(argument).dump();
    } catch (const json::exception&) {
      throw ValueError("train", argument + " cannot be recorded: it is not UTF-8",
                       "rename the file, or give a link to it that has another name");
    }
    list.push_back(argument);
  }
  return list.dump();
}

std::vector<std::string> recorded_arguments(const Checkpoint& checkpoint) {
  try {
    return parse_json(checkpoint.text("arguments")).get<std::vector<std::string>>();
  } catch (const json::exception&) {
    throw IoError("resume", "the checkpoint does not say how the run was started",
                  "it is of another program or damaged; start a new run");
  }
}

SaveInterval parse_save_interval(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  if (std::isfinite(number) && number > 0 && number <= 1e9 && end != text.c_str()) {
    if (unit == "s") return {.seconds = number};
    if (unit == "m") return {.seconds = 60 * number};
    if (unit == "h") return {.seconds = 3600 * number};
    if (unit.empty() && number == std::floor(number)) {
      return {.steps = static_cast<int64_t>(number)};
    }
  }
  throw ValueError("train", str("--checkpoint-every ", text, " is not possible"),
                   "200 means steps; 30s, 5m and 1h mean time");
}

}  // namespace gradus::examples
