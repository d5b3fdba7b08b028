// Options that several sub-commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/data/batch_source.h"
#include "launcher/job/ranks.h"

namespace polyscene {

void add_rank_options(CLI::App& command, RankOptions& options);

// train, valid or test. Throws InvalidArgument for anything else.
[[nodiscard]] Split parse_split(const std::string& name);

}  // namespace polyscene
