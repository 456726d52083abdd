// expect: The random state is missing
//
// The loader has a seed of its own, so nothing seems to be random any more.
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
  checkpoint.add("optimizer", run.adam.state_dict());
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
}
