// The options of bin/mnist train: which are refused, what resuming changes, what is held out.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "../../core/base/text.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../../datasets/idx.h"
#include "../../datasets/synthetic.h"
#include "../support/pytorch_writer.h"
#include "small_run.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// A command in the folder of `place`, a training of a small net unless `arguments` say otherwise.
Outcome mnist(const Place& place, const std::string& arguments) {
  return run("cd '" + place.path().string() + "' && " + program + " " + arguments);
}
Outcome train(const Place& place, const std::string& more) {
  return mnist(place, "train --dataset synthetic --model net.json --threads 1 " + more);
}

void check_refused(const Place& place, const std::string& arguments, const std::string& words) {
  CAPTURE(arguments);
  const Outcome outcome = mnist(place, arguments);
  CHECK(outcome.status == 1);
  CHECK_MESSAGE(contains(outcome.err, words), outcome.err);
  CHECK(outcome.err.size() < 600);
  CHECK_FALSE(fs::exists(place.run()));
}

std::string weights(const Place& place) {
  return read_text(place.run() / "model.safetensors");
}

constexpr const char* quick = "--samples 48 --batch-size 11 --epochs 2 --checkpoint-every 1 ";

}  // namespace

TEST_CASE("the name that was meant is the nearest one, or none") {
  const std::vector<std::string> names = {"adam", "adamw", "sgd", "rmsprop"};
  CHECK(nearest_word("adm", names) == "adam");
  CHECK(nearest_word("adma", names) == "adam");
  CHECK(nearest_word("adamw2", names) == "adamw");
  CHECK(nearest_word("rmspropp", names) == "rmsprop");
  CHECK(nearest_word("newton", names).empty());
  CHECK(nearest_word("", names).empty());
  CHECK(nearest_word(std::string(100'000, 'a'), names).empty());
}

TEST_CASE("options and values that do not exist are answered with the one that was meant") {
  const Place place;
  check_refused(place, "train --epoch 3", "Did you mean --epochs?");
  check_refused(place, "train --leaning-rate 3", "--leaning-rate");
  check_refused(place, "train --optimiser=sgd", "Did you mean --optimizer?");
  check_refused(place, "trian --epochs 3", "Did you mean train?");
  check_refused(place, "eval --dat D --run run", "Did you mean --data?");
  check_refused(place, "train --optimizer adm",
                "there is no adm; did you mean adam? There are adam,");
  check_refused(place, "train --dataset minst", "did you mean mnist?");
  check_refused(place, "eval --run run --dataset minst", "did you mean mnist?");
  check_refused(place, "train --dataset synthetic --samples 20 --model lennet",
                "unknown --model lennet. Hint: did you mean lenet? there are cnn, small,");
  check_refused(place, "train --dataset synthetic --samples 20 --norm bach",
                "did you mean batch? there are none, batch");
  check_refused(place, "train --dataset synthetic --samples 20 --augment rotat=3",
                "did you mean rotate? there are shift=2");
}

TEST_CASE("numbers out of range are answered with the range, in a few digits") {
  const Place place;
  const std::string train = "train --dataset synthetic ";
  for (const std::string seed : {"-1", "1.5", "1e3", "99999999999999999999", "0x10", "010", "x"}) {
    check_refused(place, train + "--seed " + seed,
                  "--seed: must be a whole number from 0 to 18446744073709551615, got " + seed);
  }
  check_refused(place, train + "--samples -3", "from 0 to 1099511627776, got -3");
  check_refused(place, train + "--lr 0", "--lr: must be a finite number above 0, got 0");
  check_refused(place, train + "--lr 1x", "--lr: must be a finite number above 0, got 1x");
  check_refused(place, train + "--clip-grad-norm -1", "must be a finite number above 0, got -1");
  check_refused(place, train + "--ema 2", "--ema: must be a finite number from 0 to 1, got 2");
  check_refused(place, train + "--epochs 0", "must be a whole number from 1 to 100000, got 0");
  CHECK(train.size() > 0);
  CHECK(test::run(program + " train --help").out.size() < 8000);
}

TEST_CASE("options that make no difference are refused") {
  const Place place;
  for (const std::string model : {"small", "mlp", "net.json"}) {
    check_refused(place, "train --dataset synthetic --norm layer --out run --model " + model,
                  "--norm does nothing with --model " + model);
  }
  check_refused(place, "train --recipe fast --norm layer",
                "--norm does nothing with --model small");
  for (const std::string option : {"--overwrite", "--keep 2", "--checkpoint-every 5"}) {
    check_refused(place, "train --dataset synthetic " + option, "does nothing without --out");
  }
  REQUIRE(train(place, "--samples 24 --epochs 1 --out run").status == 0);
  CHECK(json::parse(read_text(place.run() / "config.json")).at("norm").is_null());
}

TEST_CASE("--resume takes the options that the run was started with") {
  const Place place;
  const std::string options = std::string(quick) +
                              "--lr 0.01 --seed 3 --optimizer sgd --schedule cosine --ema 0.9 "
                              "--augment shift --clip-grad-norm 1 --validation 4 --out run ";
  REQUIRE(train(place, options).status == 0);
  const std::string before = weights(place);
  const Outcome same = train(place, options + "--resume run");
  CHECK_MESSAGE(same.status == 0, same.err);
  CHECK(mnist(place, "train --resume run --dataset auto --lr 1e-2").status == 0);
  CHECK(mnist(place, "train --resume run --model ./net.json").status == 0);
  CHECK(weights(place) == before);
  const Outcome other = train(place, options + "--resume run --validation 5");
  CHECK(other.status == 1);
}

TEST_CASE("--resume with more epochs goes on, with the schedule of so many from there on") {
  const Place whole, stopped;
  const std::string start = std::string(quick) + "--schedule onecycle --out run ";
  for (const Place* place : {&whole, &stopped}) REQUIRE(train(*place, start).status == 0);
  CHECK(metrics(whole.run()).size() == 2);
  const Outcome longer = mnist(whole, "train --threads 1 --resume run --epochs 5");
  REQUIRE_MESSAGE(longer.status == 0, longer.err);
  CHECK(contains(longer.out, "resumed  after step 8 of 20"));
  CHECK(metrics(whole.run()).size() == 5);
  CHECK(json::parse(read_text(whole.run() / "config.json")).at("epochs") == 5);
  {
    const auto last = CheckpointFolder(whole.run()).load_newest();
    CHECK(last->step == 20);
  }

  // Stopped after the change, it goes on to the same bits, without being told again.
  std::vector<std::string> command = stopped.resume_command();
  command.emplace_back("--epochs=5");
  kill_and_resume(stopped, command, 8 + 5);
  CHECK(weights(stopped) == weights(whole));
  CHECK(metrics(stopped.run()) == metrics(whole.run()));

  const Outcome fewer = mnist(whole, "train --resume run --epochs 4");
  CHECK(fewer.status == 1);
  CHECK(contains(fewer.err, "--epochs 4 is less than the 5 that the run has begun"));
}

TEST_CASE("going on to more epochs changes the rates from that step on, and none before") {
  const Place place;
  REQUIRE(train(place, std::string(quick) + "--optimizer sgd --lr 0.9 --out run").status == 0);
  REQUIRE(mnist(place, "train --resume run --epochs 4 --keep 100").status == 0);
  const CheckpointFolder folder(place.run());
  const auto rate_after = [&](int64_t step) {
    for (const auto& [name, value] : load_checkpoint(folder.file_of(step)).tensors) {
      if (name.starts_with("optimizer/") && name.ends_with("lr")) return value.item();
    }
    return -1.0;
  };
  // Linearly down to 0 over 16 steps: after 12 of them, a quarter of the way is left.
  CHECK(rate_after(12) == doctest::Approx(0.9 * 0.25 / 0.9));
  CHECK(rate_after(8) == doctest::Approx(0.9 * 0.5 / 0.9));
}

TEST_CASE("--init starts from the weights of a file, or of a checkpoint") {
  const Place first, second, third;
  REQUIRE(train(first, std::string(quick) + "--out run --seed 1").status == 0);
  const std::string file = first.run() / "model.safetensors";
  const Outcome outcome = train(second, std::string(quick) + "--seed 2 --out run --init " + file);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.out, "init     weights from " + file));
  REQUIRE(train(third, std::string(quick) + "--seed 2 --out run --keep 100 --init " +
                           newest_checkpoint(first).string())
              .status == 0);
  CHECK(weights(second) == weights(third));
  const Checkpoint start = load_checkpoint(CheckpointFolder(third.run()).file_of(0));
  for (const auto& [name, value] : load_safetensors(file).tensors) {
    for (const auto& [own_name, own] : start.part("model")) {
      if (own_name != name || !is_floating(value.dtype())) continue;
      CHECK(own.to_vector<float>() == value.to_vector<float>());
    }
  }
  CHECK(mnist(second, "train --resume run").status == 0);  // does not read the file again
  const Place other, fourth;
  write_pytorch_checkpoint(fourth / "there.pt", "model", load_safetensors(file).tensors);
  REQUIRE(train(fourth, std::string(quick) + "--seed 2 --out run --init there.pt").status == 0);
  CHECK(weights(fourth) == weights(third));
  check_refused(other,
                "train --dataset synthetic --samples 24 --model mlp --out run --init " + file,
                "missing");
  check_refused(other, "train --dataset synthetic --samples 24 --out run --init none.safetensors",
                "none.safetensors");
}

TEST_CASE("the best checkpoint is chosen by held out training images, not by test images") {
  // Test images with wrong labels: whoever looked at them would choose another epoch.
  const Place right, wrong;
  const auto write = [](const Place& place, bool right_labels) {
    const data::Batch train = data::synthetic_digits(240, {.seed = 1});
    const data::Batch test = data::synthetic_digits(100, {.seed = 2});
    data::write_idx(place / "train-images-idx3-ubyte", train.x);
    data::write_idx(place / "train-labels-idx1-ubyte", train.y.to(uint8));
    data::write_idx(place / "t10k-images-idx3-ubyte", test.x);
    data::write_idx(place / "t10k-labels-idx1-ubyte",
                    right_labels ? test.y.to(uint8) : full({100}, 3, uint8));
  };
  write(right, true);
  write(wrong, false);
  for (const Place* place : {&right, &wrong}) {
    const Outcome outcome = mnist(*place,
                                  "train --data . --model net.json --lr 0.02 --schedule constant "
                                  "--epochs 6 --batch-size 22 --keep 1 --checkpoint-every 1h "
                                  "--threads 1 --seed 4 --out run");
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(contains(outcome.out, "images   220 to train, 20 for validation, 100 to test"));
    CHECK(contains(outcome.out, " % of 20 validation images right"));
    CHECK(json::parse(read_text(place->run() / "config.json")).at("validation") == 20);
  }
  const auto lines = metrics(right.run());
  const auto best = std::max_element(lines.begin(), lines.end(), [](const json& a, const json& b) {
    return a.at("validation_accuracy") < b.at("validation_accuracy");
  });
  const int64_t best_step = best->at("epoch").get<int64_t>() * 10;
  for (const Place* place : {&right, &wrong}) {
    std::set<int64_t> expected = {best_step, 60};
    const auto steps = CheckpointFolder(place->run()).steps();
    CHECK(std::set<int64_t>(steps.begin(), steps.end()) == expected);
  }
  CHECK(weights(right) == weights(wrong));
}

TEST_CASE("how many images are held out can be said, down to none") {
  const auto first_lines = [](const std::string& more) {
    const Place place;
    const Outcome outcome = train(place, "--samples 120 --epochs 1 " + more);
    return outcome.out + outcome.err;
  };
  CHECK(contains(first_lines(""), "images   110 to train, 10 for validation, 120 to test"));
  const std::string some = first_lines("--validation 30");
  CHECK(contains(some, "images   90 to train, 30 for validation"));
  CHECK(contains(some, "   validation loss "));
  const std::string none = first_lines("--validation 0");
  CHECK(contains(none, "images   120 to train, 0 for validation"));
  CHECK_FALSE(contains(none, "validation loss"));
  CHECK(contains(first_lines("--validation 120"),
                 "--validation 120 leaves none of 120 images to train on. Hint: "));
}
