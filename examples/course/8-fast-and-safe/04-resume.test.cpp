#include COURSE_FILE

#include <unistd.h>
#include <cstdio>

namespace {

/// A file that is gone at the end.
struct File {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / str("gradus-course-", getpid(), ".safetensors");
  File() = default;
  File(const File&) = delete;
  ~File() { std::filesystem::remove(path); }
};

/// What a run is made of, kept in memory.
struct Kept {
  NamedTensors net, adam, random;
  int64_t epoch, batch;
};

constexpr int64_t before = 13, after = 9;  // 6 batches in an epoch

Tensor weights(const Run& run) {
  std::vector<Tensor> all;
  for (const auto& parameter : run.net.named_parameters())
    all.push_back(parameter.tensor.detach().flatten());
  return cat(all, 0).clone();
}

/// Continues from a part of what there is.
Tensor continued(const data::DatasetPtr& data, const Kept& kept, bool adam, bool random,
                 bool position) {
  manual_seed(99);
  Run run(data);
  run.net.load_state_dict(kept.net);
  if (adam) run.adam.load_state_dict(kept.adam);
  if (position) run.epoch = kept.epoch, run.batch = kept.batch;
  if (random) load_random_state_dict(kept.random);
  run.train(after);
  return weights(run);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return sum(to(a != b, int64)).item() == 0;
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(1);
    const auto data = data::share(data::TensorDataset(randn({48, 4}), randint(0, 3, {48})));
    const File file;
    Run whole(data);
    whole.train(before);
    const Kept kept{whole.net.state_dict(), whole.adam.state_dict(), random_state_dict(),
                    whole.epoch, whole.batch};
    const Tensor at_save = weights(whole);
    save(file.path, whole);
    course::check(std::filesystem::exists(file.path), "save() has written no file.",
                  "save_checkpoint(path, checkpoint).");
    course::check(same_bits(weights(whole), at_save), "save() has changed the weights of the run.");
    whole.train(after);
    const Tensor expected = weights(whole);

    manual_seed(99);
    Run resumed(data);
    load(file.path, resumed);
    course::check(
        same_bits(weights(resumed), at_save),
        "After load() the weights are not those that were saved.",
        "The part of the net: net.state_dict(), and net.load_state_dict(checkpoint.part(...)).");
    resumed.train(after);
    const Tensor found = weights(resumed);
    if (same_bits(found, expected)) {
      course::check(resumed.epoch == whole.epoch && resumed.batch == whole.batch,
                    str("The weights are right, but the run thinks it is at epoch ", resumed.epoch,
                        ", batch ", resumed.batch, "."));
      return;
    }
    const std::string start = str("After 9 more batches the weights differ by up to ",
                                  amax(abs(found - expected)).item(), ". ");
    for (const bool adam : {true, false}) {
      for (const bool random : {true, false}) {
        for (const bool position : {true, false}) {
          if (!same_bits(found, continued(data, kept, adam, random, position))) continue;
          std::string missing;
          if (!adam)
            missing +=
                " The state of the optimizer is missing: Adam starts again with empty averages.";
          if (!random) missing += " The random state is missing: dropout draws other numbers.";
          if (!position)
            missing +=
                str(" The position is missing: the run begins again at epoch 0, batch 0, where it "
                    "should go on at epoch ",
                    kept.epoch, ", batch ", kept.batch, ".");
          course::fail(start + "It is a run that forgot something." + missing);
        }
      }
    }
    if (resumed.epoch != whole.epoch || resumed.batch != whole.batch)
      course::fail(
          start + str("The run ends at epoch ", resumed.epoch, ", batch ", resumed.batch,
                      "; expected ", whole.epoch, ", ", whole.batch, "."),
          "Only a part of the position was restored: both the epoch and the batch belong to it.");
    course::fail(
        start,
        "Something of the state is saved or restored too early or too late: the random state comes "
        "last, since what load() does may draw numbers.");
  });
}
