// What the tests of ONNX files written by PyTorch run on this side.
//
//   onnx_import FOLDER    for each folder in FOLDER: loads net.onnx, computes in float32 and
//   float64
//                         what inputs.safetensors asks for, and writes outputs.safetensors
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>

#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/onnx/onnx.h"
#include "../../optim/sgd.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

Tensor converted(const Tensor& x, DType dtype) {
  return is_floating(x.dtype()) ? x.to(dtype) : x;
}

/// Outputs of x1, x2 ... as y1, y2 ...; those of float64 are z1, z2 ...
void evaluate(nn::Module& net, const NamedTensors& inputs, DType dtype, NamedTensors& results) {
  net.eval();
  net.to(dtype);
  for (const auto& [name, x] : inputs) {
    if (!name.starts_with("x")) continue;
    results.push_back({(dtype == float32 ? "y" : "z") + name.substr(1), net(converted(x, dtype))});
  }
}

/// Two steps in float64 with the batch `train_x` towards `train_y`; in training mode if `mode` says
/// so.
void train(nn::Module& net, const SafeTensors& inputs, NamedTensors& results) {
  net.train(inputs.at("mode").item() != 0);
  optim::SGD sgd(net.named_parameters(), {.lr = 0.1});
  const Tensor x = converted(inputs.at("train_x"), float64), y = inputs.at("train_y").to(float64);
  std::vector<double> losses;
  for (int step = 0; step < 2; ++step) {
    Tape tape;
    const Tensor loss = mean(square(net(x) - y));
    losses.push_back(loss.item());
    tape.backward(loss);
    sgd.step();
    sgd.zero_grad();
  }
  results.push_back({"losses", tensor(losses)});
  for (const auto& [name, value] : net.state_dict()) results.push_back({"state." + name, value});
}

/// Outputs for x1, x2 ... of the net written and read again, as r1, r2 ..., if it can be written.
void resave(nn::Module& net, const SafeTensors& inputs, const fs::path& folder,
            NamedTensors& results) {
  const fs::path file = folder / "again.onnx";
  try {
    nn::save_onnx(file, net, inputs.at("x5"),
                  {.batch_dim = inputs.at("batch_dim").item<int64_t>()});
  } catch (const ValueError&) {
    return;
  }
  const auto again = nn::load_onnx(file);
  again->eval();
  for (const auto& [name, x] : inputs.tensors) {
    if (name.starts_with("x")) results.push_back({"r" + name.substr(1), (*again)(x)});
  }
}

void run(const fs::path& folder) {
  const auto net = nn::load_onnx(folder / "net.onnx");
  const SafeTensors inputs = load_safetensors(folder / "inputs.safetensors");
  NamedTensors results;
  const auto has = [&](const char* name) {
    return std::ranges::find(inputs.tensors, name, &NamedTensor::name) != inputs.tensors.end();
  };
  evaluate(*net, inputs.tensors, float32, results);
  if (has("batch_dim")) resave(*net, inputs, folder, results);
  evaluate(*net, inputs.tensors, float64, results);
  if (has("train_x")) train(*net, inputs, results);
  save_safetensors(folder / "outputs.safetensors", results);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "onnx_import FOLDER\n";
    return 2;
  }
  int failures = 0;
  for (const auto& entry : fs::directory_iterator(argv[1])) {
    try {
      run(entry.path());
    } catch (const std::exception& error) {
      std::cerr << entry.path().filename().string() << ": " << error.what() << '\n';
      ++failures;
    }
  }
  return failures == 0 ? 0 : 1;
}
