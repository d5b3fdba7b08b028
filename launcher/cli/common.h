// Options that several sub-commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <string>
#include <vector>

#include "core/data/batch_source.h"
#include "core/train/trained_run.h"
#include "launcher/job/ranks.h"

namespace polyscene {

void add_rank_options(CLI::App& command, RankOptions& options);

// What evaluate and predict have in common.
struct ScoreOptions {
  ScoreJob job;  // its split is named by `split`
  std::string split = "test";
  std::vector<std::string> overrides;
  RankOptions ranks;
};

void add_score_options(CLI::App& command, ScoreOptions& options);

// Columns of the files that predictions hold too.
CLI::Option* add_carry_option(CLI::App& command, std::vector<std::string>& columns);

// Where to look for bad records, to be told to the user.
[[nodiscard]] std::string where_rejects_are(const ScoreJob& job);

// Where a command prints whose --output, perhaps none, is `output`: standard output, unless that is where it writes.
[[nodiscard]] std::ostream& words_beside(const std::string& output);

// train, valid or test. Throws InvalidArgument for anything else.
[[nodiscard]] Split parse_split(const std::string& name);

}  // namespace polyscene
