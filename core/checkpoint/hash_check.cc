#include "core/checkpoint/hash_check.h"

#include <exception>
#include <filesystem>
#include <optional>
#include <thread>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/file_hashes.h"
#include "core/checkpoint/manifest_file.h"
#include "core/checkpoint/newest_undamaged.h"
#include "core/checkpoint/sealed_message.h"
#include "core/config/experiment.pb.h"
#include "core/config/load.h"
#include "core/session/together.h"
#include "dist/place.h"
#include "ops/base/thread.h"
#include "ops/base/warning.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

using checkpoint::ModelFiles;

constexpr int kModelSchema = 1;

std::string list_path(const std::string& folder) { return folder + "/files.pbtxt"; }

bool is_checkpoint(const std::string& folder) { return fs::exists(checkpoint::manifest_path(folder)); }

ModelFiles read_list(const std::string& folder) {
  const std::string path = list_path(folder), advice = "the model is damaged; use another, or train it again";
  ModelFiles list;
  const checkpoint::ReadMessage read = checkpoint::read_sealed(path, list, advice);
  require<DataError>(list.schema() == kModelSchema, "[checkpoint] ", path, " is of schema ", list.schema(),
                     ", this program reads ", kModelSchema, "; use the program that wrote it, or a newer one");
  require<DataError>(read.unknown.empty(), "[checkpoint] ", path, " has a field that this program does not know, ",
                     read.unknown, "; use the program that wrote it, or a newer one");
  require<DataError>(read.hashed, "[checkpoint] ", path, " has no hash on its first line; ", advice);
  checkpoint::check_list(path, list.file(), true);
  return list;
}

void add_damage(std::vector<std::string>& damage, const std::string& folder, const checkpoint::Files& files,
                const HashShare& share) {
  for (int i = share.rank; i < files.size(); i += share.ranks) {
    if (!share.tables && files[i].name().starts_with("tables/")) continue;
    if (auto sentence = checkpoint::damage_of_file(folder, files[i])) damage.push_back(std::move(*sentence));
  }
}

// Empty when the list itself is damaged: reading the folder reports that, with advice on what to resume from.
checkpoint::Files listed_files(const std::string& folder) {
  try {
    if (is_checkpoint(folder)) return checkpoint::read_manifest(folder).file();
    if (fs::exists(list_path(folder))) return read_list(folder).file();
  } catch (const DataError&) {
  }
  return {};
}

// The sentences of all ranks, one per line; every rank gets the same text. Several processes add their places, since
// hosts may have different copies of a file.
std::string of_all_ranks(const std::vector<std::string>& sentences, dist::Communicator& communicator) {
  const std::string place = started_place(communicator), end = place.empty() ? "" : " (" + place + ")";
  std::string text;
  for (const std::string& sentence : sentences) text += "\n  " + sentence + end;
  const std::vector<char> all = communicator.all_gather_v<char>(std::span<const char>(text));
  return {all.begin(), all.end()};
}

// Calls a function on its own thread, and keeps what it returns or throws.
class Beside {
 public:
  explicit Beside(std::function<std::vector<std::string>()> work)
      : thread_(start_thread([this, work = std::move(work)] {
          try {
            result_ = work();
          } catch (...) {
            failure_ = std::current_exception();
          }
        })) {}
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  ~Beside() {
    if (thread_.joinable()) thread_.join();
  }
  std::vector<std::string> wait() {
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(result_);
  }

 private:
  std::vector<std::string> result_;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace

void write_model_hashes(const std::string& folder, std::span<const WrittenFile> mine,
                        dist::Communicator& communicator) {
  ModelFiles list;
  for (const WrittenFile& file : mine) *list.add_file() = checkpoint::described(file);
  // Concatenated serialised messages parse as one merged message.
  const std::vector<char> all = communicator.all_gather_v<char>(std::span<const char>(list.SerializeAsString()));
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    require<DataError>(list.ParseFromArray(all.data(), static_cast<int>(all.size())),
                       "[checkpoint] cannot parse the joined lists of files of all ranks");
    list.set_schema(kModelSchema);
    checkpoint::write_sealed(list_path(folder), list);
  });
}

bool is_model(const std::string& folder) { return fs::exists(folder + "/dense.safetensors") && !is_checkpoint(folder); }

std::vector<std::string> damage_of(const std::string& folder, const HashShare& share) {
  std::vector<std::string> damage;
  if (is_checkpoint(folder)) {
    for (const std::string& link : chain_of(folder))
      add_damage(damage, link, checkpoint::read_manifest(link).file(), share);
  } else if (fs::exists(list_path(folder))) {
    add_damage(damage, folder, read_list(folder).file(), share);
  }
  return damage;
}

std::string without_hash(const std::string& folder) {
  if (!is_checkpoint(folder))
    return fs::exists(list_path(folder)) ? ""
                                         : str(folder,
                                               " has no hashes, since an earlier version of Polyscene wrote it: damage "
                                               "to its values is not detected");
  for (const std::string& link : chain_of(folder))
    if (!checkpoint::manifest_is_hashed(link))
      return str(
          checkpoint::manifest_path(link),
          " has no hash of itself, since an earlier version of Polyscene wrote it: damage to it may not be detected");
  return {};
}

config::Experiment load_whole_experiment(const std::string& folder, const std::string& advice,
                                         const std::vector<std::string>& overrides) {
  require_saved_config(folder);
  const checkpoint::Files files = listed_files(folder);
  for (const checkpoint::File& file : files) {
    if (file.name() != "config.pbtxt") continue;
    const auto damage = checkpoint::damage_of_file(folder, file);
    require<DataError>(!damage, "[checkpoint] ", folder, " is damaged:\n  ", damage.value_or(""), "\n", advice);
  }
  return load_saved_experiment(folder, overrides);
}

void read_checked(const std::string& folder, dist::Communicator& communicator, const std::string& advice,
                  const std::function<void()>& read, bool tables) {
  std::optional<Beside> check;
  std::exception_ptr failure;
  try {
    check.emplace([&folder, share = HashShare{communicator.rank(), communicator.size(), tables}] {
      return damage_of(folder, share);
    });
    read();
  } catch (...) {
    failure = std::current_exception();
  }
  // Damage is reported first, because it may have caused a failure of `read`.
  std::vector<std::string> damage_here;
  std::string unreadable;
  try {
    if (check) damage_here = check->wait();
  } catch (const DataError& error) {
    unreadable = error.what();
  }
  const std::string damage = of_all_ranks(damage_here, communicator);
  int64_t damaged = damage.empty() && unreadable.empty() ? 0 : 1;
  communicator.all_reduce<int64_t>({&damaged, 1});
  const std::string beside = damaged > 0 && is_checkpoint(folder) ? "; " + newest_undamaged(folder, communicator) : "";
  together(communicator, [&] {
    require<DataError>(unreadable.empty(), unreadable, beside);
    require<DataError>(damage.empty(), "[checkpoint] ", folder, " is damaged:", damage, "\n", advice, beside);
  });
  together(communicator, [&] {
    if (failure) std::rethrow_exception(failure);
    if (communicator.rank() != 0) return;
    if (const std::string warning = without_hash(folder); !warning.empty()) warn(str("[checkpoint] ", warning));
  });
}

}  // namespace polyscene::core
