// Models as JSON.
//
//     {"layers": [
//       {"name": "conv", "type": "Conv2d",
//        "options": {"in_channels": 1, "out_channels": 8, "kernel_size": 3}},
//       {"name": "block", "type": "Residual", "body": [...], "shortcut": []},
//       {"name": "head", "type": "Sequential", "layers": [...]}]}
//
// Types and options have PyTorch's names. A size is a number or a list of two; `null` means an
// option that is not set; options with a default may be left out, and so may a name, which is then
// the number of the layer. Top-level keys other than "layers" are ignored.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "layer_table.h"
#include "sequential.h"

namespace gradus::nn {

/// Builds the model that `text` describes. Throws ValueError, with the path of the layer, for
/// anything other than such JSON: unknown types and options, missing ones, values of a wrong type
/// or out of range, layers nested more than 64 deep; and Error if the parameters exceed
/// memory_limit(). For layers of your own, all functions here take LayerTypes that have them.
std::unique_ptr<Sequential> from_json(const std::string& text, const LayerTypes& types = {});
/// The same from a file; throws IoError if it cannot be read or has more than 64 MiB.
std::unique_ptr<Sequential> from_json_file(const std::filesystem::path& path,
                                           const LayerTypes& types = {});

/// Writes a model back, with all options. Throws ValueError for a layer of a type that is not among
/// `types`.
std::string to_json(const Sequential& model, const LayerTypes& types = {});

/// A copy of a model or layer with options, parameters, buffers, and what is frozen and in which
/// mode. Gradients and hooks are not copied. Throws ValueError as to_json does.
std::unique_ptr<Module> clone(const Module& module, const LayerTypes& types = {});

/// Builds one layer from its type and a JSON object of options.
std::unique_ptr<Module> make_layer(const std::string& type, const std::string& options = "{}",
                                   const LayerTypes& types = {});

}  // namespace gradus::nn
