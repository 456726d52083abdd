// The module that an ONNX file becomes.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "import_node.h"

namespace gradus::onnx {

/// What has only parameters and others of its kind: "layer1" of "layer1.conv.weight".
class Group : public nn::Module {
 public:
  std::string type() const override { return "Group"; }
  Tensor& add_parameter(std::string_view name, Tensor value) {
    return parameter(name, std::move(value));
  }
  nn::Module& add_child(std::string_view name, std::unique_ptr<nn::Module> module) {
    return register_child(name, std::move(module));
  }
};

/// The nodes of a graph, one after the other.
class ImportedNet : public Group {
 public:
  /// A node. Values have numbers: first those that are fixed, then the input, then outputs of
  /// nodes; -1 is one that is left out.
  struct Step {
    Compute compute;
    std::vector<int> inputs, outputs;
    std::vector<int> unneeded;  ///< values that no later step uses
    std::string scope;          ///< under which it is recorded: that of its parameters, or the node
    std::string node;           ///< in errors
  };
  /// A parameter or a constant. Constants of the type that weights have in the file follow
  /// Module::to.
  struct Fixed {
    Tensor tensor;
    bool constant;
  };

  Tensor forward(const Tensor& x) override;
  std::string type() const override { return "OnnxNet"; }
  bool depends_on_mode() const override { return drops_; }

 private:
  friend class NetBuilder;

  void check_input(const Tensor& x) const;
  DType current_type(const Tensor& x) const;
  const Tensor& value(int number, const Tensors& computed) const;
  void run(const Step& step, Tensors& computed, Call call) const;

  std::vector<Fixed> fixed_;
  Tensors constants_;  ///< in constants_type_; undefined for parameters
  DType constants_type_ = float32, file_type_ = float32;
  Tensor first_floating_;  ///< parameter or buffer, which has the type of the net
  ValueInfo input_;
  std::vector<Step> steps_;
  int values_ = 0, result_ = 0;
  bool drops_ = false;
};

/// Makes the module of a model.
class NetBuilder : public LayerSink {
 public:
  NetBuilder(Model model, std::string file) : model_(std::move(model)), file_(std::move(file)) {}
  std::unique_ptr<ImportedNet> build();

  Tensor given(const std::string& name) const override;
  bool is_fixed(const std::string& name) const override;
  Tensor copy(const Tensor& given) override;
  void add_layer(const std::string& path, std::unique_ptr<nn::Module> layer) override;

 private:
  struct Given {
    Tensor tensor;
    bool constant = true;  ///< else it becomes a parameter
    int number = -1;       ///< as a value
    std::string group;     ///< of a parameter: where it is
  };
  struct Needed {
    const Node* node;
    const OpRow* row;
  };
  struct Place {
    Group* group;
    std::string path, name;
  };

  template <class... What>
  void check(bool holds, std::string_view hint, const What&... what) const;
  void find_needed();
  void find_rows();
  void check_counts(const Needed& needed);
  void collect_given();
  void find_parameters();
  Place place(const std::string& name);
  bool is_free_path(const std::vector<std::string>& parts) const;
  void register_given();
  void add_steps();
  void add_step(const Needed& needed);
  int number_of(const std::string& name, const NodeReader& reader) const;
  void release_early();
  void finish_types();

  Model model_;
  std::string file_;
  std::unique_ptr<ImportedNet> net_;
  std::vector<Needed> needed_;
  std::unordered_map<std::string, Given> given_;
  std::vector<std::string> order_;                ///< of what is given, as in the file
  std::unordered_map<std::string, int> numbers_;  ///< of values that are computed
  std::unordered_set<std::string> fixed_;         ///< those of them that depend on no values
  std::unordered_map<std::string, Group*> groups_;
  std::unordered_set<std::string> taken_;        ///< full names of tensors and layers
  std::unordered_map<std::string, int> counts_;  ///< of names that had to be changed
  int64_t bytes_ = 0, copied_bytes_ = 0;         ///< of initializers
  std::optional<std::string> layer_group_;       ///< where the last layer was added
};

}  // namespace gradus::onnx
