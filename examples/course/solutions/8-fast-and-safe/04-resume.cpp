// 8.4  Stop, and resume with the same bits.
//
// A run has a net with dropout, Adam, and a loader that shuffles. save() writes everything from
// which load() continues a new Run, so that its weights are those of a run that was never stopped,
// to the last bit. Checkpoint has parts (tensors by name) and metadata (texts by name).
//
// state_dict() and load_state_dict(state) belong to the net and to Adam, random_state_dict() and
// load_random_state_dict(state) to the random numbers of dropout. The order in which an epoch has
// its samples follows from the number of the epoch.
#include "course.h"

using namespace gradus;

struct Run {
  nn::Sequential net{nn::Linear(4, 16), nn::ReLU(), nn::Dropout(0.5), nn::Linear(16, 3)};
  optim::Adam adam{net.named_parameters(), {.lr = 0.01}};
  data::DataLoader loader;
  int64_t epoch = 0, batch = 0;  // that come next

  explicit Run(const data::DatasetPtr& data) : loader(data, {.batch_size = 8, .seed = 5}) {}

  /// Goes on from (epoch, batch) for this many batches.
  void train(int64_t batches) {
    while (batches > 0) {
      loader.set_epoch(epoch, batch);
      for (const auto& [x, y] : loader) {
        Tape tape;
        tape.backward(nn::cross_entropy(net(x), y));
        adam.step();
        adam.zero_grad();
        ++batch;
        if (--batches == 0) break;
      }
      if (batch == loader.size()) ++epoch, batch = 0;
    }
  }
};

void save(const std::filesystem::path& path, const Run& run) {
  Checkpoint checkpoint;
  checkpoint.add("model", run.net.state_dict());
  // Adam's averages: without them its first steps are those of a new run, and too large.
  checkpoint.add("optimizer", run.adam.state_dict());
  // Dropout draws from a stream of the thread; its position is part of the run.
  checkpoint.add("random", random_state_dict());
  // The order of the samples is a function of the epoch's number, so two numbers are all of it.
  checkpoint.metadata["epoch"] = std::to_string(run.epoch);
  checkpoint.metadata["batch"] = std::to_string(run.batch);
  save_checkpoint(path, checkpoint);
}

void load(const std::filesystem::path& path, Run& run) {
  const Checkpoint checkpoint = load_checkpoint(path);
  run.net.load_state_dict(checkpoint.part("model"));
  run.adam.load_state_dict(checkpoint.part("optimizer"));
  run.epoch = std::stoll(checkpoint.text("epoch"));
  run.batch = std::stoll(checkpoint.text("batch"));
  load_random_state_dict(checkpoint.part("random"));  // last: nothing draws after it
}
