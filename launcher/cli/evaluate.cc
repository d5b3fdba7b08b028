#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/data/scenario_note.h"
#include "core/session/evaluator.h"
#include "core/session/left_out.h"
#include "core/train/trained_run.h"
#include "launcher/cli/commands.h"
#include "launcher/cli/common.h"

namespace polyscene::launcher {
namespace {

struct EvaluateArguments : ScoreOptions {
  bool json = false;
};

// The metrics, and the counters of the rows read for them.
std::string to_json(const core::Evaluation& evaluation, const core::SourceCounters& read, const std::string& rejects) {
  using Json = nlohmann::ordered_json;
  Json json = Json::parse(evaluation.to_json());
  json["records"] = {{"read", read.rows_read},        {"bad", read.rows_bad},
                     {"skipped", read.rows_skipped},  {"sequences_cut", read.sequences_cut},
                     {"bags_cut", read.bags_cut},     {"rejects", rejects.empty() ? Json(nullptr) : Json(rejects)},
                     {"unlisted", read.rows_unlisted}};
  return json.dump();
}

void run(const EvaluateArguments& arguments) {
  core::ScoreJob job = arguments.job;
  job.split = parse_split(arguments.split);
  job.overrides = arguments.overrides;
  static_cast<void>(load_run_config(job));  // reports configuration errors before ranks connect
  Ranks(arguments.ranks).run([&](const dist::Rank& rank) {
    core::TrainedRun trained(job, rank);
    dist::Communicator& communicator = rank.communicator;
    const core::Evaluation evaluation = evaluate_split(trained.session(), trained.source());
    const core::SourceCounters read = over_ranks(trained.source().counters(), communicator);
    require_good_rows("split " + arguments.split, read, rejects_location(job));
    if (communicator.rank() != 0) return;
    if (arguments.json) {
      std::cout << to_json(evaluation, read, job.rejects) << std::endl;
    } else {
      evaluation.print(std::cout);
      const std::string note = core::scenario_note(trained.session().experiment().data());
      if (!note.empty()) std::cout << note << '\n';
      print_left_out(std::cout, "split " + arguments.split, read, rejects_location(job));
    }
  });
}

}  // namespace

void add_evaluate_command(CLI::App& app) {
  auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command = app.add_subcommand("evaluate", "Print metrics of a trained model, per scenario and overall");
  add_score_options(*command, *arguments);
  command->add_flag("--json", arguments->json, "Print one JSON object instead of a table");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace polyscene::launcher
