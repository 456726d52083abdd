// Checkpoints: what is saved comes back, what was damaged is noticed, and something whole is there
// at every moment.
#include "../../core/io/checkpoint.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "../../core/base/random.h"
#include "../../core/io/atomic_file.h"
#include "../../core/io/checkpoint_folder.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../../core/system_info.h"
#include "../support/errors.h"
#include "../support/process.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;
namespace fs = std::filesystem;

namespace {

Checkpoint small_checkpoint(float value = 1) {
  Checkpoint checkpoint;
  checkpoint.add("model", {{"w", tensor({value, 2.F, 3.F}, {3})}, {"n", tensor({7L}, {})}});
  checkpoint.add("optimizer", {{"w.exp_avg", tensor({0.5F, 0.25F, value}, {3})}});
  checkpoint.metadata["epoch"] = "3";
  return checkpoint;
}

void flip_a_bit_in_the_data(const fs::path& path) {
  std::string bytes = read_text(path);
  bytes[bytes.size() - 6] ^= 4;
  write_text(path, bytes);
}

using Steps = std::vector<int64_t>;

}  // namespace

TEST_CASE("a checkpoint gives its parts and texts back, and says which version wrote it") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "c.safetensors", small_checkpoint());
  const Checkpoint loaded = load_checkpoint(folder / "c.safetensors");
  const NamedTensors model = loaded.part("model");
  REQUIRE(model.size() == 2);
  for (const auto& [name, value] : model) {
    if (name == "w") CHECK(value.to_vector<float>() == std::vector<float>{1, 2, 3});
    if (name == "n") CHECK(value.to_vector<int64_t>() == std::vector<int64_t>{7});
  }
  CHECK(loaded.part("optimizer").size() == 1);
  CHECK(loaded.part("optimizer")[0].name == "w.exp_avg");
  CHECK(loaded.part("mod").empty());
  CHECK(loaded.metadata == std::map<std::string, std::string>{{"epoch", "3"}});
  CHECK(loaded.version == system_info().version);
}

TEST_CASE("the same state makes the same bytes") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "a", small_checkpoint());
  save_checkpoint(folder / "b", small_checkpoint());
  CHECK(read_text(folder / "a") == read_text(folder / "b"));
}

TEST_CASE("a checkpoint is a safetensors file like any other") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "c.safetensors", small_checkpoint());
  CHECK(load_safetensors(folder / "c.safetensors").at("model/w").shape() == Shape{3});
}

TEST_CASE("any single flipped bit of a checkpoint is noticed") {
  const TemporaryFolder folder;
  const fs::path file = folder / "c.safetensors";
  save_checkpoint(file, small_checkpoint());
  const std::string whole = read_text(file);
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    write_text(file, bytes);
    CAPTURE(bit);
    CHECK_THROWS_AS(load_checkpoint(file), IoError);
  }
}

TEST_CASE("a checkpoint that was cut off anywhere, or continued, is noticed") {
  const TemporaryFolder folder;
  const fs::path file = folder / "c.safetensors";
  save_checkpoint(file, small_checkpoint());
  const std::string whole = read_text(file);
  for (size_t size = 0; size < whole.size(); ++size) {
    write_text(file, whole.substr(0, size));
    CAPTURE(size);
    CHECK_THROWS_AS(load_checkpoint(file), IoError);
  }
  write_text(file, whole + whole);
  CHECK_THROWS_AS(load_checkpoint(file), IoError);
}

TEST_CASE("the message says what is wrong with a file") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "flipped", small_checkpoint());
  flip_a_bit_in_the_data(folder / "flipped");
  const std::string damaged = message_of([&] { load_checkpoint(folder / "flipped"); });
  CHECK(damaged.find("flipped': its content does not match its checksum. Hint: it was damaged "
                     "after it was written; go back to an earlier one") != std::string::npos);
  save_safetensors(folder / "weights", small_checkpoint().tensors);
  const std::string other = message_of([&] { load_checkpoint(folder / "weights"); });
  CHECK(other.find("weights' is not a checkpoint: it has no checksum") != std::string::npos);
  const std::string missing = message_of([] { (void)Checkpoint().text("epoch"); });
  CHECK(missing ==
        "[checkpoint] it says nothing about 'epoch'. Hint: it was written by another "
        "program, or another version of it");
}

TEST_CASE("names that a reader would misunderstand are refused") {
  Checkpoint checkpoint;
  CHECK(message_of([&] { checkpoint.add("", {}); }) ==
        "[checkpoint] no part can be named ''. Hint: a '/' separates the part from the names in "
        "it");
  CHECK_THROWS_AS(checkpoint.add("a/b", {}), ValueError);
  checkpoint.metadata["version"] = "2";
  const TemporaryFolder folder;
  CHECK(message_of([&] { save_checkpoint(folder / "c", checkpoint); }) ==
        "[save_checkpoint] no metadata can be named 'version'. Hint: the file says this by itself");
  CHECK(folder.files().empty());
}

