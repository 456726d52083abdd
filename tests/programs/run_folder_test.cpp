// What bin/mnist does with the folder of a run: what it replaces, refuses, and reads back.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "../../core/base/error.h"
#include "../../core/io/checkpoint_folder.h"
#include "../support/paths.h"
#include "../support/process.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const std::string program = test::build_folder() + "/bin/mnist";
/// What `--lr 1e30` blows up without a bad step: the first evaluation shows it.
constexpr const char* linear_net = R"({"layers": [
  {"name": "flatten", "type": "Flatten"},
  {"name": "fc1", "type": "Linear", "options": {"in_features": 784, "out_features": 16}},
  {"name": "fc2", "type": "Linear", "options": {"in_features": 16, "out_features": 10}}]})";

struct Place : TemporaryFolder {
  Place() { write_text(path() / "net.json", linear_net); }
  fs::path run() const { return path() / "run"; }

  Outcome mnist(const std::string& arguments) const {
    return test::run("cd '" + path().string() + "' && " + program + " " + arguments);
  }
  Outcome train(const std::string& options) const {
    return mnist("train --dataset synthetic --threads 1 --out run " + options);
  }
  /// One step, of the linear net.
  Outcome train_quickly(const std::string& more = "") const {
    return train("--model net.json --samples 50 --batch-size 50 --epochs 1 " + more);
  }
  Outcome resume(const std::string& more = "") const {
    return mnist("train --threads 1 --resume run " + more);
  }
};

/// Changes one text of the newest checkpoint.
void change_checkpoint(const fs::path& run, const std::string& key, const std::string& text) {
  CheckpointFolder folder(run);
  auto newest = folder.load_newest();
  REQUIRE(newest.has_value());
  newest->checkpoint.metadata[key] = text;
  folder.save(newest->step, newest->checkpoint);
}

/// Colour images: 300 for training and 5 for testing.
void write_cifar(const fs::path& folder) {
  fs::create_directories(folder / "cifar-100-binary");
  write_text(folder / "cifar-100-binary/train.bin", std::string(300 * 3074, '\1'));
  write_text(folder / "cifar-100-binary/test.bin", std::string(5 * 3074, '\1'));
}

}  // namespace

TEST_CASE("an old run stays until the new one has begun") {
  const Place place;
  REQUIRE(place.train_quickly().status == 0);
  const auto before = contents(place.run());
  for (const std::string mistake :
       {"--dataset synthetic --model none.json", "--dataset mnist --data nowhere",
        "--dataset synthetic --augment twirl"}) {
    CAPTURE(mistake);
    CHECK(place.mnist("train --overwrite --out run --samples 50 " + mistake).status == 1);
    CHECK(contents(place.run()) == before);
  }
  const Outcome full = test::run("ulimit -f 1; cd '" + place.path().string() + "' && " + program +
                                 " train --dataset synthetic --samples 50 --epochs 1 "
                                 "--out run --overwrite");
  CHECK(full.status == 1);
  CHECK(contains(full.err, "File too large"));
  CHECK(contents(place.run()) == before);
}

TEST_CASE("--overwrite replaces all files of a run, and no others") {
  const Place place;
  REQUIRE(place.train("--model net.json --samples 100 --epochs 3").status == 0);
  write_text(place.run() / "checkpoint-77.safetensors.damaged", "half");
  write_text(place.run() / "notes.txt", "mine");
  REQUIRE(place.train_quickly("--overwrite --seed 5").status == 0);
  CHECK(CheckpointFolder(place.run()).steps() == std::vector<int64_t>{0, 1});
  CHECK_FALSE(fs::exists(place.run() / "checkpoint-77.safetensors.damaged"));
  CHECK(read_text(place.run() / "notes.txt") == "mine");
  CHECK(json::parse(read_text(place.run() / "config.json")).at("seed") == 5);
  CHECK(json::parse(read_text(place.run() / "metrics.jsonl")).at("epoch") == 1);
}

