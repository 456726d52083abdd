// bin/mnist from the outside: what it prints, writes and refuses.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../../datasets/idx.h"
#include "../../datasets/open_dataset.h"
#include "../../datasets/synthetic.h"
#include "../../examples/support/image.h"
#include "../../nn/onnx/onnx.h"
#include "../support/paths.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;
using nlohmann::json;

namespace {

/// A folder whose files are named by strings, to build command lines.
struct Folder : TemporaryFolder {
  std::string operator/(const std::string& name) const { return (path() / name).string(); }
};

const std::string program = test::build_folder() + "/bin/mnist";

Outcome mnist(const std::string& arguments) {
  return run(program + " " + arguments);
}

/// A net of 13,254 parameters that learns something in a few steps, also under a sanitizer.
constexpr const char* small_net = R"({"layers": [
  {"name": "pool", "type": "MaxPool2d", "options": {"kernel_size": 2}},
  {"name": "flatten", "type": "Flatten"},
  {"name": "fc1", "type": "Linear", "options": {"in_features": 196, "out_features": 64}},
  {"name": "relu", "type": "ReLU"},
  {"name": "fc2", "type": "Linear", "options": {"in_features": 64, "out_features": 10}}]})";

/// A quick training that learns something.
Outcome quick_train(const std::string& more) {
  const bool has_samples = contains(more, "--samples");
  return mnist("train --dataset synthetic --model lenet --epochs 1 --batch-size 20 " +
               std::string(has_samples ? "" : "--samples 1000 ") + more);
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  const size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

/// Checks that the program refuses `arguments` with exit status 1 and these words.
void check_refused(const std::string& arguments, const std::string& words) {
  CAPTURE(arguments);
  const Outcome outcome = mnist(arguments);
  CHECK(outcome.status == 1);
  CHECK_MESSAGE(contains(outcome.err + outcome.out, words), outcome.err, outcome.out);
}

/// One trained run that several tests look at.
const Folder& trained_run() {
  static const Folder folder;
  static const Outcome outcome = quick_train("--seed 3 --out " + folder / "run");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return folder;
}

}  // namespace

TEST_CASE("--json prints one object with the results, alone on standard output") {
  const Outcome outcome = quick_train("--seed 7 --threads 2 --json");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const json result = json::parse(outcome.out);
  CHECK(result.at("test_accuracy").get<double>() > 0.5);
  CHECK(result.at("test_accuracy").get<double>() <= 1);
  CHECK(result.at("train_loss").get<double>() > 0);
  CHECK(result.at("images_per_second").get<double>() > 0);
  CHECK(result.at("seconds").get<double>() > 0);
  CHECK(result.at("epochs") == 1);
  CHECK(result.at("seed") == 7);
  CHECK(result.at("threads") == 2);
  CHECK(result.at("peak_rss_mib").get<double>() > 1);
}

TEST_CASE("the program says what it runs on and which data it took") {
  const Outcome outcome = quick_train("--threads 1 --samples 40");
  CHECK(contains(outcome.out, "1 thread, "));
  CHECK(contains(outcome.out, "data     "));
  CHECK(contains(outcome.out, "test accuracy "));
  CHECK(contains(outcome.out, "standard error"));
}

TEST_CASE("--profile prints where the time of a step went") {
  const Outcome outcome = quick_train("--profile --samples 40");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const size_t table = outcome.out.find("one step, by operation:\noperation  ");
  REQUIRE(table != std::string::npos);
  for (const char* op : {"\nconv2d ", "\nmax_pool2d ", "\nlog_softmax ", "\ntotal ", "\npeak: "}) {
    CHECK_MESSAGE(outcome.out.find(op, table) != std::string::npos, op);
  }
  CHECK_FALSE(contains(quick_train("--samples 40").out, "by operation"));
}

TEST_CASE("a run folder holds configuration, model, metrics and weights") {
  const Folder& folder = trained_run();
  const json config = json::parse(read_text(folder / "run/config.json"));
  CHECK(config.at("dataset") == "synthetic");
  CHECK(config.at("seed") == 3);
  CHECK(json::parse(read_text(folder / "run/model.json")).at("layers").size() == 12);
  const json metrics = json::parse(last_line(read_text(folder / "run/metrics.jsonl")));
  CHECK(metrics.at("epoch") == 1);
  const SafeTensors weights = load_safetensors(folder / "run/model.safetensors");
  CHECK(weights.at("conv1.weight").shape() == Shape{6, 1, 5, 5});
  CHECK(weights.at("fc3.bias").shape() == Shape{10});
}

