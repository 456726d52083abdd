// bin/mnist as several processes: the same bits on any number of them, whatever happens to one.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <sstream>

#include "../programs/small_run.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// Before main: mpirun starts as root and on few processors.
const bool prepared = [] {
  for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                           "OMPI_MCA_rmaps_base_oversubscribe"}) {
    setenv(name, "1", 1);
  }
  return true;
}();

std::vector<std::string> on_ranks(int n, std::vector<std::string> command) {
  if (n == 0) return command;
  const std::vector<std::string> launcher = {"/usr/bin/env", "mpirun", "-n", std::to_string(n)};
  command.insert(command.begin(), launcher.begin(), launcher.end());
  return command;
}

/// A run of the net with batch norm, dropout, averages and augmentation; 198 images in batches of
/// 10, the last of 8.
struct ShardedPlace : Place {
  std::vector<std::string> start(int ranks, std::vector<std::string> more = {}) const {
    std::vector<std::string> command = start_command();
    std::erase_if(command, [](const std::string& w) { return w.starts_with("--batch-size"); });
    command.emplace_back("--batch-size=10");
    if (ranks == 0) command.emplace_back("--shards=8");
    command.insert(command.end(), more.begin(), more.end());
    return on_ranks(ranks, command);
  }
  std::vector<std::string> resume(int ranks) const { return on_ranks(ranks, resume_command()); }
  std::string weights() const { return read_text(run() / "model.safetensors"); }
};

/// The weights that one process gives.
const std::string& expected_weights() {
  static const std::string weights = [] {
    const ShardedPlace place;
    const Outcome outcome = run(joined(place.start(0)));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return place.weights();
  }();
  return weights;
}

/// The numbers of the processes of mnist that mpirun started.
std::vector<pid_t> children_of(const std::string& run_folder) {
  std::istringstream found(run("pgrep -f -- '^" + program + " train .*" + run_folder + "'").out);
  std::vector<pid_t> ids;
  for (pid_t id = 0; found >> id;) ids.push_back(id);
  return ids;
}

int count(const std::string& text, const std::string& what) {
  int n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("ranks: 1 to 4 processes of 1 or 2 threads give the same bits") {
  for (const int ranks : {1, 2, 3, 4}) {
    for (const std::string threads : {"1", "2"}) {
      CAPTURE(ranks);
      CAPTURE(threads);
      const ShardedPlace place;
      std::vector<std::string> command = place.start(ranks);
      std::replace(command.begin(), command.end(), std::string("--threads=1"),
                   "--threads=" + threads);
      const Outcome outcome = run(joined(command));
      REQUIRE_MESSAGE(outcome.status == 0, outcome.err, outcome.out);
      CHECK(place.weights() == expected_weights());
      CHECK(count(outcome.out, "test accuracy") == 1);
      CHECK(count(outcome.out, "8 shards of each batch") == 1);
    }
  }
}

TEST_CASE("ranks: every norm, batches with empty shards") {
  for (const std::string norm :
       {"none", "batch", "batch --sync-batchnorm", "layer", "instance", "group"}) {
    CAPTURE(norm);
    std::string expected;
    for (const int ranks : {0, 1, 3, 4}) {
      CAPTURE(ranks);
      const TemporaryFolder folder;
      const bool shared = norm.find("sync") != std::string::npos;
      const std::string size = shared || norm != "batch" ? "5" : "19";  // a shard needs two values
      const std::string command = program +
                                  " train --dataset synthetic --samples 40 --epochs 1 "
                                  "--validation 0 --threads 1 --shards 8 --batch-size " +
                                  size + " --norm " + norm + " --out " + (folder / "run").string();
      const Outcome outcome =
          run((ranks > 0 ? "mpirun -n " + std::to_string(ranks) + " " : "") + command);
      REQUIRE_MESSAGE(outcome.status == 0, outcome.err, outcome.out);
      const std::string weights = read_text(folder / "run" / "model.safetensors");
      if (ranks == 0) expected = weights;
      CHECK(weights == expected);
    }
  }
}

TEST_CASE("ranks: a signal to one process stops all, and the run goes on with another number") {
  const ShardedPlace place;
  Process process(place.start(3), place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(5); }));
  const auto ids = children_of(place.run());
  REQUIRE(ids.size() == 3);
  kill(ids[1], SIGINT);
  CHECK(process.wait() == 128 + SIGINT);
  CHECK(count(read_text(place.log()), "stopped  by SIGINT") == 1);
  const Outcome outcome = run(joined(place.resume(2)));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err, outcome.out);
  CHECK(place.weights() == expected_weights());
}

