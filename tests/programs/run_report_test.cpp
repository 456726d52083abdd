// Reports of runs: what a net answered, the page of a run, several runs side by side.
#include <doctest/doctest.h>
#include <gradus/core/base/text.h>
#include <gradus/core/create/create.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/core/ops.h>
#include <gradus/datasets/dataset.h>
#include <gradus/nn/flatten.h>
#include <gradus/nn/model_json.h>
#include <gradus/nn/sequential.h>

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../examples/mnist/answers.h"
#include "../../examples/mnist/net_graph.h"
#include "../../examples/mnist/report_page.h"
#include "../../examples/report/html.h"
#include "../../train/console.h"
#include "../support/errors.h"
#include "../support/event_file.h"
#include "small_run.h"

using namespace gradus;
using namespace gradus::examples;
using gradus::test::contains;
using gradus::test::message_of;
using gradus::test::Place;
using nlohmann::json;
using training::Standing;
namespace fs = std::filesystem;

namespace {

/// Images of 1x3 pixels, which are their own logits after Flatten: label and logits of each.
struct Image {
  int64_t label;
  std::vector<float> logits;
};

data::TensorDataset images(const std::vector<Image>& all) {
  std::vector<float> x;
  std::vector<int64_t> y;
  for (const Image& image : all) {
    x.insert(x.end(), image.logits.begin(), image.logits.end());
    y.push_back(image.label);
  }
  const auto count = static_cast<int64_t>(all.size());
  return {tensor(x).reshape({count, 1, 1, 3}), tensor(y)};
}

/// a is right twice, b once right and once taken for a, c always taken for b.
Answers some_answers() {
  nn::Sequential net{nn::Flatten()};
  Answers answers{.epoch = 7};
  evaluate(net,
           images({{0, {9, 0, 0}},
                   {0, {9, 0, 0}},
                   {1, {0, 9, 0}},
                   {1, {1, 0, 0}},
                   {2, {0, 5, 1}},
                   {2, {0, 3, 2}}}),
           {{.mean = 0, .std = 1}}, {"a", "b", "c"}, answers);
  return answers;
}

/// A page as one text.
std::string page_of(RunFiles run) {
  return report::html(report_page(std::move(run), 1000));
}

test::Outcome mnist(const std::string& arguments) {
  return test::run(test::program + " " + arguments);
}

/// A run that has ended, of twelve short epochs.
struct LongRun : Place {
  LongRun() {
    const test::Outcome outcome = mnist(
        "train --dataset synthetic --samples 216 --epochs 12 --batch-size 8 --threads 1 --model '" +
        (path() / "net.json").string() + "' --out '" + run().string() + "'");
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(contains(outcome.out, "report   " + (run() / "report.html").string()));
  }
};

const Place& long_run() {
  static const LongRun run;
  return run;
}

}  // namespace

TEST_CASE("answers: counts, recall, precision, and the most frequent confusion") {
  const Answers answers = some_answers();
  CHECK(answers.counts == std::vector<int64_t>{2, 0, 0, 1, 1, 0, 0, 2, 0});
  CHECK(answers.recall(1) == 0.5);
  CHECK(answers.precision(0) == doctest::Approx(2.0 / 3));
  CHECK(answers.recall(2) == 0);
  CHECK(std::isnan(answers.precision(2)));  // no answer was c
  const Answers::Confusion worst = answers.worst_confusion();
  CHECK(worst.label == 2);
  CHECK(worst.answer == 1);
  CHECK(worst.count == 2);
}