TEST_CASE("every named model trains") {
  const Folder folder;
  for (const std::string model : {"cnn", "small", "deep", "lenet", "mlp", "lstm"}) {
    const Outcome outcome = mnist("train --dataset synthetic --samples 60 --epochs 1 --model " +
                                  model + " --out " + folder / model);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  }
  const SafeTensors weights = load_safetensors(folder / "lstm/model.safetensors");
  CHECK(weights.at("lstm1.weight_ih_l0").shape() == Shape{4 * 128, 28});
  CHECK(mnist("eval --run " + folder / "lstm").status == 0);
}

TEST_CASE("a saved run evaluates to what training reported") {
  const Folder& folder = trained_run();
  const json metrics = json::parse(last_line(read_text(folder / "run/metrics.jsonl")));
  const Outcome outcome = mnist("eval --json --run " + folder / "run");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const json result = json::parse(outcome.out);
  CHECK(result.at("test_accuracy") == metrics.at("test_accuracy"));
  CHECK(result.at("test_loss").get<double>() ==
        doctest::Approx(metrics.at("test_loss").get<double>()));
}

TEST_CASE("a saved run goes out as an ONNX file, which takes pixels and has the same accuracy") {
  const Folder& folder = trained_run();
  const std::string file = folder / "net.onnx";
  const Outcome outcome =
      mnist("export " + folder / "run" + " --with-normalization --onnx " + file);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(outcome.out ==
        file + ": images [batch,1,28,28], uint8, 0 to 255, to logits [batch,classes]\n");
  const auto net = nn::load_onnx(file);
  net->eval();
  const data::Found found = data::open_dataset({.name = "synthetic", .test_only = true});
  double right = 0;
  for (int64_t i = 0; i < found.test->size(); ++i) {
    const data::Sample sample = found.test->get(i);
    const auto& [mean, deviation] = found.normalization[0];
    const Tensor pixels = round((sample.x * deviation + mean) * 255.0).to(uint8);
    right += (*net)(pixels.unsqueeze(0)).argmax(1).item() == sample.y.item() ? 1 : 0;
  }
  const json metrics = json::parse(last_line(read_text(folder / "run/metrics.jsonl")));
  CHECK(right / static_cast<double>(found.test->size()) == metrics.at("test_accuracy"));
}

TEST_CASE("a saved run reads pictures and images of IDX files") {
  const Folder& folder = trained_run();
  const data::Batch digits = data::synthetic_digits(20, {.seed = 99});
  data::write_idx(folder / "digits.gz", digits.x);
  const std::vector<uint8_t> pixels = digits.x.select(0, 0).to_vector<uint8_t>();
  {
    std::ofstream pgm(folder / "digit.pgm", std::ios::binary);
    pgm << "P5\n# a comment\n28 28\n255\n";
    pgm.write(reinterpret_cast<const char*>(pixels.data()), 784);
  }
  const Outcome outcome = mnist("predict --json --run " + folder / "run" + " " +
                                folder / "digits.gz:0" + " " + folder / "digit.pgm");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const json result = json::parse(outcome.out);
  REQUIRE(result.size() == 2);
  // The same picture, by two ways.
  CHECK(result[0].at("probabilities") == result[1].at("probabilities"));
  double total = 0;
  for (const json& p : result[0].at("probabilities")) total += p.get<double>();
  CHECK(total == doctest::Approx(1));
}

TEST_CASE("a large image of an IDX file, which would take the memory, is refused") {
  const Folder& folder = trained_run();
  data::write_idx(folder / "wide", zeros({1, 8, 1025}, uint8));
  check_refused("predict --run " + folder / "run" + " " + folder / "wide:0",
                "wide holds images of 1025x8 pixels. Hint: ");
}

