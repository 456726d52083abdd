// What `mnist train` keeps of its command line, for a process that goes on with the run.
#pragma once

#include <gradus/train/loop.h>

#include <string>
#include <vector>

namespace gradus::examples {

/// What our options are called, for hints of the library.
const training::Words& our_words();

/// Files that we add to those of a run.
const std::vector<std::string>& our_files();

/// Arguments as a checkpoint records them, JSON. Throws ValueError for one that is not UTF-8.
std::string arguments_text(const std::vector<std::string>& arguments);
/// The arguments that a run was started with. Throws IoError where it does not say so.
std::vector<std::string> recorded_arguments(const std::string& text);

/// "200" means steps, "30s", "5m" and "1h" time. Throws ValueError for anything else.
training::SaveInterval parse_save_interval(const std::string& text);

}  // namespace gradus::examples
