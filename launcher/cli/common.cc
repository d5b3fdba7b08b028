#include "launcher/cli/common.h"

#include <iostream>
#include <map>

#include "core/files/output_place.h"
#include "ops/base/thread.h"

namespace polyscene::launcher {

void add_rank_options(CLI::App& command, RankOptions& options) {
  command
      .add_option_function<std::string>(
          "--device", [&options](const std::string& device) { options.cuda = device == "cuda"; },
          "Device of the model: cpu, or cuda for one GPU per rank (ranks share GPUs if there are too few)")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->default_str("cpu")
      ->type_name("DEVICE");
  using Transport = dist::DeviceTransport::Kind;
  static const std::map<std::string, Transport> transports = {
      {"auto", Transport::kAuto}, {"nccl", Transport::kNccl}, {"staged", Transport::kStaged}};
  command
      .add_option_function<std::string>(
          "--transport", [&options](const std::string& name) { options.transport = transports.at(name); },
          "How ranks exchange GPU memory: nccl, staged (through host memory), or auto (nccl if each rank has its own "
          "GPU)")
      ->check(CLI::IsMember({"auto", "nccl", "staged"}))
      ->default_str("auto")
      ->type_name("TRANSPORT");
  command.add_option("--local-ranks", options.local_ranks, "Run N ranks as threads of one process, without mpirun")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command
      .add_option(
          "--threads", options.threads,
          "Threads per started rank, shared by its virtual ranks (default: the host's processors divided by its ranks)")
      ->check(CLI::Range(1, kMostThreads))
      ->type_name("N");
  command
      .add_option("--deadline", options.deadline_s,
                  "Seconds that a rank waits for the other ranks before the job fails")
      ->check(CLI::Range(0.001, 1e9))
      ->capture_default_str()
      ->type_name("S");
}

void add_score_options(CLI::App& command, ScoreOptions& options) {
  command.add_option("--run", options.job.run, "Folder that `polyscene train --output` wrote")
      ->required()
      ->type_name("DIR");
  command.add_flag("--best", options.job.best, "Use the model of the best evaluation, not that of the last step");
  command.add_option("--split", options.split, "Split to read: train, valid or test")
      ->capture_default_str()
      ->type_name("SPLIT");
  command
      .add_option("--set", options.overrides,
                  "Override a field of the run's configuration, e.g. data.root=DIR; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("FIELD=VALUE");
  command.add_option("--rejects", options.job.rejects, "Folder for lists of bad records: file, row, column, reason")
      ->type_name("DIR");
  add_rank_options(command, options.ranks);
}

CLI::Option* add_carry_option(CLI::App& command, std::vector<std::string>& columns) {
  return command.add_option("--carry", columns, "Columns of the input, of any type, to copy to the output")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("COLUMN,...");
}

std::string rejects_location(const core::ScoreJob& job) {
  return job.rejects.empty() ? "--rejects DIR lists them" : "see " + job.rejects;
}

std::ostream& message_stream(const std::string& output) {
  return !output.empty() && core::output_place("--output", output).is_standard_output() ? std::cerr : std::cout;
}

core::Split parse_split(const std::string& name) {
  if (name == "train") return core::Split::kTrain;
  if (name == "valid") return core::Split::kValid;
  if (name == "test") return core::Split::kTest;
  throw InvalidArgument(str("[launcher] wanted --split train, valid or test, got \"", name, "\""));
}

}  // namespace polyscene::launcher
