// Trainings that are killed, stopped, starved of disk space or damaged go on as if nothing had
// been.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "../../core/io/checkpoint_folder.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "small_run.h"

using namespace gradus;
using namespace gradus::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct KillCount {
  int kills = 0;
  int before_first_checkpoint = 0;
  int while_writing = 0;  ///< a temporary file was left
  int runs = 0;           ///< that reached their end
};

/// Starts or resumes, kills after a random time, and checks what is left on the disk. A run that
/// reaches its end is compared, and another one begins.
KillCount kill_many_times(int kills, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> delay(0, 0.5 * reference().seconds);
  KillCount count;
  while (count.kills < kills) {
    const Place place;
    for (bool ended = false; !ended && count.kills < kills;) {
      const bool had_checkpoint = place.has_checkpoint();
      Process process(place.next_command(), place.log());
      std::this_thread::sleep_for(std::chrono::duration<double>(delay(random)));
      process.send(SIGKILL);
      const int status = process.wait();
      ended = status == 0;
      REQUIRE_MESSAGE((ended || status == -SIGKILL), read_text(place.log()));
      if (ended) continue;
      ++count.kills;
      if (!place.has_checkpoint()) {
        CHECK_FALSE(had_checkpoint);
        ++count.before_first_checkpoint;
        continue;
      }
      if (!place.files(".gradus").empty()) ++count.while_writing;
      for (const fs::path& file : place.files("checkpoint-")) CHECK_NOTHROW(load_checkpoint(file));
    }
    finish_and_compare(place);
    ++count.runs;
  }
  return count;
}

int from_environment(const char* name, int otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::stoi(value);
}

}  // namespace

TEST_CASE("a run killed by SIGKILL at random moments ends with the same bits") {
  const int kills = from_environment("GRADUS_KILLS", 15);
  const auto seed = static_cast<unsigned>(from_environment("GRADUS_KILL_SEED", 1));
  const KillCount count = kill_many_times(kills, seed);
  MESSAGE(count.kills, " kills, ", count.while_writing, " while writing, ",
          count.before_first_checkpoint, " before the first checkpoint; ", count.runs,
          " runs, each with the bits of one that was not killed");
  // So many cannot all miss the writing, which takes a good part of the time.
  if (kills >= 100) CHECK(count.while_writing > 0);
}

TEST_CASE("SIGINT, SIGTERM and SIGHUP finish the step, save, and say how to go on") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    const Place place;
    Process process(place.start_command("1h"), place.log());  // saves at the ends of epochs only
    REQUIRE(process.wait_until([&] { return contains(read_text(place.log()), "epoch 1/3 "); }));
    process.send(signal);
    CHECK(process.wait() == 128 + signal);
    const std::string log = read_text(place.log());
    CHECK(contains(log, "stopped  by SIG"));
    const std::string step = number_after(log, " after step ");
    CHECK(std::stoi(step) % steps_per_epoch != 0);  // it is the signal that saved
    CHECK(contains(log, "go on    mnist train --resume " + place.run().string()));
    CHECK_FALSE(fs::exists(place.run() / "model.safetensors"));
    const Outcome outcome = finish_and_compare(place);
    CHECK(number_after(outcome.out, "resumed  after step ") == step);
  }
}

TEST_CASE("a finished run that is resumed stays what it is") {
  const Place place;
  REQUIRE(run(joined(place.start_command())).status == 0);
  fs::remove(place.run() / "model.safetensors");  // as if killed before it was written
  std::ofstream(place.run() / "metrics.jsonl", std::ios::app) << "{\"epoch\": 3, \"hal";
  finish_and_compare(place);
}

TEST_CASE("a damaged newest checkpoint is named, and the one before it used") {
  for (const bool truncated : {true, false}) {
    CAPTURE(truncated);
    const Place place;
    train_to(place, 30);
    const fs::path newest = newest_checkpoint(place);
    std::string bytes = read_text(newest);
    if (truncated) {
      bytes.resize(bytes.size() / 2);
    } else {
      bytes[bytes.size() / 2] ^= 1;
    }
    std::ofstream(newest, std::ios::binary) << bytes;
    const Outcome outcome = finish_and_compare(place);
    CHECK(contains(outcome.out, "damaged  '" + newest.string() + "'"));
    CHECK(contains(outcome.out, "set aside as " + newest.filename().string() + ".damaged"));
  }
}

TEST_CASE("where every checkpoint is damaged, nothing is made up") {
  const Place place;
  train_to(place, 5);
  for (const fs::path& file : place.files("checkpoint-")) fs::resize_file(file, 1000);
  const Outcome outcome = run(joined(place.resume_command()));
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.err, "there is no checkpoint to go on from in '" + place.run().string()));
}

TEST_CASE("a limit on file sizes stops the run with a message, and it goes on without") {
  const Place place;
  // The first checkpoint fits; later ones hold the state of the optimizer too.
  const Outcome limited = run("ulimit -f 140; " + joined(place.start_command()));
  CHECK(limited.status == 1);
  CHECK(contains(limited.err, "cannot write '"));
  CHECK(contains(limited.err, "File too large. Hint: check that the folder exists, is writable"));
  CHECK(contains(limited.out, "go on    mnist train --resume "));
  CHECK(place.has_checkpoint());
  finish_and_compare(place);
}