TEST_CASE("ranks: when one process is killed all end within ten seconds, and the run goes on") {
  const ShardedPlace place;
  Process process(place.start(4), place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(5); }));
  const auto ids = children_of(place.run());
  REQUIRE(ids.size() == 4);
  const auto begin = std::chrono::steady_clock::now();
  kill(ids[2], SIGKILL);
  CHECK(process.wait() != 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  CHECK(children_of(place.run()).empty());
  const Outcome outcome = run(joined(place.resume(0)));  // without mpirun
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err, outcome.out);
  CHECK(place.weights() == expected_weights());
}

TEST_CASE("ranks: killed at random moments, and resumed with other numbers of processes") {
  const char* const times = std::getenv("GRADUS_RANK_KILLS");
  const int kills = times != nullptr ? std::atoi(times) : 3;
  std::mt19937 random(5);
  std::uniform_int_distribution<int> ranks(1, 4), milliseconds(300, 2500);
  int killed = 0, ended = 0;
  while (killed < kills) {
    const ShardedPlace place;
    while (killed < kills) {
      const int n = ranks(random);
      Process process(place.has_checkpoint() ? place.resume(n) : place.start(n, {"--overwrite"}),
                      place.log());
      // The moment is what is random here: while starting, computing, exchanging or saving.
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
      const auto ids = children_of(place.run());
      if (ids.empty() || process.has_ended()) break;
      kill(ids[static_cast<size_t>(killed) % ids.size()], SIGKILL);
      process.wait();
      ++killed;
    }
    if (!place.has_checkpoint()) continue;
    const Outcome outcome = run(joined(place.resume(ranks(random))));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err, outcome.out);
    CHECK(place.weights() == expected_weights());
    ++ended;
  }
  MESSAGE(killed, " kills, ", ended, " runs compared");
}

TEST_CASE("ranks: an error is said once, and is the exit status of all") {
  const auto check = [](const std::string& arguments, int status, const std::string& text) {
    const Outcome outcome =
        run("mpirun -n 4 " + program + " train --dataset synthetic " + arguments);
    CHECK(outcome.status == status);
    CHECK_MESSAGE(count(outcome.err, text) == 1, outcome.err);
  };
  check("--samples 100 --shards 3", 1,
        "mnist: [data_parallel] 3 shards are too few for 4 processes. Hint: each process computes "
        "at least one: start fewer, or ask for more shards");
  check("--samples 100 --epochs", 1, "--epochs: 1 required");
  check("--samples 100 --epochs 1 --lr 1e30", 3, "mnist: [");
}

TEST_CASE("ranks: a program for one process refuses to be one of several") {
  const Outcome outcome = run("mpirun -n 2 " + build_folder() + "/bin/norm_lab list");
  CHECK(outcome.status == 1);
  CHECK_MESSAGE(count(outcome.err,
                      "[norm_lab] started as one of 2 processes. Hint: it runs as one, and --jobs "
                      "uses the processors") == 2,
                outcome.err);
}

TEST_CASE("ranks: what goes wrong on one process alone is said by the first, and ends all") {
  const TemporaryFolder folder;
  const std::string train = program + " train --dataset synthetic --samples 400 --epochs 1 --out " +
                            (folder / "run").string();
  const Outcome outcome = run("mpirun -n 2 " + train + " : -n 1 " + train +
                              " --init missing.safetensors : -n 1 " + train);
  CHECK(outcome.status == 1);
  CHECK_MESSAGE(count(outcome.err, "mnist: [load_safetensors] ") == 1, outcome.err);
}

TEST_CASE("ranks: a full disk ends all with one message") {
  if (run("unshare --mount mount -t tmpfs -o size=256k tmpfs /mnt").status != 0) {
    MESSAGE("skipped: mounting a small disk takes root");
    return;
  }
  const ShardedPlace place;
  const std::string disk = place.path() / "disk";
  fs::create_directories(disk);
  std::string command = joined(place.start(3));
  command.replace(command.find(place.run()), place.run().string().size(), disk + "/run");
  const Outcome outcome = run("unshare --mount sh -c \"mount -t tmpfs -o size=256k tmpfs '" + disk +
                              "' && " + command + "\"");
  CHECK(outcome.status == 1);
  CHECK_MESSAGE(count(outcome.err, "No space left on device") == 1, outcome.err);
}