TEST_CASE("a folder with any file that a run would replace is refused") {
  for (const std::string name : {"model.json", "model.safetensors", "metrics.jsonl", "config.json",
                                 "checkpoint-3.safetensors", "checkpoint-3.safetensors.damaged"}) {
    CAPTURE(name);
    const Place place;
    fs::create_directory(place.run());
    write_text(place.run() / name, linear_net);
    const auto before = contents(place.run());
    const Outcome outcome =
        place.train(name == "model.json" ? "--samples 50 --model run/model.json" : "--samples 50");
    CHECK(outcome.status == 1);
    CHECK(contains(outcome.err, "run already holds a run: " +
                                    (name.starts_with("checkpoint") ? "checkpoints" : name)));
    CHECK(contains(outcome.err, "--overwrite"));
    CHECK(contents(place.run()) == before);
  }
}

TEST_CASE(
    "what a killed run left half written goes when its folder is written again, and no more") {
  const Place place;
  REQUIRE(place.train_quickly().status == 0);
  const std::string killed = ".gradus-" + std::to_string(ended_process()) + "-0-";
  const auto leave = [&] {
    for (const char* name : {"checkpoint-9.safetensors", "model.safetensors", "config.json"}) {
      write_text(place.run() / (killed + name + ".tmp"), "half");
    }
  };
  const fs::path others = place.run() / (killed + "weights.safetensors.tmp");
  const auto left = [&] {
    int count = 0;
    for (const auto& [name, bytes] : contents(place.run())) count += name.starts_with(".gradus");
    return count;
  };
  write_text(others, "of another program");
  leave();
  CHECK(place.train_quickly().status == 1);  // the folder holds a run
  CHECK(place.train_quickly("--overwrite --model none.json").status == 1);
  CHECK(place.resume("--lr 1").status == 1);
  CHECK(left() == 4);
  REQUIRE(place.resume().status == 0);
  CHECK(left() == 1);
  leave();
  REQUIRE(place.train_quickly("--overwrite").status == 0);
  CHECK(left() == 1);
  CHECK(read_text(others) == "of another program");
}

TEST_CASE("a model file inside the run folder can be trained anew") {
  const Place place;
  REQUIRE(place.train_quickly().status == 0);
  const std::string model = read_text(place.run() / "model.json");
  REQUIRE(place.train("--samples 50 --epochs 1 --model run/model.json --overwrite").status == 0);
  CHECK(read_text(place.run() / "model.json") == model);
}

TEST_CASE("a test loss that is not finite ends the run like a bad step") {
  const std::string blows_up =
      "--model net.json --samples 200 --batch-size 200 --optimizer sgd --lr 1e30 --schedule "
      "constant ";
  for (const std::string more : {"--epochs 1", "--epochs 3", "--epochs 3 --on-nan skip"}) {
    CAPTURE(more);
    const Place place;
    const Outcome outcome = place.train(blows_up + more);
    CHECK(outcome.status == 3);
    CHECK_MESSAGE(contains(outcome.err, "[train] the test loss is "), outcome.err);
    CHECK(contains(outcome.err,
                   " after step 1. Hint: checkpoint-0.safetensors is kept; a smaller "
                   "--lr or --clip-grad-norm takes a new run, with another --out\n"));
    CHECK(contains(outcome.out, "kept     run/checkpoint-0.safetensors"));
    CHECK_FALSE(contains(outcome.out, "go on "));
    CHECK(CheckpointFolder(place.run()).steps() == std::vector<int64_t>{0});
    CHECK(place.resume().status == 3);
  }
}

