// What a program may call its own, with the using directives that programs have.
#include <doctest/doctest.h>

#include <string>

#include "../../nn/linear.h"
#include "../../nn/module.h"

using namespace gradus;
using namespace std;

namespace {

/// The first class of every GAN.
class Generator : public nn::Module {
 public:
  nn::Linear& layer = child<nn::Linear>("layer", 2, 3);
  Tensor forward(const Tensor& x) override { return tanh(layer(x)); }
  string type() const override { return "Generator"; }
};

}  // namespace

TEST_CASE("a net of one's own may be called Generator") {
  Generator generator;
  CHECK(generator(zeros({4, 2})).shape() == Shape{4, 3});
}

TEST_CASE("the standard deviation has a name that a using directive for std leaves alone") {
  CHECK(stddev(tensor({1.0, 3.0}), {}, 0).item() == 1);
}