TEST_CASE("a disk that runs full stops the run with a message, and it goes on elsewhere") {
  if (run("unshare --mount mount -t tmpfs -o size=256k tmpfs /mnt").status != 0) {
    MESSAGE("skipped: mounting a small disk takes root");
    return;
  }
  const Place place;
  const std::string disk = place.path() / "disk";
  fs::create_directories(disk);
  std::vector<std::string> command = place.start_command();
  command.back() = disk + "/run";
  // The mount is seen by these commands alone and goes away with them.
  const Outcome full = run("unshare --mount sh -c \"mount -t tmpfs -o size=256k tmpfs '" + disk +
                           "' && { " + joined(command) + "; status=\\$?; cp -r '" + disk +
                           "/run' '" + place.path().string() + "'; exit \\$status; }\"");
  CHECK(full.status == 1);
  CHECK(contains(full.err, "No space left on device"));
  CHECK(contains(full.out, "go on    mnist train --resume "));
  CHECK(place.has_checkpoint());
  CHECK(place.files(".gradus").empty());
  finish_and_compare(place);
}

TEST_CASE("a folder that cannot be written any more is refused and stays as it was") {
  const Place place;
  train_to(place, 10);
  const auto before = contents(place.run());
  std::string command = joined(place.resume_command());
  if (geteuid() != 0) {
    fs::permissions(place.run(), fs::perms::owner_read | fs::perms::owner_exec);
  } else {  // permissions do not stop root
    const std::string folder = "'" + place.run().string() + "'";
    const std::string mount =
        "mount --bind " + folder + " " + folder + " && mount -o remount,bind,ro " + folder;
    if (run("unshare --mount sh -c \"" + mount + "\"").status != 0) {
      MESSAGE("skipped: no folder can be made read-only here");
      return;
    }
    command = "unshare --mount sh -c \"" + mount + " && " + command + "\"";
  }
  const Outcome outcome = run(command);
  fs::permissions(place.run(), fs::perms::owner_all);
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.err, "cannot "));
  CHECK((contains(outcome.err, "Read-only file system") ||
         contains(outcome.err, "Permission denied")));
  CHECK(contents(place.run()) == before);
  finish_and_compare(place);
}

TEST_CASE("a folder that disappears stops the run with a message; where it went, it goes on") {
  const Place place;
  const fs::path away = place.path() / "away";
  Process process(place.start_command(), place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(10); }));
  fs::rename(place.run(), away);
  CHECK(process.wait() == 1);
  const std::string log = read_text(place.log());
  const size_t message = log.find("mnist: [");  // of whatever came to the folder first
  REQUIRE(message != std::string::npos);
  CHECK_MESSAGE(log.find(place.run().string(), message) != std::string::npos, log);
  CHECK_MESSAGE((log.find("No such file or directory", message) != std::string::npos ||
                 log.find("is not there any more", message) != std::string::npos),
                log);
  CHECK_FALSE(fs::exists(place.run()));  // is not made again behind the user's back
  fs::rename(away, place.run());
  finish_and_compare(place);
}

TEST_CASE("a run stops where another folder has taken the place of its own") {
  const Place place;
  const fs::path away = place.path() / "away", own = place.run() / "checkpoint-9999.safetensors";
  Process process(place.start_command("1h"), place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(steps_per_epoch); }));
  process.send(SIGSTOP);  // long before it saves next, at the end of the second epoch
  fs::rename(place.run(), away);
  fs::create_directory(place.run());
  std::ofstream(own) << "of another run";
  process.send(SIGCONT);
  CHECK(process.wait() == 1);
  CHECK(contains(read_text(place.log()), place.run().string() + "' is another one now. Hint: "));
  CHECK(place.files("").size() == 1);
  CHECK(read_text(own) == "of another run");
  fs::remove_all(place.run());
  fs::rename(away, place.run());
  finish_and_compare(place);
}

TEST_CASE("a run under way is safe from a second process") {
  const Place place;
  Process process(place.start_command(), place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(2); }));
  process.send(SIGSTOP);  // so that it has not ended before the others begin
  std::vector<std::string> overwrite = place.start_command();
  overwrite.emplace_back("--overwrite");
  for (const auto& command : {place.resume_command(), overwrite}) {
    const Outcome second = run(joined(command));
    CHECK(second.status == 1);
    CHECK(contains(second.err, "another process is at work in '" + place.run().string() + "'"));
  }
  process.send(SIGCONT);
  CHECK(process.wait() == 0);
  finish_and_compare(place);
}

