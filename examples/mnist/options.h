// The command line of `mnist train`: its options, which of them fit together, and what may change
// when a run goes on.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "train.h"

namespace gradus::examples {

/// Checks of values. Their messages say what is possible, and what was probably meant.
/// @{
CLI::Validator whole_number(uint64_t least, uint64_t most);
CLI::Validator one_of(std::vector<std::string> names);
CLI::Validator not_empty();
/// @}

void add_train_options(CLI::App& app, TrainOptions& o);
/// Marks an option that may also stand beside --resume.
void may_change(CLI::Option& option);

/// Throws ValueError for an option that was given and makes no difference beside the others.
void check_options_matter(const CLI::App& command, const TrainOptions& options, bool resumed);

/// "--name=value" for each option of the run that was given: what the next process needs to know.
std::vector<std::string> given_arguments(const CLI::App& command);

/// The options of a run that was started with the arguments `recorded` and goes on with `command`.
/// Throws ValueError where an option that is fixed has another value now.
TrainOptions resumed_options(const CLI::App& command, const std::vector<std::string>& recorded);

/// A sentence on what was meant by the first word of a command line that is no option and no
/// command; empty where nothing comes near.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace gradus::examples