TEST_CASE("predict says empty, several or unsure where that is the truth, and gives no label") {
  const Folder& folder = trained_run();
  write_text(folder / "blank.pgm", "P5 40 40 255\n" + std::string(1600, '\xE0'));
  std::string two(60 * 80, '\xE0');  // two strokes
  for (size_t y = 10; y < 50; ++y) {
    for (size_t x = 0; x < 5; ++x) two[y * 80 + 20 + x] = two[y * 80 + 55 + x] = '\x20';
  }
  write_text(folder / "two.pgm", "P5 80 60 255\n" + two);
  std::string dots(80 * 80, '\xE0');
  for (size_t i = 0; i < 16; ++i) {
    for (size_t j = 0; j < 100; ++j)
      dots[(i / 4 * 20 + 5 + j / 10) * 80 + i % 4 * 20 + 5 + j % 10] = 0;
  }
  write_text(folder / "dots.pgm", "P5 80 80 255\n" + dots);
  const std::string files =
      " " + folder / "blank.pgm" + " " + folder / "two.pgm" + " " + folder / "dots.pgm";
  const Outcome outcome = mnist("predict --json --run " + folder / "run" + files);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const json result = json::parse(outcome.out);
  CHECK(result[0].at("answer") == "empty");
  CHECK(result[0].at("best").empty());
  CHECK(result[1].at("answer") == "several");
  CHECK(result[2].at("answer") == "unsure");
  REQUIRE(result[2].at("best").size() == 3);
  CHECK(result[2].at("best")[0].at("probability") >= result[2].at("best")[1].at("probability"));
  for (const json& one : result) CHECK(one.at("label").is_null());
  const std::string words = mnist("predict --run " + folder / "run" + files).out;
  CHECK(contains(words, "blank.pgm: empty\n"));
  CHECK(contains(words, "two.pgm: several digits?\n"));
  CHECK(contains(words, "dots.pgm: unsure: "));
}

TEST_CASE("white and black ink on a transparent background is read alike") {
  const Folder& folder = trained_run();
  const std::string corpus = source_folder() + "/tests/fuzz/corpus/image/";
  const Outcome outcome = mnist("predict --json --run " + folder / "run" + " " + corpus +
                                "white-ink.png " + corpus + "black-ink.png");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const json result = json::parse(outcome.out);
  REQUIRE(result[1].at("best").size() == 3);
  CHECK(result[0].at("probabilities") == result[1].at("probabilities"));
}

TEST_CASE("predict --show prints what the net saw, in 80 columns, and writes it as PNG") {
  const Folder& folder = trained_run();
  const Folder here;
  const std::string corpus = source_folder() + "/tests/fuzz/corpus/image/";
  const std::string command = "cd '" + here / "" + "' && " + program + " predict --show --run " +
                              folder / "run" + " " + corpus;
  const Outcome outcome = run(command + "black-ink.png");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  std::istringstream lines(outcome.out);
  std::string line;
  std::getline(lines, line);  // the answer
  const std::vector<uint8_t> seen =
      examples::read_image(here / "black-ink-28x28.png").gray.to_vector<uint8_t>();
  REQUIRE(seen.size() == 784);
  for (size_t y = 0; y < 28; ++y) {
    REQUIRE(std::getline(lines, line));
    REQUIRE(line.size() == 56);
    for (size_t x = 0; x < 28; ++x) {
      CHECK((line[2 * x] == ' ') == (seen[y * 28 + x] < 26));
      CHECK(line[2 * x] == line[2 * x + 1]);
    }
  }
  CHECK(contains(outcome.out, "written to black-ink-28x28.png"));
  const Outcome with_json = run(command + "black-ink.png --json");
  CHECK(json::parse(with_json.out).size() == 1);
  CHECK(contains(with_json.err, "@@"));
  std::filesystem::create_directories(here / "other");
  std::filesystem::copy_file(corpus + "black-ink.png", here / "other/black-ink.png");
  const Outcome clash = run(command + "black-ink.png other/black-ink.png");
  CHECK(clash.status == 1);
  CHECK(contains(clash.err, "would both write black-ink-28x28.png. Hint: "));
}

