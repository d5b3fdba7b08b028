// The sub-commands. Each function adds one to the application, which runs it when it is chosen. Errors are thrown.
#pragma once

namespace CLI {
class App;
}

namespace polyscene::launcher {

void add_train_command(CLI::App& app);
void add_evaluate_command(CLI::App& app);
void add_predict_command(CLI::App& app);
void add_checkpoint_command(CLI::App& app);
void add_export_command(CLI::App& app);
void add_score_command(CLI::App& app);
void add_data_command(CLI::App& app);
// Adds the option --version too.
void add_version_command(CLI::App& app);

}  // namespace polyscene::launcher