TEST_CASE("answers: the mistakes, worst first, with the likeliest three answers and the image") {
  const Answers answers = some_answers();
  REQUIRE(answers.mistakes.size() == 3);
  const Mistake& worst = answers.mistakes[0];
  CHECK(worst.index == 4);
  CHECK(worst.label == 2);
  CHECK(worst.guesses == std::vector<int64_t>{1, 2, 0});
  const double sum = std::exp(0) + std::exp(5) + std::exp(1);
  CHECK(worst.probabilities[0] == doctest::Approx(std::exp(5) / sum));
  CHECK(worst.loss == doctest::Approx(-std::log(std::exp(1) / sum)));
  CHECK(worst.pixels == std::vector<uint8_t>{0, 255, 255});  // as bright as they can be
  CHECK(answers.mistakes[1].loss > answers.mistakes[2].loss);

  std::vector<Image> many;
  for (int i = 0; i < 300; ++i) many.push_back({0, {0, static_cast<float>(i), 0}});
  nn::Sequential net{nn::Flatten()};
  Answers all;
  const Evaluation result =
      evaluate(net, images(many), {{.mean = 0, .std = 1}}, {"a", "b", "c"}, all);
  CHECK(result.accuracy == doctest::Approx(1.0 / 300));
  REQUIRE(all.mistakes.size() == Answers::most_mistakes);
  for (size_t i = 0; i < all.mistakes.size(); ++i) {
    CHECK(all.mistakes[i].index == 299 - static_cast<int64_t>(i));
  }
}

TEST_CASE("answers: a net for more classes than the data has numbers for the others") {
  nn::Sequential net{nn::Flatten()};
  Answers answers;
  evaluate(net, images({{0, {0, 0, 5}}}), {{.mean = 0, .std = 1}}, {"a"}, answers);
  CHECK(answers.classes == std::vector<std::string>{"a", "1", "2"});
  CHECK(answers.count(0, 2) == 1);
}

TEST_CASE("answers: as a file, and what is not such a file") {
  const Answers answers = some_answers();
  CHECK(to_json(answers_of(to_json(answers))) == to_json(answers));
  for (const char* const change :
       {R"({"counts": [1]})", R"({"mistakes": [{}]})", R"({"classes": "a"})",
        R"({"mistakes": [{"index": 0, "label": 3, "guesses": [0], "probabilities": [1], "loss": 1,
                          "width": 1, "height": 1, "pixels": [0]}]})",
        R"({"mistakes": [{"index": 0, "label": 0, "guesses": [0], "probabilities": [1], "loss": 1,
                          "width": 2, "height": 1, "pixels": [0]}]})"}) {
    CAPTURE(change);
    json damaged = to_json(answers);
    damaged.update(json::parse(change));
    CHECK(contains(message_of([&] { answers_of(damaged); }), "answers.json is damaged"));
  }
  CHECK(contains(message_of([] { answers_of(json()); }), "answers.json is damaged"));
}

TEST_CASE("answers: a table for a terminal of 80 columns") {
  CHECK(table_of(some_answers()) ==
        "classes, in %, and how many of each (rows) were taken for what:\n"
        "class  recall   prec.     a    b    c\n"
        "a      100.00   66.67     2    .    .\n"
        "b       50.00   33.33     1    1    .\n"
        "c        0.00       -     .    2    .\n");
  Answers fashion{.classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal",
                              "Shirt", "Sneaker", "Bag", "Ankle boot"}};
  fashion.counts.assign(100, 1000);
  Answers many;
  for (int c = 0; c < 47; ++c) many.classes.push_back(str("class ", c));
  many.counts.assign(47 * 47, 1);
  many.counts[5 * 47 + 5] = 0;
  for (const Answers* const answers : {&fashion, &many}) {
    std::istringstream lines(table_of(*answers));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      CHECK(columns_of(line) < 80);
    }
    CHECK(count == 12);
  }
  CHECK_FALSE(contains(table_of(fashion, 60), "1000"));
  CHECK(contains(table_of(many), "worst, in %:\nclass     recall   prec.\nclass 5     0.00"));
}