TEST_CASE("the same seed gives the same bytes, on one thread and on two") {
  const Folder folder;
  const std::string cnn =
      "train --dataset synthetic --samples 80 --epochs 2 --batch-size 16 --seed 5 --out ";
  REQUIRE(mnist(cnn + folder / "one" + " --threads 1").status == 0);
  REQUIRE(mnist(cnn + folder / "two" + " --threads 2").status == 0);
  REQUIRE(mnist(cnn + folder / "again" + " --threads 2").status == 0);
  const std::string one = read_text(folder / "one/model.safetensors");
  CHECK(one.size() > 100'000);
  CHECK(one == read_text(folder / "two/model.safetensors"));
  CHECK(one == read_text(folder / "again/model.safetensors"));
}

TEST_CASE("optimizer, schedule, clipping and averaging can be chosen, and the run says which") {
  const Folder folder;
  write_text(folder / "net.json", small_net);
  const std::string train = "train --dataset synthetic --model " + folder / "net.json" +
                            " --epochs 2 --samples 600 --batch-size 10 --lr 0.002 --seed 1 ";
  REQUIRE(mnist(train + "--out " + folder / "plain").status == 0);
  const Outcome outcome = mnist(train +
                                "--optimizer lion --schedule onecycle --clip-grad-norm 0.5 "
                                "--ema 0.9 --out " +
                                folder / "run");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const json config = json::parse(read_text(folder / "run/config.json"));
  CHECK(config.at("optimizer") == "lion");
  CHECK(config.at("schedule") == "onecycle");
  CHECK(config.at("clip_grad_norm") == 0.5);
  CHECK(config.at("ema") == 0.9);
  const json metrics = json::parse(last_line(read_text(folder / "run/metrics.jsonl")));
  CHECK(metrics.at("test_accuracy").get<double>() > 0.5);
  const Outcome kept = mnist("eval --json --run " + folder / "run");
  REQUIRE_MESSAGE(kept.status == 0, kept.err);
  CHECK(json::parse(kept.out).at("test_accuracy") == metrics.at("test_accuracy"));

  // Averages differ from the weights that the same training ends with.
  REQUIRE(mnist(train + "--ema 0.9 --out " + folder / "averaged").status == 0);
  CHECK(read_text(folder / "averaged/model.safetensors") !=
        read_text(folder / "plain/model.safetensors"));
  const auto train_loss = [&](const std::string& run) {
    return json::parse(last_line(read_text(folder / (run + "/metrics.jsonl")))).at("train_loss");
  };
  CHECK(train_loss("averaged") == train_loss("plain"));  // averaging does not disturb training
}

TEST_CASE("a recipe sets options that go together, and options of one's own have the last word") {
  const Folder folder;
  const auto config = [&](const std::string& arguments) {
    const Outcome outcome = mnist("train --dataset synthetic --samples 64 --overwrite --out " +
                                  folder / "run" + " " + arguments);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return json::parse(read_text(folder / "run/config.json"));
  };
  const json fast = config("--recipe fast");
  CHECK(fast.at("model") == "small");
  CHECK(fast.at("epochs") == 1);
  CHECK(fast.at("schedule") == "onecycle");
  const json other = config("--epochs 2 --recipe fast --lr 0.002");
  CHECK(other.at("model") == "small");
  CHECK(other.at("epochs") == 2);
  CHECK(other.at("lr") == 0.002);
}

TEST_CASE("every optimizer and every schedule trains") {
  const Folder folder;
  write_text(folder / "net.json", small_net);
  const std::string quick = "train --json --dataset synthetic --model " + folder / "net.json" +
                            " --epochs 4 --samples 400 --batch-size 10 ";
  const auto accuracy = [&](const std::string& more) {
    CAPTURE(more);
    const Outcome outcome = mnist(quick + more);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return json::parse(outcome.out).at("test_accuracy").get<double>();
  };
  for (const char* name : {"adam", "adamw", "nadam", "radam", "adamax", "lion", "sgd", "rmsprop",
                           "adagrad", "adadelta"}) {
    CAPTURE(name);
    CHECK(accuracy(str("--optimizer ", name)) > 0.4);
  }
  for (const char* name : {"linear", "cosine", "onecycle", "step", "constant"}) {
    CAPTURE(name);
    CHECK(accuracy(str("--schedule ", name)) > 0.4);
  }
}

TEST_CASE("augmented training depends on the seed alone, not on the number of workers") {
  const Folder folder;
  const std::string lenet =
      "train --dataset synthetic --model lenet --samples 100 --epochs 1 --batch-size 10 "
      "--augment shift=3,rotate,scale,elastic,erase --out ";
  REQUIRE(mnist(lenet + folder / "none" + " --workers 0").status == 0);
  REQUIRE(mnist(lenet + folder / "three" + " --workers 3").status == 0);
  REQUIRE(mnist("train --dataset synthetic --model lenet --samples 100 --epochs 1 "
                "--batch-size 10 --out " +
                folder / "plain")
              .status == 0);
  const std::string none = read_text(folder / "none/model.safetensors");
  CHECK(none == read_text(folder / "three/model.safetensors"));
  CHECK(none != read_text(folder / "plain/model.safetensors"));
}

TEST_CASE("nets fit colour images and other numbers of classes") {
  const Folder folder;
  std::filesystem::create_directories(folder / "cifar-100-binary");
  for (const char* name : {"train.bin", "test.bin"}) {
    std::ofstream(folder / "cifar-100-binary/" + name, std::ios::binary)
        << std::string(4 * 3074, '\1');
  }
  for (const char* model : {"cnn", "small", "deep", "lenet", "mlp", "lstm"}) {
    const std::string run = folder / model;
    const Outcome outcome = mnist("train --dataset cifar100 --data " + folder / "" + " --model " +
                                  model + " --epochs 1 --batch-size 2 --out " + run);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(contains(outcome.out, "no checksums are known"));
    const json layers = json::parse(read_text(run + "/model.json")).at("layers");
    CHECK(layers.back().at("options").at("out_features") == 100);
  }
  std::ofstream(folder / "picture.pgm") << "P2 1 1 255 0";
  check_refused("predict --run " + folder / "mlp" + " " + folder / "picture.pgm", "colour images");
}

TEST_CASE("a run is not overwritten unless asked") {
  const Folder& folder = trained_run();
  const std::string before = read_text(folder / "run/model.safetensors");
  check_refused("train --dataset synthetic --samples 64 --out " + folder / "run",
                "already holds a run");
  CHECK(read_text(folder / "run/model.safetensors") == before);
}

TEST_CASE("mistakes get a message and exit status 1") {
  const Folder folder;
  std::ofstream(folder / "bad.json") << "{\"layers\": [{\"name\": \"a\", \"type\": \"Conv9d\"}]}";
  std::ofstream(folder / "wrong.json")
      << R"({"layers": [{"name": "f", "type": "Flatten"}, {"name": "fc", "type": "Linear",
            "options": {"in_features": 5, "out_features": 10}}]})";
  std::ofstream(folder / "file") << "in the way";
  check_refused("", "subcommand");
  check_refused("train --no-such-option 3", "--no-such-option");
  check_refused("train --epochs 0", "--epochs");
  check_refused("train --lr -1", "--lr");
  check_refused("train --threads 0", "--threads");
  check_refused("train --optimizer newton", "--optimizer");
  check_refused("train --schedule never", "--schedule");
  check_refused("train --clip-grad-norm -1", "--clip-grad-norm");
  check_refused("train --ema 2", "--ema");
  check_refused("train --dataset imagenet", "imagenet");
  check_refused("train --dataset synthetic --samples 64 --model resnet", "unknown --model resnet");
  check_refused("train --dataset synthetic --samples 64 --norm layers", "unknown --norm layers");
  check_refused("train --dataset synthetic --samples 64 --augment twirl",
                "there are shift=2, rotate=10");
  check_refused("train --dataset synthetic --samples 64 --augment rotate=200", "from 0 to 180");
  check_refused("train --dataset synthetic --samples 64 --augment shift=,flip",
                "shift= is not possible");
  check_refused("train --dataset synthetic --samples 64 --augment flip,flip", "flip twice");
  check_refused("train --dataset synthetic --samples 64 --workers -1", "--workers");
  check_refused("train --data " + folder / "nowhere", "nowhere");
  check_refused("train --dataset synthetic --samples 64 --model " + folder / "missing.json",
                "missing.json");
  check_refused("train --dataset synthetic --samples 64 --model " + folder / "bad.json", "Conv9d");
  check_refused("train --dataset synthetic --samples 64 --model " + folder / "wrong.json", "(fc)");
  check_refused("train --dataset synthetic --samples 64 --out " + folder / "file/run",
                "cannot make");
  check_refused("eval --run " + folder / "nothing", "there is no folder");
  const std::string run_folder = trained_run() / "run";
  check_refused("predict --run " + run_folder + " " + folder / "bad.json",
                "neither PNG nor JPEG nor PGM");
  check_refused("predict --run " + run_folder + " " + folder / "none.png", "there is no file");
}

TEST_CASE("--help explains and succeeds") {
  const Outcome outcome = mnist("train --help");
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.out, "--batch-size"));
}