TEST_CASE("what a checkpoint does not say, or says in another way, is an error in plain words") {
  const Place place;
  REQUIRE(place.train_quickly().status == 0);
  const auto resumed_with = [&](const char* key, const std::string& text) {
    const auto before = contents(place.run());
    change_checkpoint(place.run(), key, text);
    const Outcome outcome = place.resume();
    CHECK(outcome.status == 1);
    CHECK_FALSE(contains(outcome.err, "json.exception"));
    for (const auto& [name, bytes] : before) write_text(place.run() / name, bytes);
    return outcome.err;
  };
  CHECK(contains(resumed_with("arguments", "[1, 2]"),
                 "[resume] the checkpoint does not say how the run was started"));
  CHECK(contains(resumed_with("arguments", "{"), "does not say how the run was started"));
  CHECK(
      contains(resumed_with("training", R"({"epoch": null})"),
               "[checkpoint] it does not say where the training stands: {\"epoch\": null}. Hint:"));
  const std::string lists = std::string(300'000, '[') + std::string(300'000, ']');
  const std::string unclear = "does not say where the training stands";
  const std::string training =
      CheckpointFolder(place.run()).load_newest()->checkpoint.text("training");
  for (const char* number : {"1e300", "-1", "1.5", "99999999999999999999"}) {
    json state = json::parse(training);
    state["epoch"] = json::parse(number);
    CHECK(contains(resumed_with("training", state.dump()), unclear));
  }
  CHECK(contains(resumed_with("training", lists), unclear));
  CHECK(contains(resumed_with("arguments", lists), "does not say how the run was started"));
  CHECK(contains(resumed_with("config", R"({"seed": )" + lists + "}"),
                 "this would not be the same training: "));
}

TEST_CASE("a checkpoint that cannot be read is not taken for a damaged one") {
  const Place place;
  REQUIRE(place.train_quickly().status == 0);
  const fs::path newest = place.run() / "checkpoint-1.safetensors";
  fs::rename(newest, place.path() / "aside");
  fs::create_symlink(newest.filename(), newest);  // a link to itself: opening it fails
  const Outcome outcome = place.resume();
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.err, "checkpoint-1.safetensors': the file cannot be opened: Too many "));
  CHECK(fs::is_symlink(newest));
  fs::rename(place.path() / "aside", newest);
  CHECK(place.resume().status == 0);
}

TEST_CASE("other images or other labels, wherever they are, are other data") {
  for (const std::string file : {"train.bin", "test.bin"}) {
    for (const bool label : {true, false}) {
      const Place place;
      write_cifar(place.path());
      write_text(place.path() / "net.json", R"({"layers": [
        {"name": "pool", "type": "AvgPool2d", "options": {"kernel_size": 8}},
        {"name": "flatten", "type": "Flatten"},
        {"name": "fc", "type": "Linear", "options": {"in_features": 48, "out_features": 100}}]})");
      const std::string start =
          "train --dataset cifar100 --data . --model net.json --batch-size 100 --epochs 1 --out "
          "run";
      REQUIRE(place.mnist(start).status == 0);
      REQUIRE(place.resume().status == 0);
      const fs::path path = place.path() / "cifar-100-binary" / file;
      std::string bytes = read_text(path);
      bytes[bytes.size() - 3074 + (label ? 1 : 1000)] ^= 2;  // of the last image
      write_text(path, bytes);
      const Outcome outcome = place.resume();
      CAPTURE(file);
      CAPTURE(label);
      CHECK(outcome.status == 1);
      CHECK(contains(outcome.err, "[resume] this would not be the same training: " +
                                      file.substr(0, file.find('.')) + "_data was "));
    }
  }
}

TEST_CASE("output that could not be written is an error") {
  if (!fs::exists("/dev/full")) {
    MESSAGE("skipped: there is no /dev/full");
    return;
  }
  const Place place;
  const std::string words = "[mnist] standard output could not be written";
  const Outcome trained = place.train_quickly("--json > /dev/full");
  CHECK(trained.status == 1);
  CHECK(contains(trained.err, words));
  write_text(place.path() / "digit.pgm", "P2 1 1 255 9");
  for (const char* command :
       {"predict --json --run run digit.pgm > /dev/full", "predict --run run digit.pgm > /dev/full",
        "eval --json --run run > /dev/full", "--help > /dev/full"}) {
    CAPTURE(command);
    const Outcome outcome = place.mnist(command);
    CHECK(outcome.status == 1);
    CHECK(contains(outcome.err, words));
  }
}

