// Every row of the op table as a net: the first input is the net's, the others are its parameters.
#include "../../core/ops.h"
#include "../op_table/op_table.h"
#include "cases.h"

namespace gradus::onnx_test {

namespace {

struct RowNet : nn::Module {
  op_table::Row row;
  op_table::Tensors others;

  RowNet(const op_table::Row& given, const op_table::Tensors& inputs) : row(given) {
    for (size_t i = 1; i < inputs.size(); ++i) {
      const std::string name = "input" + std::to_string(i);
      others.push_back(is_floating(inputs[i].dtype()) ? parameter(name, inputs[i].clone())
                                                      : buffer(name, inputs[i].clone()));
    }
  }
  Tensor forward(const Tensor& x) override {
    op_table::Tensors inputs = {x};
    inputs.insert(inputs.end(), others.begin(), others.end());
    return row.call(inputs);
  }
};

}  // namespace

std::vector<Case> row_cases() {
  std::vector<Case> cases;
  for (const op_table::Row& row : op_table::rows()) {
    if (row.form.find("gradient") != std::string::npos) continue;  // nothing that evaluation does
    const op_table::Tensors inputs = op_table::make_inputs(row, float32);
    cases.push_back({"row " + row.form, std::make_shared<RowNet>(row, inputs),
                     [inputs](int64_t) { return inputs.at(0); }, true});
  }
  return cases;
}

}  // namespace gradus::onnx_test