TEST_CASE("a run has a page by itself, with all that was recorded") {
  const fs::path run = long_run().run();
  const std::string page = test::read_text(run / "report.html");
  CHECK(page.size() < 2'000'000);
  for (const char* const part :
       {"id=\"curves\"", "id=\"confusion\"", "id=\"mistakes\"", "id=\"dead-units\"", "id=\"sizes\"",
        "id=\"ratios\"", "id=\"weights\"", "id=\"activations\"", "id=\"running\"",
        "id=\"layers-table\"", "id=\"graph\"", "id=\"filters\"", "id=\"options\"",
        "id=\"processes\""}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  CHECK_FALSE(contains(page, "id=\"live\""));
  CHECK_FALSE(contains(page, "class=\"banner\""));

  const RunFiles files = read_run(run);
  CHECK(files.news.standing == Standing::finished);
  CHECK(files.epochs.size() == 12);
  CHECK(files.layers.size() == 13);
  REQUIRE(files.answers);
  CHECK(files.answers->epoch == 12);
  double right = 0, all = 0;
  for (size_t c = 0; c < 10; ++c) {
    right += static_cast<double>(files.answers->count(c, c));
    all += static_cast<double>(files.answers->images_of(c));
  }
  CHECK(right / all == doctest::Approx(*files.of_epoch(11, "test_accuracy")));
  std::vector<RunFiles> runs;
  runs.push_back(read_run(run));
  runs.push_back(read_run(test::reference().place.run()));
  report::write_html(comparison_page(runs), test::build_folder() + "/report_comparison.html");
  fs::copy_file(run / "report.html", test::build_folder() + "/report_run.html",
                fs::copy_options::overwrite_existing);
}

TEST_CASE("mnist report writes the page again, or elsewhere, and reads no data for it") {
  const Place& place = long_run();
  const std::string run = place.run().string(), page = run + "/report.html";
  const std::string before = test::read_text(page);
  fs::remove(page);
  CHECK(mnist("report '" + run + "'").out == "report   " + page + "\n");
  CHECK(test::read_text(page) == before);
  const std::string other = (place.path() / "other.html").string();
  CHECK(mnist("report '" + run + "' --out '" + other + "'").status == 0);
  CHECK(test::read_text(other) == before);
  const test::Outcome none = mnist("report '" + place.path().string() + "'");
  CHECK(none.status == 1);
  CHECK(contains(none.err, "holds no run: there is no config.json in it. Hint: give the folder"));
  CHECK(contains(mnist("report nowhere").err, "[run folder] there is no folder 'nowhere'. Hint: "));
  const test::Outcome unwritable = mnist("report '" + run + "' --out /nowhere/page.html");
  CHECK(unwritable.status == 1);
}

TEST_CASE("a page of a run whose files are few, cut off or damaged") {
  const Place place;
  fs::create_directory(place.run());
  test::write_text(place.run() / "config.json", R"({"model": "cnn", "epochs": 3})");
  CHECK(contains(page_of(read_run(place.run())), "No epoch has ended yet."));
  test::write_text(place.run() / "metrics.jsonl", "{\"epoch\": 1, \"test_loss\": 0.5}\n{\"epo");
  test::write_text(place.run() / "steps.jsonl",
                   "{\"first\":1,\"last\":1,\"steps\":1,\"loss\":[1,1,1]}\n{\"fir");
  test::write_text(place.run() / "layers.jsonl", "{\"epoch\": 0, \"layers\": []}\n{\"epoch\"");
  RunFiles run = read_run(place.run());
  CHECK(run.epochs.size() == 1);
  CHECK(run.steps.ranges().size() == 1);
  CHECK(run.news.standing == Standing::stopped);
  CHECK(run.problems.empty());
  CHECK(contains(page_of(std::move(run)), "after 1 of 3 epochs"));
  for (const char* const file : {"metrics.jsonl", "layers.jsonl", "steps.jsonl", "answers.json"}) {
    CAPTURE(file);
    const std::string before = test::read_text(place.run() / file);
    test::write_text(place.run() / file, "[1]\n");
    CHECK(contains(page_of(read_run(place.run())), str(file, " is damaged and left out.")));
    fs::remove(place.run() / file);
    fs::create_directory(place.run() / file);
    CHECK(contains(page_of(read_run(place.run())), str(file, " is damaged and left out.")));
    fs::remove(place.run() / file);
    REQUIRE(mkfifo((place.run() / file).c_str(), 0600) == 0);  // nobody will ever write to it
    CHECK(contains(page_of(read_run(place.run())), str(file, " is damaged and left out.")));
    fs::remove(place.run() / file);
    test::write_text(place.run() / file, before);
  }
}

TEST_CASE("pages of layers whose numbers are missing") {
  const Place place;
  fs::create_directory(place.run());
  test::write_text(place.run() / "config.json", "{}");
  const std::string line =
      R"({"epoch": 0, "layers": [{"name": "fc", "parameters": {"weight": {"norm": null}}},)"
      R"({"name": "relu", "type": "ReLU", "output": {"units": 0, "dead": 0}}]})"
      "\n";
  test::write_text(place.run() / "layers.jsonl",
                   line + R"({"epoch": 1, "layers": [{"name": "other", "output": null}]})"
                          "\n");
  CHECK(contains(page_of(read_run(place.run())), "Inside the net"));
  test::write_text(place.run() / "layers.jsonl", line + R"({"epoch": "x", "layers": []})"
                                                        "\n");
  const std::string page = page_of(read_run(place.run()));
  CHECK(contains(page, "layers.jsonl is damaged and left out."));
  CHECK_FALSE(contains(page, "Inside the net"));
}

TEST_CASE("the page says which layer has dead units, and what feeds it") {
  const Place place;
  // A bias far below zero: the ReLU after it never lights up for eight units of sixteen.
  const char* const net = R"({"layers": [
    {"name": "flatten", "type": "Flatten"},
    {"name": "first", "type": "Linear", "options": {"in_features": 784, "out_features": 16}},
    {"name": "relu1", "type": "ReLU"},
    {"name": "second", "type": "Linear", "options": {"in_features": 16, "out_features": 16}},
    {"name": "relu2", "type": "ReLU"},
    {"name": "third", "type": "Linear", "options": {"in_features": 16, "out_features": 10}}]})";
  test::write_text(place.path() / "net.json", net);
  const std::string common = " --dataset synthetic --samples 100 --epochs 1 --threads 1 --model '" +
                             (place.path() / "net.json").string() + "' --out '";
  REQUIRE(mnist("train" + common + (place.path() / "first").string() + "'").status == 0);
  auto weights = load_safetensors(place.path() / "first/model.safetensors").tensors;
  for (NamedTensor& one : weights) {
    if (one.name == "second.bias") one.tensor.narrow(0, 0, 8).fill_(-1000.0);
  }
  save_safetensors(place.path() / "dying.safetensors", weights);
  REQUIRE(mnist("train" + common + place.run().string() + "' --init '" +
                (place.path() / "dying.safetensors").string() + "'")
              .status == 0);
  CHECK(contains(dead_units_text(read_run(place.run())),
                 "8 of 16 in `relu2`, which `second` feeds (8 before training)"));
  CHECK(contains(
      test::read_text(place.run() / "report.html"),
      "8 of 16 in <code>relu2</code>, which <code>second</code> feeds (8 before training)"));
}

