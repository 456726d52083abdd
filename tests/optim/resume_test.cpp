// A training that is saved in the middle of an epoch and resumed continues bit by bit.
#include <doctest/doctest.h>

#include <cstring>

#include "../../core/base/random.h"
#include "../../core/io/checkpoint.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../datasets/loader.h"
#include "../../nn/dropout.h"
#include "../../nn/linear.h"
#include "../../nn/loss.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"
#include "../../nn/weight_decay.h"
#include "../../optim/ema.h"
#include "../../optim/schedule.h"
#include "../support/temporary_folder.h"
#include "all_optimizers.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int64_t samples = 22, batch_size = 4, batches = 6, epochs = 2;

data::TensorDataset points() {
  Rng generator(8);
  return {randn({samples, 5}, generator), zeros({samples}, int64)};
}

/// A net with running statistics and dropout, and all that trains it.
struct Training {
  explicit Training(const OptimizerCase& kind, uint64_t seed)
      : seeded(seed),
        net(nn::Linear(5, 8), nn::BatchNorm1d(8), nn::Dropout({.p = 0.3}), nn::Linear(8, 3)),
        optimizer(
            kind.make(optim::decay_groups(net.named_parameters(), 0.01, nn::decays(net)), false)),
        schedule(*optimizer, optim::OneCycleLR{.max_lr = {0.1, 0.05},
                                               .total_steps = epochs * batches + 1,
                                               .cycle_momentum = kind.has_momentum}),
        ema(net.named_parameters(), {.decay = 0.9, .buffers = net.named_buffers()}),
        loader(points(), {.batch_size = batch_size, .seed = 4}) {}

  /// Steps until `stop` are done, from wherever this is.
  void run_to(int64_t stop) {
    while (step < stop) {
      loader.set_epoch(step / batches, step % batches);
      for (const auto& [x, y] : loader) {
        Tape tape;
        tape.backward(nn::cross_entropy(net(x), y));
        optimizer->step();
        optimizer->zero_grad();
        schedule.step();
        ema.update();
        if (++step == stop) return;
      }
    }
  }

  Checkpoint checkpoint() const {
    Checkpoint c;
    c.add("model", net.state_dict());
    c.add("optimizer", optimizer->state_dict());
    c.add("schedule", schedule.state_dict());
    c.add("ema", ema.state_dict());
    c.add("random", random_state_dict());
    c.metadata["step"] = std::to_string(step);
    return c;
  }
  void load(const Checkpoint& c) {
    net.load_state_dict(c.part("model"));
    schedule.load_state_dict(c.part("schedule"));
    optimizer->load_state_dict(c.part("optimizer"));
    ema.load_state_dict(c.part("ema"));
    load_random_state_dict(c.part("random"));
    step = std::stoll(c.text("step"));
  }

  struct Seeded {
    explicit Seeded(uint64_t seed) { manual_seed(seed); }
  } seeded;  // before the net draws its weights
  nn::Sequential net;
  std::unique_ptr<optim::Optimizer> optimizer;
  optim::Schedule schedule;
  optim::EMA ema;
  data::DataLoader loader;
  int64_t step = 0;
};

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw_data(), b.raw_data(), static_cast<size_t>(a.nbytes())) == 0;
}

}  // namespace

TEST_CASE("every optimizer, saved after any step and resumed, ends with the same bits") {
  const RandomScope scope;
  const TemporaryFolder folder;
  for (const OptimizerCase& kind : all_optimizers()) {
    CAPTURE(kind.name);
    Training whole(kind, 1);
    whole.run_to(epochs * batches);
    const Checkpoint expected = whole.checkpoint();

    for (const int64_t stop : {int64_t{0}, int64_t{1}, batches - 1, batches, batches + 3}) {
      CAPTURE(stop);
      Training before(kind, 1);
      before.run_to(stop);
      save_checkpoint(folder / "c", before.checkpoint());
      Training after(kind, 99);  // other weights, which must not matter
      after.load(load_checkpoint(folder / "c"));
      after.run_to(epochs * batches);

      const Checkpoint found = after.checkpoint();
      REQUIRE(found.tensors.size() == expected.tensors.size());
      for (size_t i = 0; i < found.tensors.size(); ++i) {
        CAPTURE(found.tensors[i].name);
        CHECK(found.tensors[i].name == expected.tensors[i].name);
        CHECK(same_bytes(found.tensors[i].tensor, expected.tensors[i].tensor));
      }
    }
  }
}
