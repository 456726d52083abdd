// Small nets with a norm of choice, and their training.
#pragma once

#include <gradus/datasets/dataset.h>
#include <gradus/nn/sequential.h>
#include <gradus/optim/optimizer.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace gradus::lab {

/// The norms that are compared.
enum class Norm { none, batch, layer, instance, group };
inline constexpr std::array all_norms = {Norm::none, Norm::batch, Norm::layer, Norm::instance,
                                         Norm::group};
/// Those for vectors: an instance norm needs positions.
inline constexpr std::array vector_norms = {Norm::none, Norm::batch, Norm::layer, Norm::group};
/// "none", "batch", ...
const char* name_of(Norm norm);

/// The norm as a layer, for x [N, channels, ...] with these sizes after the channels: {} for
/// vectors, {14, 14} for images. Groups: 4. Norm::none is the identity. With `affine`, instance
/// norm has a weight and a bias, too. Throws ValueError for an instance norm of vectors.
std::unique_ptr<nn::Module> norm_layer(Norm norm, int64_t channels, const Shape& positions,
                                       bool affine = true);
/// The norm as a function without weight and bias, in training. Norm::none returns x.
Tensor normalized(const Tensor& x, Norm norm, double eps = 1e-5, int64_t groups = 4);

/// What an Mlp is made of.
struct MlpShape {
  std::vector<int64_t> widths = {784, 100, 100, 100, 10};
  std::function<Tensor(const Tensor&)> activation = {};  ///< by default relu
  std::function<Tensor(const Tensor&)> after_norm = {};  ///< between norm and activation
  bool bias = true;  ///< of the linear layers before a norm; the last one has one always
};
/// Flatten, then "fc1", "norm1", "act1", "fc2" ... and "head".
nn::Sequential mlp(Norm norm, const MlpShape& shape = {});
/// Draws the weights of all linear layers but the head as He et al. do for relu: a plain net of
/// many layers keeps the size of its signals then.
void he_initialize(nn::Module& net);
/// Convolutions 3x3 with so many channels, each followed by norm, relu and pooling to half the
/// size; then a linear layer. For images [N, 1, 28, 28]: "conv1", "norm1", "act1", "pool1" ...
/// "head".
nn::Sequential cnn(Norm norm, const std::vector<int64_t>& channels = {8, 16}, bool bias = true);

/// Makes a layer for x [N, channels, ...] with these sizes after the channels.
using MakeNorm =
    std::function<std::unique_ptr<nn::Module>(int64_t channels, const Shape& positions)>;
/// The same nets with any layer in place of a norm.
/// @{
nn::Sequential mlp(const MakeNorm& norm, const MlpShape& shape = {});
nn::Sequential cnn(const MakeNorm& norm, const std::vector<int64_t>& channels = {8, 16},
                   bool bias = true);
/// @}

/// What comes before a pool of a cnn: from `in` to `out` channels of side x side positions.
struct Stage {
  int number;  ///< from 1
  int64_t in, out, side;
};
/// A cnn with other stages: `add` puts the layers of one into the net. For images side x side.
nn::Sequential cnn_of(const std::function<void(nn::Sequential& net, const Stage& stage)>& add,
                      const std::vector<int64_t>& channels = {8, 16}, int64_t side = 28);

/// How a net is trained.
struct Training {
  int64_t batch = 64;
  int64_t steps = 100;   ///< through all images in a new order, again and again
  uint64_t seed = 0;     ///< of the order
  bool shuffled = true;  ///< a new order in each epoch, rather than that of the images
  /// Called after each gradient and before the weights change, with the number of the step, from
  /// 0, and the loss; false ends the training.
  std::function<bool(int64_t step, double loss)> each = {};
};
/// Steps of an optimizer on the cross entropy. The last images of an epoch that fill no batch are
/// left out. A loss that is not finite ends it. Returns the loss of each step.
std::vector<double> train(nn::Module& net, optim::Optimizer& optimizer, const data::Batch& images,
                          const Training& training);

/// The share of images with another answer than their label, in evaluation mode; 0.9, what guessing
/// gives, if the answers are not finite.
double error_of(nn::Module& net, const data::Batch& images);
/// The mean cross entropy, in evaluation mode.
double loss_of(nn::Module& net, const data::Batch& images);
/// The weights of a net, and the gradient of the cross entropy of a batch with respect to them, in
/// training mode. `loss` gets the loss if it is given.
/// @{
std::vector<Tensor> weights_of(const nn::Module& net);
std::vector<Tensor> gradient_of(nn::Module& net, const data::Batch& images, double* loss = nullptr);
/// @}
/// weights += step direction, in place.
void move(const std::vector<Tensor>& weights, double step, const std::vector<Tensor>& direction);
/// Some images by number.
data::Batch rows(const data::Batch& images, const std::vector<int64_t>& numbers);

}  // namespace gradus::lab
