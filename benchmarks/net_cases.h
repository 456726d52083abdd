// Which nets are measured, as data, so that Gradus and its peers measure the same: their parts as
// JSON with PyTorch's names, and optimizers. How they are trained: trainees.h.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace gradus::bench {

struct OptimizerCase {
  std::string type = "adam";  ///< or "sgd"
  double lr = 1e-3;
  double momentum = 0.9;  ///< the first of Adam's betas; the second is 0.999
};

struct NetCase {
  std::string name;                          ///< "basic"
  std::map<std::string, std::string> parts;  ///< by name, {"layers": [...]}; of most only "net"
  OptimizerCase optimizer = {};
};

/// How much larger than usual a net is; for basic and norm-*.
struct NetSize {
  double width = 1;  ///< factor of all channels and features
  int depth = 1;     ///< number of last convolutions, which keep the size of planes
};

/// In the order of tables.
const std::vector<std::string>& net_names();
/// Throws std::invalid_argument if there is none of this name, or not of this size.
NetCase net_case(const std::string& name, const NetSize& size = {});

}  // namespace gradus::bench