TEST_CASE("the graph of a net: its layers, the input, and what a module computes itself") {
  const auto net = nn::from_json(R"({"layers": [
    {"name": "conv", "type": "Conv2d", "options": {"in_channels": 1, "out_channels": 2,
                                                   "kernel_size": 3, "padding": 1}},
    {"name": "block", "type": "Residual", "body": [
      {"name": "norm", "type": "BatchNorm2d", "options": {"num_features": 2}},
      {"name": "relu", "type": "ReLU"}], "shortcut": []},
    {"name": "flatten", "type": "Flatten"}]})");
  const std::string dot = net_graph(*net, {1, 5, 5});
  CHECK(net->is_training());
  const auto node = [&](const std::string& label) {
    const size_t end = dot.find(" [label=\"" + label);
    REQUIRE_MESSAGE(end != std::string::npos, label, " in ", dot);
    const size_t begin = dot.rfind(' ', end - 1) + 1;
    return dot.substr(begin, end - begin);
  };
  const auto has_edge = [&](const std::string& from, const std::string& to) {
    return contains(dot, "  " + from + " -> " + to + ";\n");
  };
  const std::string conv = node("conv  Conv2d\\n2 × 5 × 5"), norm = node("block.body.norm"),
                    relu = node("block.body.relu"), add = node("add"),
                    flatten = node("flatten  Flatten\\n50");
  CHECK(has_edge(node("input\\n1 × 5 × 5"), conv));
  CHECK(has_edge(conv, norm));
  CHECK(has_edge(norm, relu));
  CHECK(has_edge(relu, add));
  CHECK(has_edge(conv, add));
  CHECK(has_edge(add, flatten));
  CHECK_FALSE(has_edge(conv, flatten));
}