TEST_CASE("a config.json of another shape is an error in plain words") {
  const Place place;
  REQUIRE(place.train_quickly().status == 0);
  write_text(place.path() / "digit.pgm", "P2 1 1 255 9");
  const json good = json::parse(read_text(place.run() / "config.json"));
  const auto refused = [&](const char* key, const json& value, const std::string& command) {
    json config = good;
    config[key] = value;
    write_text(place.run() / "config.json", config.dump());
    const Outcome outcome = place.mnist(command);
    CHECK(outcome.status == 1);
    CHECK_FALSE(contains(outcome.err, "json.exception"));
    return outcome.err;
  };
  CHECK(contains(refused("dataset", 7, "eval --run run"), "config.json has 7 for dataset. Hint:"));
  CHECK(contains(refused("samples", "all", "eval --run run"),
                 R"(config.json has "all" for samples)"));
  const std::string predict = "predict --run run digit.pgm";
  CHECK(contains(refused("normalization", {{"mean", {0.1}}, {"std", {0}}}, predict),
                 "config.json has a normalization of mean 0.1 and std 0. Hint: "));
  CHECK(contains(refused("normalization", {{"mean", "dark"}, {"std", {1}}}, predict),
                 "config.json does not say how images were normalized. Hint: "));
}

TEST_CASE("a config.json of lists in lists without end is an error, not the end of the stack") {
  const Place place;
  REQUIRE(place.train_quickly().status == 0);
  const std::string lists(300'000, '['), ends(300'000, ']');
  write_text(place.run() / "config.json", R"({"dataset": )" + lists + ends + "}");
  const Outcome outcome = place.mnist("eval --run run");
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.err, "[run folder] run/config.json is not a JSON object. Hint: "));
}

TEST_CASE("options of no text, and numbers that are none, are refused") {
  const Place place;
  for (const char* option : {"--out", "--resume", "--data", "--augment", "--model"}) {
    const Outcome outcome = place.mnist(str("train --dataset synthetic ", option, " ''"));
    CHECK(outcome.status == 1);
    CHECK_MESSAGE(contains(outcome.err, str(option, ": must not be empty")), outcome.err);
  }
  for (const char* option : {"--ema nan", "--lr nan", "--clip-grad-norm nan"}) {
    const Outcome outcome = place.mnist(str("train --dataset synthetic ", option));
    CHECK(outcome.status == 1);
    CHECK_MESSAGE(contains(outcome.err, ": must be a finite number"), outcome.err);
  }
}

TEST_CASE("a run goes on with the data that was found for it at first") {
  const Place place;
  // Without a cache folder nothing is downloaded: it is Fashion-MNIST of the system, or synthetic.
  REQUIRE(test::run("cd '" + place.path().string() + "' && env -i " + program +
                    " train --model net.json --samples 50 --epochs 1 --threads 1 --out run")
              .status == 0);
  const std::string found = json::parse(read_text(place.run() / "config.json")).at("dataset");
  const std::string arguments =
      CheckpointFolder(place.run()).load_newest()->checkpoint.text("arguments");
  CHECK_MESSAGE(contains(arguments, "\"--dataset=" + found + "\""), arguments);
  CHECK(place.resume().status == 0);
}

TEST_CASE("names that are not UTF-8 are refused where they would be recorded") {
  const Place place;
  const std::string name = "net-\xFC.json";
  write_text(place.path() / name, linear_net);
  const Outcome outcome = place.train("--samples 50 --epochs 1 --model " + name);
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.err, name + " cannot be recorded: it is not UTF-8. Hint: "));
  CHECK_FALSE(fs::exists(place.run()));
  CHECK(place.mnist("train --dataset synthetic --samples 50 --epochs 1 --model " + name).status ==
        0);
  REQUIRE(place.train_quickly().status == 0);
  write_text(place.path() / "digit-\xFC.pgm", "P2 1 1 255 9");
  const Outcome read = place.mnist("predict --json --run run digit-\xFC.pgm");
  CHECK(read.status == 0);
  CHECK(json::parse(read.out).at(0).at("file") == "digit-\xEF\xBF\xBD.pgm");
}
