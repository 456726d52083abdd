// Writes the nets of the tests as ONNX files, each with inputs and with the outputs that Gradus
// computes for them, for run_onnx.js; and checks that what is refused is what should be.
//
//   onnx_nets FOLDER
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "../../core/base/error.h"
#include "../../core/compare.h"
#include "../../core/io/safetensors.h"
#include "../../nn/layer_table.h"
#include "../../nn/onnx/onnx.h"
#include "../../nn/training_mode.h"
#include "cases.h"

using namespace gradus;
using namespace gradus::onnx_test;
namespace fs = std::filesystem;

namespace {

std::string file_name(const std::string& name) {
  std::string text;
  for (const char c : name) text += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return text.substr(0, 200);
}

/// Throws unless what was written gives the same when it is read again.
void check_same(const Tensor& y, const Tensor& again) {
  std::ostringstream line;
  if (compare(line, "read again", again.detach(), y.detach().to(float32))) return;
  throw std::runtime_error(line.str());
}

/// Why it was refused; "" if it was written.
std::string write(const Case& c, const fs::path& folder, size_t number) {
  const fs::path file = folder / str(number, "_", file_name(c.name), ".onnx");
  const auto batch_dim = c.fixed ? std::nullopt : std::optional<int64_t>(0);
  nn::OnnxOptions options{.batch_dim = batch_dim};
  const Tensor two = c.input(2);
  if (!c.fixed && two.size(0) != 2) options.batch_dim = 1;  // steps come first
  try {
    nn::save_onnx(file, *c.net, two, options);
  } catch (const Error& error) {
    return error.what();
  }
  const nn::ModeScope evaluating(*c.net, nn::Mode::evaluation);
  NamedTensors tensors;
  const std::vector<int64_t> samples =
      c.fixed ? std::vector<int64_t>{2} : std::vector<int64_t>{1, 5, 64};
  const auto again = nn::load_onnx(file);
  again->eval();
  for (size_t i = 0; i < samples.size(); ++i) {
    const Tensor x = c.input(samples[i]);
    check_same((*c.net)(x), (*again)(x));
    tensors.push_back({str("x", i), contiguous(x)});
    tensors.push_back({str("y", i), to((*c.net)(x).detach(), float32).contiguous()});
  }
  save_safetensors(fs::path(file).replace_extension(".safetensors"), tensors);
  return "";
}

/// Types of layers without a case. A max unpooling takes the indices as well; a row has it.
int count_missing_types(const std::vector<Case>& cases) {
  int missing = 0;
  for (const std::string& type : nn::layer_types()) {
    const bool has_case = std::any_of(cases.begin(), cases.end(),
                                      [&](const Case& c) { return c.net->type() == type; });
    if (has_case || type.starts_with("MaxUnpool")) continue;
    std::cout << "no case for layers of type " << type << '\n';
    ++missing;
  }
  return missing;
}

}  // namespace

int main(int, char** arguments) {
  const fs::path folder = arguments[1];
  fs::remove_all(folder);
  fs::create_directories(folder);
  manual_seed(0);
  std::vector<Case> cases = layer_cases();
  for (const auto more : {net_cases, row_cases}) {
    for (Case& c : more()) cases.push_back(std::move(c));
  }
  auto expected = refusals();
  int wrong = count_missing_types(cases), refused = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    std::string why;
    try {
      why = write(c, folder, i);
    } catch (const std::exception& error) {
      std::cout << c.name << ": was written, but " << error.what() << '\n';
      ++wrong;
      continue;
    }
    const auto known = std::find_if(expected.begin(), expected.end(),
                                    [&](const auto& refusal) { return refusal.first == c.name; });
    const bool is_expected = known == expected.end()
                                 ? why.empty()
                                 : !why.empty() && why.find(known->second) != std::string::npos;
    refused += why.empty() ? 0 : 1;
    if (known != expected.end()) expected.erase(known);
    if (is_expected) continue;
    std::cout << c.name << ": "
              << (why.empty() ? "was written, but is on the list of refusals" : why) << '\n';
    ++wrong;
  }
  for (const auto& [name, why] : expected) {
    std::cout << "on the list of refusals, but no case: " << name << '\n';
    ++wrong;
  }
  std::cout << cases.size() << " nets, " << refused << " refused\n";
  return wrong == 0 ? 0 : 1;
}