TEST_CASE("runs side by side: best and last values, and only the options that differ") {
  const Place place;
  const auto write = [&](const char* name, const json& config, const std::string& metrics) {
    fs::create_directories(place.path() / name);
    test::write_text(place.path() / name / "config.json", config.dump());
    test::write_text(place.path() / name / "metrics.jsonl", metrics);
    return read_run(place.path() / name);
  };
  std::vector<RunFiles> runs;
  runs.push_back(write("slow", {{"lr", 0.1}, {"seed", 1}, {"epochs", 2}},
                       "{\"epoch\":1,\"test_accuracy\":0.9,\"test_loss\":0.3}\n"
                       "{\"epoch\":2,\"test_accuracy\":0.8,\"test_loss\":0.2}\n"));
  runs.push_back(write("fast", {{"lr", 0.2}, {"seed", 1}, {"epochs", 2}},
                       "{\"epoch\":1,\"test_accuracy\":0.95,\"test_loss\":0.1}\n"));
  const report::Page page = comparison_page(runs);
  const auto figure = [&](const std::string& id) -> const report::Figure& {
    return *std::ranges::find(page.first.figures, id, &report::Figure::id);
  };
  const auto& results = std::get<report::Table>(figure("results").panels.front());
  CHECK(results.rows[0][1].text == "10, last 20");
  CHECK(results.rows[0][2].text == "0.2");
  CHECK(results.rows[1][1].text == "5");
  CHECK(contains(figure("results").see, "**fast** has the lowest test error, 5 %"));
  const auto& differences = std::get<report::Table>(figure("differences").panels.front());
  REQUIRE(differences.rows.size() == 1);
  CHECK(differences.rows[0][0].text == "lr");
  CHECK(differences.rows[0][2].text == "0.2");
  const test::Outcome outcome = test::run("cd '" + place.path().string() + "' && " + test::program +
                                          " report slow fast slow/ ./fast");
  CHECK(outcome.out == "report   comparison.html\n");
  CHECK(contains(test::read_text(place.path() / "comparison.html"), "<h1>2 runs</h1>"));
  CHECK(setting_text("sha256: " + std::string(64, 'a') + ", 12") == "sha256: aaaaaaaa…, 12");
}

TEST_CASE("long names of classes, and errors of 0 %, have room on the page") {
  const Place place;
  fs::create_directory(place.run());
  test::write_text(place.run() / "config.json", R"({"model": "cnn", "epochs": 1})");
  test::write_text(place.run() / "metrics.jsonl",
                   "{\"epoch\":1,\"test_accuracy\":1.0,\"test_loss\":2.3}\n");
  Answers fashion{.classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal",
                              "Shirt", "Sneaker", "Bag", "Ankle boot"}};
  fashion.counts.assign(100, 3);
  test::write_text(place.run() / "answers.json", to_json(fashion).dump());
  const std::string page = page_of(read_run(place.run()));
  CHECK(contains(page, "9 Ankle boot"));
  test::write_text(test::build_folder() + "/report_names.html", page);
}

