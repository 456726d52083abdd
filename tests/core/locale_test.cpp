// Numbers are written and read in one way, whatever the locale of the program.
#include "../support/locale.h"

#include <doctest/doctest.h>

#include <sstream>

#include "../../core/base/text.h"
#include "../../core/gradcheck.h"
#include "../../core/io/checkpoint_folder.h"
#include "../../core/io/npy.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../../core/print.h"
#include "../../core/tape.h"
#include "../../core/tape_profile.h"
#include "../support/errors.h"
#include "../support/temporary_folder.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// Everything that core writes for people, or for other programs.
std::vector<std::string> texts() {
  std::vector<std::string> list;
  const auto stream = [&](const auto& value) {
    std::ostringstream out;
    out << value;
    list.push_back(out.str());
  };
  const Tensor long_one = arange(1200).to(float32);
  list.push_back(message_of([&] { reshape(long_one, {1100, 2}); }));
  list.push_back(message_of([&] { full({1}, 1234567.5, int32); }));
  list.push_back(message_of([&] { einsum("ij,jk->ik", {long_one, long_one}); }));
  list.push_back(to_string(mul(long_one, 1000.25)));
  stream(tensor({1234.5F, 0.25F}));
  stream(tensor<int64_t>({1234567}));
  stream(Shape{1200, 28});
  list.push_back(fixed(1234567.5, 2));
  list.push_back(quantity(1234567, "B"));

  const Tensor x = ones({1500}).requires_grad_();
  Tape tape({.profile = true});
  tape.backward(sum(mul(x, x)));
  list.push_back(tape.to_string());
  list.push_back(tape.to_json());
  list.push_back(tape.to_dot());
  std::ostringstream out;
  tape.print(out);
  list.push_back(out.str());
  ProfileRow row{.op = "mul", .calls = 1234567};
  row.forward.seconds = 1234.5;
  Profile{{row}}.print(out);
  list.push_back(out.str());

  const TensorFunction wrong = [](const std::vector<Tensor>& xs) {
    return add(mul(xs[0], 1234.5), mul(xs[0].detach(), 1234567.5));
  };
  list.push_back(gradcheck(wrong, {ones({2}, float64).requires_grad_()}).message);
  return list;
}

}  // namespace

TEST_CASE("messages, tensors and tapes are written in the same way under every locale") {
  const std::vector<std::string> usual = texts();
  const ForeignLocale scope;
  const std::vector<std::string> foreign = texts();
  for (size_t i = 0; i < usual.size(); ++i) CHECK(foreign[i] == usual[i]);
}

TEST_CASE("files that are written under one locale are read under every other") {
  const TemporaryFolder folder;
  const Tensor x = arange(2400).reshape({1200, 2}).to(float32);
  {
    const ForeignLocale scope;
    save_npy(folder / "x.npy", x);
    save_npz(folder / "x.npz", {{"x", x}});
    save_safetensors(folder / "x.safetensors", {{"x", x}});
    CHECK(load_npy(folder / "x.npy").shape() == x.shape());
  }
  CHECK(load_npy(folder / "x.npy").to_vector<float>() == x.to_vector<float>());
  CHECK(load_npz(folder / "x.npz")[0].tensor.shape() == x.shape());
  CHECK(load_safetensors(folder / "x.safetensors").at("x").shape() == x.shape());
}

TEST_CASE("the newest checkpoint is found under every locale, and so are those of another") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "run");
  Checkpoint checkpoint;
  checkpoint.add("model", {{"w", ones({2})}});
  {
    const ForeignLocale scope;
    CheckpointFolder checkpoints(folder / "run", {.keep = 3});
    for (int64_t step = 998; step <= 1002; ++step) checkpoints.save(step, checkpoint);
    CHECK(checkpoints.steps() == std::vector<int64_t>{1000, 1001, 1002});
    CHECK(checkpoints.load_newest()->step == 1002);
  }
  CHECK(std::filesystem::exists(folder / "run" / "checkpoint-1002.safetensors"));
}
