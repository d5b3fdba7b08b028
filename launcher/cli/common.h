// Options that several sub-commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <string>
#include <vector>

#include "core/data/batch_source.h"
#include "core/train/trained_run.h"
#include "launcher/job/ranks.h"

namespace polyscene::launcher {

void add_rank_options(CLI::App& command, RankOptions& options);

// Options that evaluate and predict share.
struct ScoreOptions {
  core::ScoreJob job;  // job.split is set from `split`
  std::string split = "test";
  std::vector<std::string> overrides;
  RankOptions ranks;
};

void add_score_options(CLI::App& command, ScoreOptions& options);

// Adds --carry: columns of the files that are copied into the predictions.
CLI::Option* add_carry_option(CLI::App& command, std::vector<std::string>& columns);

// Tells the user where bad records are listed.
[[nodiscard]] std::string rejects_location(const core::ScoreJob& job);

// The stream for a command's messages: standard output, or standard error if `output`, the value of --output (may be
// empty), is standard output.
[[nodiscard]] std::ostream& message_stream(const std::string& output);

// Parses train, valid or test. Throws InvalidArgument for anything else.
[[nodiscard]] core::Split parse_split(const std::string& name);

}  // namespace polyscene::launcher
