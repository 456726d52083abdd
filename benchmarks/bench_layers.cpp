// Forward and backward time of single layers; compare.sh compares it with other frameworks.
#include <gradus/core/base/parallel_for.h>

#include "layer_program.h"
#include "roofline.h"
#include "subject.h"

namespace {

using namespace gradus;
using namespace gradus::bench;

std::function<void()> make_step(const LayerCase& layer) {
  if (is_optimizer(layer)) return make_optimizer_step(layer);
  return [subject = make_subject(layer)]() mutable { subject.forward_and_backward(); };
}

double limit(const LayerCase& layer) {
  static const Ceilings ceilings = measure_ceilings();
  if (is_optimizer(layer)) {
    const std::string type = layer.type == "Adam" ? "adam" : "sgd";
    return optimizer_limit_seconds(type, optimizer_parameter_count(layer), ceilings);
  }
  return limit_seconds(make_subject(layer).profile(), ceilings);
}

}  // namespace

int main(int argc, char** argv) {
  return run_layer_program(argc, argv, {"Gradus", set_num_threads, make_step, limit});
}
