// When bin/mnist saves, what it keeps, and what it does where a batch is bad or nobody listens.
#include <doctest/doctest.h>

#include <csignal>

#include "../../examples/mnist/resume.h"
#include "../support/errors.h"
#include "small_run.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// Images of 28x28 pixels that differ from each other; image number `black` has no bright pixel.
void write_images(const fs::path& path, int count, int black) {
  std::string bytes("\0\0\x08\x03\0\0\0", 7);
  bytes += static_cast<char>(count);
  bytes += std::string("\0\0\0\x1c\0\0\0\x1c", 8);
  for (int i = 0; i < count; ++i) {
    for (int pixel = 0; pixel < 784; ++pixel) {
      bytes += static_cast<char>(i == black ? 0 : (i * 31 + pixel * pixel * 7) % 251);
    }
  }
  write_text(path, bytes);
}

void write_labels(const fs::path& path, int count) {
  std::string bytes("\0\0\x08\x01\0\0\0", 7);
  bytes += static_cast<char>(count);
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(i % 10);
  write_text(path, bytes);
}

}  // namespace

TEST_CASE("a signal decides the status, even where nothing can be printed any more") {
  const Place place;
  Process process(place.start_command(), "/dev/full");
  REQUIRE(process.wait_until([&] { return place.has_step(3); }));
  process.send(SIGTERM);
  CHECK(process.wait() == 128 + SIGTERM);
  finish_and_compare(place);
}

TEST_CASE("a run goes on to its end where nobody reads what it prints") {
  const Place place;
  const std::string status = "'" + (place / "status").string() + "'";
  run("(" + joined(place.start_command()) + "; echo $? > " + status + ") | true");
  CHECK(read_text(place / "status") == "1\n");  // output is missing
  CHECK(read_text(place.run() / "model.safetensors") ==
        read_text(reference().place.run() / "model.safetensors"));
}

TEST_CASE("how often to save is said in steps or in time") {
  using examples::parse_save_interval;
  CHECK(parse_save_interval("200").steps == 200);
  CHECK(parse_save_interval("30s").seconds == 30);
  CHECK(parse_save_interval("0.5s").seconds == 0.5);
  CHECK(parse_save_interval("5m").seconds == 300);
  CHECK(parse_save_interval("2h").seconds == 7200);
  for (const char* text : {"", "s", "0", "-3", "1.5", "0s", "nan", "infs", "1e30", "10x", "1 h"}) {
    CHECK(message_of([&] { parse_save_interval(text); }) ==
          str("[train] --checkpoint-every ", text,
              " is not possible. Hint: 200 means steps; 30s, 5m and 1h mean time"));
  }
}

TEST_CASE("checkpoints are saved as often as was asked for: in steps") {
  const Place place;
  std::vector<std::string> command = place.start_command("7");
  std::replace(command.begin(), command.end(), std::string("--keep=2"), std::string("--keep=1000"));
  REQUIRE(run(joined(command)).status == 0);
  std::vector<int64_t> expected = {25, 50, 75};  // the ends of epochs
  for (int64_t step = 0; step <= 75; step += 7) expected.push_back(step);
  std::sort(expected.begin(), expected.end());
  CHECK(CheckpointFolder(place.run()).steps() == expected);
}

TEST_CASE("checkpoints are saved as often as was asked for: in time") {
  const auto count = [](const std::string& every) {
    const Place place;
    std::vector<std::string> command = place.start_command(every);
    std::replace(command.begin(), command.end(), std::string("--keep=2"),
                 std::string("--keep=1000"));
    REQUIRE(run(joined(command)).status == 0);
    return CheckpointFolder(place.run()).steps().size();
  };
  CHECK(count("1h") == 4);          // the start and the ends of epochs
  CHECK(count("0.000001s") == 76);  // all steps
}

TEST_CASE("the checkpoint that is best in validation is kept, also over an interruption") {
  const auto command = [](const Place& place, int seed) {
    return std::vector<std::string>{program,
                                    "train",
                                    "--dataset=synthetic",
                                    "--epochs=6",
                                    "--samples=216",
                                    "--model=" + (place / "net.json").string(),
                                    "--threads=1",
                                    "--batch-size=8",
                                    "--checkpoint-every=1h",
                                    "--lr=0.03",
                                    "--schedule=constant",
                                    "--keep=1",
                                    "--seed=" + std::to_string(seed),
                                    "--out",
                                    place.run()};
  };
  for (int seed = 11; seed <= 30; ++seed) {
    const Place whole, stopped;
    REQUIRE(run(joined(command(whole, seed))).status == 0);
    const std::vector<int64_t> kept = CheckpointFolder(whole.run()).steps();
    REQUIRE(kept.back() == 6 * steps_per_epoch);
    if (kept.size() < 2 || kept[0] > 4 * steps_per_epoch) continue;  // the best is too late
    const json best = metrics(whole.run())[static_cast<size_t>(kept[0] / steps_per_epoch - 1)];
    for (const json& line : metrics(whole.run())) {
      CHECK(line.at("validation_accuracy") <= best.at("validation_accuracy"));
    }
    Process process(command(stopped, seed), stopped.log());
    REQUIRE(process.wait_until([&] { return contains(read_text(stopped.log()), "epoch 5/6 "); }));
    process.send(SIGTERM);
    REQUIRE(process.wait() == 128 + SIGTERM);
    REQUIRE(run(joined(stopped.resume_command())).status == 0);
    CHECK(CheckpointFolder(stopped.run()).steps() == kept);
    return;
  }
  FAIL("no run had its best epoch before its last ones");
}

TEST_CASE("--on-nan skip leaves one bad batch out, undoes what it did, and goes on") {
  // Without an epsilon, layer norm divides 0 by 0 on the one image that is all black.
  const Place whole, stopped;
  const auto start = [](const Place& place) {
    std::ofstream(place / "net.json") << R"({"layers": [
      {"name": "ln", "type": "LayerNorm", "options": {"normalized_shape": [28, 28], "eps": 0}},
      {"name": "bn", "type": "BatchNorm2d", "options": {"num_features": 1}},
      {"name": "flatten", "type": "Flatten"},
      {"name": "fc", "type": "Linear", "options": {"in_features": 784, "out_features": 10}}]})";
    write_images(place / "train-images-idx3-ubyte", 40, 17);
    write_images(place / "t10k-images-idx3-ubyte", 10, -1);
    write_labels(place / "train-labels-idx1-ubyte", 40);
    write_labels(place / "t10k-labels-idx1-ubyte", 10);
    return std::vector<std::string>{program,
                                    "train",
                                    "--data",
                                    place.path(),
                                    "--epochs=2",
                                    "--batch-size=4",
                                    "--threads=1",
                                    "--checkpoint-every=1",
                                    "--seed=3",
                                    "--on-nan=skip",
                                    "--validation=0",
                                    "--model",
                                    place / "net.json",
                                    "--out",
                                    place.run()};
  };
  const Outcome outcome = run(joined(start(whole)));
  CHECK_MESSAGE(outcome.status == 0, outcome.err, outcome.out);
  CHECK(contains(outcome.out, "skipped  the loss is "));
  CHECK(occurrences(outcome.out, "skipped  ") == 2);
  kill_and_resume(stopped, start(stopped), 11);
  CHECK(read_text(stopped.run() / "model.safetensors") ==
        read_text(whole.run() / "model.safetensors"));
}