TEST_CASE("random streams go on where they were saved") {
  const RandomScope scope;
  manual_seed(0xFEDCBA9876543210);  // does not fit into a signed word
  (void)default_rng(Stream::dropout).uniform();
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.add("random", random_state_dict());
  save_checkpoint(folder / "c", checkpoint);
  const RandomState saved = random_state();

  manual_seed(1);
  load_random_state_dict(load_checkpoint(folder / "c").part("random"));
  CHECK(random_state().streams == saved.streams);
  CHECK(random_state().streams[2].position == 2);
}

TEST_CASE("what is no state of random streams is refused and changes nothing") {
  const RandomScope scope;
  manual_seed(5);
  const RandomState before = random_state();
  const NamedTensors float_words = {{"streams", zeros({4, 3})}};
  const NamedTensors short_words = {{"streams", zeros({3, 3}, int64)}};
  CHECK_THROWS_AS(load_random_state_dict({}), ValueError);
  CHECK_THROWS_AS(load_random_state_dict(float_words), ValueError);
  CHECK(message_of([&] { load_random_state_dict(short_words); }) ==
        "[load_random_state_dict] this is not the state of random streams. Hint: "
        "random_state_dict() gives 'streams', int64 [5,3]");
  CHECK(random_state().streams == before.streams);
}

TEST_CASE("a folder keeps the last few checkpoints and the best") {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), {.keep = 2});
  for (const int64_t step : {0, 10, 20}) checkpoints.save(step, small_checkpoint());
  CHECK(checkpoints.steps() == Steps{10, 20});
  checkpoints.set_best(20);
  for (const int64_t step : {30, 40, 100}) checkpoints.save(step, small_checkpoint());
  CHECK(checkpoints.steps() == Steps{20, 40, 100});
  checkpoints.set_best(100);
  checkpoints.save(110, small_checkpoint());
  CHECK(checkpoints.steps() == Steps{100, 110});
  CHECK(folder.files() ==
        std::vector<std::string>{"checkpoint-100.safetensors", "checkpoint-110.safetensors"});
}

TEST_CASE("other files of the folder are left alone") {
  const TemporaryFolder folder;
  const std::vector<std::string> names = {"checkpoint-.safetensors", "checkpoint-1.safetensors.bak",
                                          "checkpoint-007.safetensors", "model.safetensors"};
  for (const std::string& name : names) write_text(folder / name, "mine");
  CheckpointFolder checkpoints(folder.path(), {.keep = 1});
  checkpoints.save(8, small_checkpoint());
  checkpoints.save(9, small_checkpoint());
  CHECK(checkpoints.steps() == Steps{9});
  checkpoints.clear(9);
  CHECK(checkpoints.steps() == Steps{9});
  CHECK_FALSE(checkpoints.empty());
  write_text(folder / "checkpoint-7.safetensors.damaged", "half");
  checkpoints.clear();
  CHECK(checkpoints.empty());
  for (const std::string& name : names) CHECK(read_text(folder / name) == "mine");
}

TEST_CASE("a damaged newest checkpoint is set aside, named, and the one before it is used") {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  checkpoints.save(10, small_checkpoint(10));
  checkpoints.save(20, small_checkpoint(20));
  checkpoints.save(30, small_checkpoint(30));
  flip_a_bit_in_the_data(checkpoints.file_of(30));
  fs::resize_file(checkpoints.file_of(20), 100);

  std::vector<std::string> told;
  const auto loaded = checkpoints.load_newest([&](const std::string& s) { told.push_back(s); });
  REQUIRE(loaded.has_value());
  CHECK(loaded->step == 10);
  CHECK(loaded->checkpoint.part("model")[1].tensor.select(0, 0).item() == 10);
  REQUIRE(told.size() == 2);
  CHECK(told[0].find("checkpoint-30.safetensors': its content does not match its checksum; "
                     "set aside as checkpoint-30.safetensors.damaged") != std::string::npos);
  CHECK(told[1].find("checkpoint-20.safetensors") != std::string::npos);
  CHECK(checkpoints.steps() == Steps{10});
  CHECK(fs::exists(folder / "checkpoint-30.safetensors.damaged"));
}

TEST_CASE("a checkpoint that cannot be read is no damaged one: it stays, and is no other's turn") {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  checkpoints.save(10, small_checkpoint());
  const fs::path newest = checkpoints.file_of(20);
  fs::create_symlink(newest.filename(), newest);  // a link to itself: opening it fails
  const auto before = folder.files();
  CHECK_THROWS_AS(checkpoints.load_newest(), ReadError);
  CHECK(message_of([&] { checkpoints.load_newest(); }) ==
        "[load_safetensors] '" + newest.string() +
            "': the file cannot be opened: Too many levels of symbolic links. Hint: check its "
            "permissions and the disk");
  CHECK(folder.files() == before);
}

