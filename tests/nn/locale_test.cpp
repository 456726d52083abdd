// Modules are written in one way, whatever the locale of the program.
#include "../support/locale.h"

#include <doctest/doctest.h>

#include <sstream>

#include "../../nn/activation.h"
#include "../../nn/linear.h"
#include "../../nn/model_json.h"
#include "../../nn/summary.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("modules, their summaries and their files look the same under every locale") {
  nn::Sequential net(nn::Linear(1200, 1500), nn::LeakyReLU({.negative_slope = 0.125}),
                     nn::Linear(1500, 2000));
  const auto texts = [&] {
    std::ostringstream out;
    out << net;
    return std::vector<std::string>{
        out.str(),
        nn::summary(net, {1, 1200}),
        nn::to_json(net),
        message_of([&] {
          net(ones({1, 1100}));
        }),
        message_of(
            [&] { nn::Sequential(nn::Linear({.in_features = 1200, .out_features = -1000})); }),
        nn::to_json(*nn::from_json(nn::to_json(net)))};
  };
  const std::vector<std::string> usual = texts();
  const ForeignLocale scope;
  const std::vector<std::string> foreign = texts();
  for (size_t i = 0; i < usual.size(); ++i) CHECK(foreign[i] == usual[i]);
  CHECK(usual[5] == usual[2]);
}