TEST_CASE("the last checkpoints and the best are kept") {
  const fs::path folder = reference().place.run();
  const std::vector<json> lines = metrics(folder);
  const auto best = std::max_element(lines.begin(), lines.end(), [](const json& a, const json& b) {
    return a.at("validation_accuracy") < b.at("validation_accuracy");
  });
  std::vector<int64_t> expected = {74, 75, best->at("epoch").get<int64_t>() * steps_per_epoch};
  std::sort(expected.begin(), expected.end());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  CHECK(CheckpointFolder(folder).steps() == expected);
}

TEST_CASE("a run goes on as it was started: other values of its options are refused") {
  const Place place;
  train_to(place, 3);
  const std::string resume = joined(place.resume_command());
  const auto refused = [&](const std::string& more, const std::string& words) {
    const Outcome outcome = run(resume + more);
    CHECK(outcome.status == 1);
    CHECK_MESSAGE(contains(outcome.err, words), outcome.err);
  };
  refused("--lr 1",
          "[resume] --lr cannot change now: it was 0.003 and is 1. Hint: a run goes on as");
  refused("--recipe fast", "cannot change now: it was ");
  refused("--seed 12", "--seed cannot change now: it was 11 and is 12");
  refused("--out elsewhere", "--out cannot change now: it is elsewhere");
  refused("--overwrite", "--overwrite would delete the run that is to go on");
  refused("--checkpoint-every often", "--checkpoint-every often is not possible");
  const Outcome again = run(joined(place.start_command()));
  CHECK(again.status == 1);
  CHECK(contains(again.err, "already holds a run"));
  CHECK(contains(again.err, "--resume"));
  // How often to save makes no difference to the result.
  REQUIRE(run(resume + "--checkpoint-every 7 --keep 1").status == 0);
  finish_and_compare(place);
}

TEST_CASE("a run that was begun on one thread ends on two with the same bits") {
  const Place place;
  train_to(place, 30);
  const std::string run_folder = place.run();
  const Outcome outcome = run(joined({program, "train", "--threads=2", "--resume", run_folder}));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.out, "2 threads, "));
  finish_and_compare(place);  // nothing is left to train
}

TEST_CASE("resuming with other data is refused") {
  const Place place;
  train_to(place, 3);
  const fs::path file = newest_checkpoint(place);
  Checkpoint checkpoint = load_checkpoint(file);
  json config = json::parse(checkpoint.text("config"));
  config["train_data"] = "60000 images";
  checkpoint.metadata["config"] = config.dump();
  save_checkpoint(file, checkpoint);
  const Outcome outcome = run(joined(place.resume_command()));
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.err, "[resume] this would not be the same training: train_data was "));
}

TEST_CASE("numbers that blow up stop the run with the operation, the layer and a status of 3") {
  const Place place;
  std::vector<std::string> command = place.start_command();
  command.emplace_back("--lr=1e30");
  const Outcome outcome = run(joined(command));
  CHECK(outcome.status == 3);
  CHECK(contains(outcome.err, "NaN or infinity"));
  CHECK_MESSAGE((contains(outcome.err, "] (conv)") || contains(outcome.err, "] (fc)") ||
                 contains(outcome.err, "] (norm)")),
                outcome.err);
  CHECK(contains(outcome.err, " at step "));
  const fs::path kept = newest_checkpoint(place);
  CHECK(contains(outcome.err, "Hint: " + kept.filename().string() +
                                  " is kept; a smaller --lr or "
                                  "--clip-grad-norm takes a new run, with another --out"));
  CHECK(contains(outcome.out, "kept     " + kept.string()));
  CHECK_FALSE(contains(outcome.out, "go on "));
  // What is kept is good: whole, and all of it finite.
  for (const fs::path& file : place.files("checkpoint-")) {
    for (const NamedTensor& saved : load_checkpoint(file).tensors) {
      CAPTURE(saved.name);
      CHECK((!is_floating(saved.tensor.dtype()) || all_finite(saved.tensor)));
    }
  }
  const Outcome again = run(joined(place.resume_command()));
  CHECK(again.status == 3);
  CHECK(again.err == outcome.err);
}

TEST_CASE("--on-nan skip leaves bad steps out, but not more than ten in a row") {
  const Place place;
  std::vector<std::string> command = place.start_command();
  command.insert(command.end(), {"--lr=1e30", "--on-nan=skip"});
  const Outcome outcome = run(joined(command));
  CHECK(outcome.status == 3);
  CHECK(occurrences(outcome.out, "skipped  ") == 10);
  CHECK_FALSE(contains(outcome.err, "--on-nan"));
}

TEST_CASE("a run that a recipe began goes on with it") {
  const Place whole, stopped;
  const auto command = [](const Place& place) {
    return std::vector<std::string>{program,      "train",           "--recipe=fast",
                                    "--epochs=2", "--samples=100",   "--dataset",
                                    "synthetic",  "--batch-size=10", "--checkpoint-every=1",
                                    "--out",      place.run()};
  };
  REQUIRE(run(joined(command(whole))).status == 0);
  kill_and_resume(stopped, command(stopped), 4);
  CHECK(read_text(stopped.run() / "model.safetensors") ==
        read_text(whole.run() / "model.safetensors"));
  CHECK(metrics(stopped.run()) == metrics(whole.run()));
}
