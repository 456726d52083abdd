// What the tests of interchange with NumPy, PyTorch and TensorBoard run on this side.
#include <filesystem>
#include <iostream>
#include <string_view>

#include "../../core/io/npy.h"
#include "../../core/io/pytorch_file.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../datasets/synthetic.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/loss.h"
#include "../../nn/norm.h"
#include "../../nn/pool.h"
#include "../../nn/sequential.h"
#include "../../optim/adam.h"
#include "../../train/event_writer.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

/// The net that pytorch_test.py builds as well.
nn::Sequential make_net() {
  return nn::Sequential(
      nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 3, .padding = 1}),
      nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2),
      nn::Conv2d(
          {.in_channels = 4, .out_channels = 8, .kernel_size = 3, .stride = 2, .bias = false}),
      nn::BatchNorm2d(8), nn::ReLU(), nn::Flatten(), nn::Linear(8 * 6 * 6, 10));
}

/// Trains on digits; leaves the weights, and a batch with its logits.
void train(const fs::path& folder) {
  manual_seed(0);
  nn::Sequential net = make_net();
  optim::Adam adam(net.named_parameters(), {.lr = 1e-2});
  const data::Batch digits = data::synthetic_digits(256);
  const Tensor x = digits.x.to(float32).unsqueeze(1) / 255.0;
  for (int64_t begin = 0; begin < 256; begin += 32) {
    Tape tape;
    tape.backward(nn::cross_entropy(net(x.narrow(0, begin, 32)), digits.y.narrow(0, begin, 32)));
    adam.step();
    adam.zero_grad();
  }
  net.eval();
  save_safetensors(folder / "weights.safetensors", net.state_dict(), {{"trained", "here"}});
  const Tensor batch = x.narrow(0, 0, 16);
  save_safetensors(folder / "batch.safetensors", {{"x", batch}, {"logits", net(batch)}});
}

/// Writes the logits that weights from elsewhere give.
void logits(const fs::path& folder) {
  nn::Sequential net = make_net();
  net.load_state_dict(load_safetensors(folder / "weights.safetensors").tensors);
  net.eval();
  const Tensor x = load_safetensors(folder / "batch.safetensors").at("x");
  save_safetensors(folder / "logits.safetensors", {{"logits", net(x)}});
}

/// Loads PyTorch's file, or a part of it, and writes what was in it.
void from_pytorch(const fs::path& from, const fs::path& to, std::string_view prefix) {
  save_safetensors(to, load_pytorch(from, {.prefix = std::string(prefix)}));
}

/// Loads NumPy's file and writes what was in it.
void resave(const fs::path& from, const fs::path& to, bool compress) {
  if (from.extension() == ".npy") {
    save_npy(to, load_npy(from));
  } else {
    save_npz(to, load_npz(from), {.compress = compress});
  }
}

/// Writes event files of a run and of another that resumes it at step 20.
void events(const fs::path& folder) {
  {
    training::EventWriter first(folder, {.clock = [] { return 1'700'000'000.25; }});
    for (const int64_t step : {0, 10, 20, 30}) {
      first.add_scalar("loss/train", 1.0 / static_cast<double>(1 + step), step);
    }
    first.add_scalar("zero", 0, -1);
    first.add_text("notes", "# Über\nMarkdown", 3);
    const Tensor gray = arange(0, 6, 1, uint8).reshape({2, 3});
    first.add_image("gray", gray, 4);
    first.add_image("colours", stack({gray, gray + 100, gray + 200}).to(float64) / 255.0, 5);
    first.add_histogram("weights", linspace(-1, 3, 1000), 6);
    first.add_histogram("equal", full({4}, -2.5, float64), 7);
  }
  training::EventWriter second(folder, {.purge_step = 20});
  second.add_scalar("loss/train", 0.5, 20);
}

int run(const std::vector<std::string_view>& arguments) {
  const std::string_view command = arguments.empty() ? "" : arguments[0];
  if (command == "train" && arguments.size() == 2) {
    train(arguments[1]);
  } else if (command == "logits" && arguments.size() == 2) {
    logits(arguments[1]);
  } else if (command == "count" && arguments.size() == 2) {
    std::cout << load_npz(arguments[1]).size() << '\n';
  } else if (command == "resave" && arguments.size() >= 3) {
    resave(arguments[1], arguments[2], arguments.size() > 3);
  } else if (command == "from_pytorch" && arguments.size() == 4) {
    from_pytorch(arguments[1], arguments[2], arguments[3]);
  } else if (command == "events" && arguments.size() == 2) {
    events(arguments[1]);
  } else {
    std::cerr << "interchange train FOLDER | logits FOLDER | count FILE | resave FROM TO "
                 "[compress] | from_pytorch FROM TO PREFIX | events FOLDER\n";
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
