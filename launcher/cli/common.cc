#include "launcher/cli/common.h"

namespace polyscene {

void add_rank_options(CLI::App& command, RankOptions& options) {
  command.add_option("--local-ranks", options.local_ranks, "Run N ranks as threads of this process (without mpirun)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command
      .add_option("--threads", options.threads,
                  "Threads per rank (default: the processors, shared by the ranks here); virtual ranks share them")
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
  command.add_option("--deadline", options.deadline_s, "Seconds that a rank waits for its peers before the job fails")
      ->check(CLI::Range(0.001, 1e9))
      ->capture_default_str()
      ->type_name("S");
}

Split parse_split(const std::string& name) {
  if (name == "train") return Split::kTrain;
  if (name == "valid") return Split::kValid;
  if (name == "test") return Split::kTest;
  throw InvalidArgument(str("[launcher] wanted --split train, valid or test, got \"", name, "\""));
}

}  // namespace polyscene