TEST_CASE("while a run lasts its page is live; stopped or failed, it says so") {
  const Place place;
  test::Process process(place.start_command(), place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(2); }));
  CHECK(read_run(place.run()).news.standing == Standing::running);
  const std::string live = test::read_text(place.run() / "report.html");
  CHECK(contains(live, "id=\"live\""));
  test::write_text(test::build_folder() + "/report_live.html", live);
  process.send(SIGTERM);
  REQUIRE(process.wait() == 128 + SIGTERM);
  const std::string stopped = test::read_text(place.run() / "report.html");
  CHECK_FALSE(contains(stopped, "id=\"live\""));
  CHECK(contains(stopped, "The run was stopped by SIGTERM after step "));
  CHECK(contains(stopped, "mnist train --resume"));

  const test::Outcome failed = mnist(
      "train --dataset synthetic --samples 216 --lr 1e30 --optimizer sgd --threads 1 --out '" +
      (place.path() / "failed").string() + "'");
  CHECK(failed.status == 3);
  CHECK(contains(test::read_text(place.path() / "failed/report.html"),
                 "The run ended with an error after step "));
  // Why is known later, too.
  REQUIRE(mnist("report '" + (place.path() / "failed").string() + "'").status == 0);
  CHECK(contains(test::read_text(place.path() / "failed/report.html"),
                 "The run ended with an error after step "));
}

TEST_CASE("a command to copy is quoted for the shell") {
  CHECK(shell_word("runs/first-1.a") == "runs/first-1.a");
  CHECK(shell_word("my run") == "'my run'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("") == "''");
  const Place place;
  test::Process process({test::program, "train", "--dataset=synthetic", "--samples=216",
                         "--epochs=50", "--threads=1", "--batch-size=8", "--checkpoint-every=1",
                         "--model", place.path() / "net.json", "--out", place.path() / "my run"},
                        place.log());
  REQUIRE(process.wait_until(
      [&] { return fs::exists(place.path() / "my run/checkpoint-2.safetensors"); }));
  process.send(SIGINT);
  REQUIRE(process.wait() == 128 + SIGINT);
  CHECK(contains(test::read_text(place.log()),
                 "mnist train --resume '" + (place.path() / "my run").string() + "'"));
}

TEST_CASE("of two processes that begin in the same new folder, one trains") {
  for (int i = 0; i < 3; ++i) {
    const Place place;
    const std::string command = test::program +
                                " train --dataset synthetic --samples 216 --epochs 1 --threads 1 "
                                "--model '" +
                                (place.path() / "net.json").string() + "' --out '" +
                                place.run().string() + "'";
    const test::Outcome both =
        test::run(command + " & " + command + "; first=$?; wait $!; echo $first $?");
    const bool is_one = contains(both.out, "0 1\n") || contains(both.out, "1 0\n");
    CHECK_MESSAGE(is_one, both.out, both.err);
    CHECK(fs::exists(place.run() / "model.safetensors"));
  }
}

TEST_CASE("a run that was killed and goes on writes events of each step once") {
  const Place place;
  std::vector<std::string> command = place.start_command("3");
  command.push_back("--tensorboard=" + (place.path() / "events").string());
  test::kill_and_resume(place, command, 6);
  std::vector<int64_t> all(test::epochs * test::steps_per_epoch);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i) + 1;
  CHECK(test::steps_of(place.path() / "events", "step/loss") == all);
  CHECK(test::steps_of(place.path() / "events", "test/mistakes").size() == test::epochs);
}

TEST_CASE("mnist eval tells how each class is recognized, and what is taken for what") {
  const std::string run = long_run().run().string();
  const test::Outcome outcome = mnist("eval --run '" + run + "'");
  CHECK(contains(outcome.out, "class  recall   prec.     0    1    2"));
  const json result = json::parse(mnist("eval --json --run '" + run + "'").out);
  CHECK(result.at("classes").size() == 10);
  int64_t right = 0;
  for (size_t c = 0; c < 10; ++c) right += result.at("confusion")[c][c].get<int64_t>();
  const auto images = result.at("images").get<double>();
  CHECK(static_cast<double>(right) / images ==
        doctest::Approx(result.at("test_accuracy").get<double>()));
}
