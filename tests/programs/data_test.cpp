// Where bin/mnist looks for its data, and what it says where there is none.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "../../core/ops.h"
#include "../../datasets/idx.h"
#include "../../datasets/synthetic.h"
#include "../support/paths.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const std::string program = test::build_folder() + "/bin/mnist";

/// A folder with data of the user's own in D, where nothing else is to be found.
struct Place : TemporaryFolder {
  Place() {
    fs::create_directory(path() / "D");
    write_split("train", 60);
    write_split("t10k", 30);
  }

  void write_split(const std::string& split, int64_t count) const {
    const data::Batch digits = data::synthetic_digits(std::max<int64_t>(count, 1), {.seed = 5});
    data::write_idx(images(split), digits.x.narrow(0, 0, count));
    data::write_idx(labels(split), digits.y.narrow(0, 0, count).to(uint8));
  }
  fs::path images(const std::string& split) const {
    return path() / "D" / (split + "-images-idx3-ubyte");
  }
  fs::path labels(const std::string& split) const {
    return path() / "D" / (split + "-labels-idx1-ubyte");
  }
  void remove_training_files() const {
    fs::remove(images("train"));
    fs::remove(labels("train"));
  }

  /// Without a cache folder, nothing is downloaded.
  Outcome mnist(const std::string& arguments, const std::string& environment = "") const {
    return test::run("cd '" + path().string() + "' && env -i " + environment + " " + program + " " +
                     arguments);
  }
  Outcome train(const std::string& more, const std::string& environment = "") const {
    return mnist("train --model mlp --epochs 1 --threads 1 " + more, environment);
  }
  json config() const { return json::parse(read_text(path() / "run/config.json")); }
};

}  // namespace

TEST_CASE("a run remembers where its data was, and evaluation needs no training files") {
  for (const bool by_variable : {false, true}) {
    CAPTURE(by_variable);
    const Place place;
    const std::string variable = by_variable ? "GRADUS_DATA_DIR=D" : "";
    const Outcome trained = place.train(by_variable ? "--out run" : "--data D --out run", variable);
    REQUIRE_MESSAGE(trained.status == 0, trained.err);
    CHECK(place.config().at("data") == (place.path() / "D").string());
    place.remove_training_files();
    const Outcome eval = place.mnist("eval --json --run run");
    REQUIRE_MESSAGE(eval.status == 0, eval.err);
    CHECK(json::parse(eval.out).at("images") == 30);
    CHECK(contains(eval.err, "from " + (place.path() / "D").string() + ", where the run had it"));
  }
}

TEST_CASE("a run goes on with the data where it was, also where a variable said so") {
  const Place place;
  REQUIRE(place.train("--out run", "GRADUS_DATA_DIR=D").status == 0);
  const Outcome resumed = place.mnist("train --resume run");
  CHECK_MESSAGE(resumed.status == 0, resumed.err);
}

TEST_CASE("--data takes the place of what the run remembers, and errors name it") {
  const Place place;
  REQUIRE(place.train("--data D --out run").status == 0);
  fs::rename(place.path() / "D", place.path() / "E");
  for (const std::string command : {"eval --run run", "train --resume run"}) {
    const Outcome outcome = place.mnist(command);
    CHECK(outcome.status == 1);
    CHECK_MESSAGE(contains(outcome.err, (place.path() / "D").string()), outcome.err);
    CHECK_MESSAGE(contains(outcome.err, "; --data FOLDER says where the files are\n"), outcome.err);
    CHECK(place.mnist(command + " --data E").status == 0);
  }
  CHECK(place.config().at("data") == (place.path() / "E").string());
  CHECK(place.mnist("eval --run run").status == 0);  // resuming has recorded the new place
  const Outcome missing = place.train("--dataset mnist");
  CHECK(missing.status == 1);
  CHECK_MESSAGE(contains(missing.err, "--data FOLDER says where the files are"), missing.err);
}

TEST_CASE("data without images is an error that says so") {
  for (const std::string split : {"train", "t10k"}) {
    CAPTURE(split);
    const Place place;
    REQUIRE(place.train("--data D --out run").status == 0);
    place.write_split(split, 0);
    const std::string words = std::string("D has no ") + (split == "train" ? "training" : "test") +
                              " images. Hint: --data FOLDER";
    const Outcome trained = place.train("--data D");
    CHECK(trained.status == 1);
    CHECK_MESSAGE(contains(trained.err, words), trained.err);
    const Outcome tested = place.mnist("eval --run run");
    CHECK(tested.status == (split == "train" ? 0 : 1));
    if (split == "t10k") CHECK_MESSAGE(contains(tested.err, words), tested.err);
  }
}

TEST_CASE("a folder for data that comes from no files is refused") {
  const Place place;
  for (const std::string command :
       {"train --dataset synthetic --data D", "eval --run run --dataset synthetic --data D"}) {
    REQUIRE(place.train("--data D --out run --overwrite").status == 0);
    const Outcome outcome = place.mnist(command);
    CHECK(outcome.status == 1);
    CHECK_MESSAGE(contains(outcome.err, "--data does nothing here"), outcome.err);
  }
}