TEST_CASE("where no checkpoint is whole, there is none") {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  CHECK_FALSE(checkpoints.load_newest().has_value());
  write_text(checkpoints.file_of(5), "");
  CHECK_FALSE(checkpoints.load_newest().has_value());
}

TEST_CASE("one process at a time works in a folder") {
  const TemporaryFolder folder;
  {
    const CheckpointFolder first(folder.path());
    CHECK(message_of([&] { const CheckpointFolder second(folder.path()); }) ==
          "[checkpoints] another process is at work in '" + folder.path().string() +
              "'. Hint: wait for its end, or choose another folder");
  }
  const CheckpointFolder third(folder.path());
}

TEST_CASE("nothing is saved into a folder that has taken the place of the one that was opened") {
  const TemporaryFolder place;
  const fs::path path = place / "run", away = place / "away";
  fs::create_directory(path);
  CheckpointFolder checkpoints(path);
  checkpoints.save(1, Checkpoint());
  fs::rename(path, away);
  CHECK(message_of([&] { checkpoints.save(2, Checkpoint()); }) ==
        "[checkpoints] the folder '" + path.string() +
            "' is not there any more. Hint: it was moved or removed; what was saved is where it "
            "went");
  fs::create_directory(path);
  CHECK(message_of([&] {
          checkpoints.save(2, Checkpoint());
        }).starts_with("[checkpoints] the folder '" + path.string() + "' is another one now."));
  CHECK(fs::is_empty(path));
  fs::remove(path);
  fs::rename(away, path);
  checkpoints.save(2, Checkpoint());
  CHECK(checkpoints.steps() == std::vector<int64_t>{1, 2});
}

TEST_CASE("saving removes what a killed process left of a checkpoint, and no other file") {
  const TemporaryFolder folder;
  const std::string killed = std::to_string(ended_process());
  const std::string half = ".gradus-" + killed + "-0-checkpoint-3.safetensors.tmp";
  const std::vector<std::string> of_others = {
      ".gradus-" + killed + "-0-weights.safetensors.tmp",
      ".gradus-" + std::to_string(getppid()) + "-0-checkpoint-3.safetensors.tmp",  // is running
      ".gradus-4711-0.tmp",
      ".gradus-checkpoint-3.safetensors.tmp",
      ".gradus-.tmp",
      "notes.tmp"};
  write_text(folder / half, "half a checkp");
  for (const std::string& name : of_others) write_text(folder / name, "not its own");
  CheckpointFolder checkpoints(folder.path());
  CHECK(folder.files().size() == of_others.size() + 1);  // opening changes nothing
  checkpoints.save(4, small_checkpoint());
  CHECK_FALSE(fs::exists(folder / half));
  for (const std::string& name : of_others) CHECK(read_text(folder / name) == "not its own");
}

TEST_CASE("a temporary file says which process writes it, and which file it becomes") {
  const TemporaryFolder folder;
  AtomicFile file("test", folder / "checkpoint-3.safetensors");
  CHECK(folder.files() ==
        std::vector<std::string>{str(".gradus-", getpid(), "-0-checkpoint-3.safetensors.tmp")});
  const std::string long_name(255, 'a');
  AtomicFile other("test", folder / long_name);
  other.commit();
  CHECK(fs::exists(folder / long_name));
}

TEST_CASE("a full disk costs none of the checkpoints that are there") {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), {.keep = 1});
  checkpoints.save(10, small_checkpoint());
  const std::string before = read_text(checkpoints.file_of(10));

  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t old = std::exchange(limit.rlim_cur, 256);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string message = message_of([&] { checkpoints.save(20, small_checkpoint()); });
  limit.rlim_cur = old;
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);

  CHECK(message.find("cannot write '") != std::string::npos);
  CHECK(message.find("checkpoint-20.safetensors': File too large") != std::string::npos);
  CHECK(folder.files() == std::vector<std::string>{"checkpoint-10.safetensors"});
  CHECK(read_text(checkpoints.file_of(10)) == before);
}

TEST_CASE("a folder that is not there, and settings that make no sense, are refused") {
  const TemporaryFolder folder;
  CHECK(message_of([&] { const CheckpointFolder none(folder / "none"); }) ==
        "[checkpoints] cannot open the folder '" + (folder / "none").string() +
            "': No such file or directory. Hint: check that it exists and is a folder that may be "
            "read");
  CHECK(message_of([&] { const CheckpointFolder zero(folder.path(), {.keep = 0}); }) ==
        "[checkpoints] keep must be at least 1, got 0. Hint: without a checkpoint there is nothing "
        "to go on from");
}
