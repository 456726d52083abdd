// What must work between a program and the shared library: errors, classes derived on either side,
// and state of threads that both of them see. Ends with status 0, or says what does not hold.
#include <gradus/gradus.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using namespace gradus;

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << '\n';
  std::exit(1);
}

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Scale : nn::Module {
  Tensor& factor = parameter("factor", ones({3}));
  Tensor forward(const Tensor& x) override { return x * factor; }
};

struct Ones : data::Dataset {
  int64_t size() const override { return 4; }
  data::Sample get(int64_t) const override { return {ones({2}), full({}, 1, int64)}; }
};

void errors_pass() {
  bool caught = false;
  try {
    optim::SGD(Scale().named_parameters(), {.lr = -1});
  } catch (const ValueError& error) {
    caught = std::string(error.what()).find("Hint: ") != std::string::npos;
  }
  expect(caught, "a ValueError of the library is caught by its type");

  caught = false;
  nn::Sequential net(nn::Linear(2, 5), Scale());
  try {
    net(ones({1, 2}));
  } catch (const IoError&) {
  } catch (const Error& error) {
    caught = error.module_path() == "1" && dynamic_cast<const ShapeError*>(&error) != nullptr;
  }
  expect(caught, "an error gets the name of a module that the program derived");

  caught = false;
  nn::Sequential hooked(nn::Linear(2, 3));
  hooked.add_forward_hook(
      [](nn::Module&, const Tensor&, const Tensor&) { throw OwnError("a hook's"); });
  try {
    hooked(ones({1, 2}));
  } catch (const OwnError&) {
    caught = true;
  }
  expect(caught, "an error of the program passes through the library");
}

void classes_are_known() {
  const std::unique_ptr<nn::Sequential> net =
      nn::from_json(nn::to_json(nn::Sequential(nn::Linear(2, 5), nn::ReLU())));
  expect(dynamic_cast<nn::Linear*>(&(*net)[0]) != nullptr,
         "a layer that the library made is known by its type");
  const std::unique_ptr<nn::Module> scale = std::make_unique<Scale>();
  expect(dynamic_cast<Scale*>(scale.get()) != nullptr && scale->type() == "Scale",
         "a module of the program has its type and name");
  data::DataLoader loader(Ones(), {.batch_size = 2});
  for (const auto& [x, y] : loader) expect(sum(x).item() == 4, "a data set of the program is read");
}

void threads_have_state() {
  Tape tape;
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = x * 2;
  expect(tape.size() == 2 && Tape::current() == &tape, "the library records on the program's tape");
  bool none = false;
  std::thread([&] { none = Tape::current() == nullptr; }).join();
  expect(none, "another thread has no tape");

  manual_seed(7);
  const Tensor first = rand({3});
  manual_seed(7);
  expect(compare("rand", rand({3}), first), "the program seeds the library's generator");
}

}  // namespace

int main() {
  errors_pass();
  classes_are_known();
  threads_have_state();
}
