#include "core/train/open_source.h"

#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "core/data/file_list.h"
#include "core/data/reject_files.h"
#include "core/session/together.h"
#include "dist/place.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

constexpr int kMostNamed = 5;  // ranks

std::string gather(const std::string& text, dist::Communicator& communicator) {
  const std::vector<char> all = communicator.all_gather_v<char>(std::span<const char>(text));
  return {all.begin(), all.end()};
}

// A line per file: rows, bytes, and its name below the root.
std::string listing(const SplitFiles& split, const std::string& root) {
  std::ostringstream lines;
  for (const SplitFile& file : split.files) {
    const std::string name = fs::path(file.path).lexically_proximate(root).string();
    lines << file.rows << " rows, " << file.size_bytes << " bytes\t" << name << '\n';
  }
  return std::move(lines).str();
}

// What each file holds, by name.
std::map<std::string, std::string> files_by_name(const std::string& listing) {
  std::map<std::string, std::string> files;
  std::istringstream lines(listing);
  for (std::string line; std::getline(lines, line);) {
    const size_t tab = line.find('\t');
    files[line.substr(tab + 1)] = line.substr(0, tab);
  }
  return files;
}

// This rank's view of the files, for the other ranks: its place, the amount of data, and the listing.
struct View {
  std::string place, amount, listing;
};

// The first rank's, on every rank.
View view_of_first(const View& mine, dist::Communicator& communicator) {
  std::string text = str(mine.place, '\n', mine.amount, '\n', mine.listing);
  int64_t size = std::ssize(text);
  communicator.broadcast<int64_t>({&size, 1}, 0);
  text.resize(size);
  communicator.broadcast<char>(text, 0);
  View first;
  std::istringstream lines(text);
  std::getline(lines, first.place);
  std::getline(lines, first.amount);
  first.listing = text.substr(first.place.size() + first.amount.size() + 2);
  return first;
}

// The first file, by name, that two views disagree about.
std::string first_difference(const View& mine, const View& first, bool alone) {
  const auto here = files_by_name(mine.listing), there = files_by_name(first.listing);
  auto all = here;
  all.insert(there.begin(), there.end());
  const auto of = [](const auto& files, const std::string& name) {
    const auto found = files.find(name);
    return found == files.end() ? "not there" : found->second;
  };
  for (const auto& [name, what] : all)
    if (of(here, name) != of(there, name))
      return str("\"", name, "\" is ", of(here, name), alone ? " in the one, " : " here, ", of(there, name),
                 alone ? " in the other" : " there");
  return "the files come in another order";
}

// At most the first so many different lines, as one.
std::string in_one_line(const std::string& text, int most) {
  std::istringstream lines(text);
  std::set<std::string> seen;  // ranks of one process see the same
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    if (!seen.insert(line).second) continue;
    if (most-- == 0) return all + "; and more";
    all += (all.empty() ? "" : "; ") + line;
  }
  return all;
}

struct Seen {
  int64_t hash = 0;  // of the listing
  int64_t process = 0;
};

// What the ranks that see other files say of them. One that ends at once may take the others from this last word: what
// they know is enough.
std::string differences(const std::string& said, const std::vector<Seen>& seen, dist::Communicator& communicator) {
  try {
    return in_one_line(gather(said, communicator), kMostNamed);
  } catch (const CommunicationError& error) {
    const auto other = std::ranges::find_if(seen, [&](const Seen& rank) { return rank.hash != seen[0].hash; });
    if (communicator.processes() == 1) return str("they changed meanwhile (", error.what(), ")");
    return str("rank ", other->process, " sees others than rank 0 (", error.what(), ")");
  }
}

void require_same_files(const BatchSource& source, const config::Data& data, Split split,
                        dist::Communicator& communicator) {
  const SplitFiles& files = source.files();
  const View mine{
      .place = started_place(communicator),
      .amount = str(files.rows, " rows in ", files.files.size(), files.files.size() == 1 ? " file" : " files"),
      .listing = listing(files, data.root())};
  const Seen seen{.hash = static_cast<int64_t>(XXH3_64bits(mine.listing.data(), mine.listing.size())),
                  .process = communicator.process()};
  std::vector<Seen> all(communicator.size());
  communicator.all_gather<Seen>({&seen, 1}, all);
  if (std::ranges::count(all, all[0].hash, &Seen::hash) == communicator.size()) return;

  const View first = view_of_first(mine, communicator);
  const bool alone = communicator.processes() == 1;
  std::string said;
  if (mine.listing != first.listing)
    said = str(alone ? "one listing" : mine.place, " has ", mine.amount, ", ", alone ? "another" : first.place, " ",
               first.amount, ": ", first_difference(mine, first, alone), '\n');
  const std::string differ = differences(said, all, communicator);
  require<DataError>(!alone, "[data] wanted files of split ", split_name(split), " that do not change while they are ",
                     "listed, but ", differ, "; start again once nothing writes below \"", data.root(), "\"");
  throw DataError(str("[data] wanted the same files of split ", split_name(split), " on all ranks, but ", differ,
                      "; bring the same to every host, below \"", data.root(), "\""));
}

}  // namespace

std::unique_ptr<BatchSource> open_source(const config::Data& data, SourceOptions options,
                                         dist::Communicator& communicator) {
  options.rank = communicator.rank();
  options.ranks = communicator.size();
  std::unique_ptr<BatchSource> source;
  together(communicator, [&] { source = make_parquet_source(data, options); });
  require_same_files(*source, data, options.split, communicator);
  return source;
}

RunSources open_run_sources(const config::Experiment& experiment, const RunFolder& folder,
                            dist::Communicator& communicator) {
  const config::Data& data = experiment.data();
  const config::Train& train = experiment.train();
  const auto open = [&](Split split, int64_t batch_size, bool trains, const IdKinds& ids) {
    return open_source(data,
                       {.split = split,
                        .seed = experiment.seed(),
                        .batch_size = batch_size,
                        .shuffle = trains,
                        .min_tail_share = trains ? train.min_tail_share() : 0,
                        .reject_file = reject_file(folder.rejects(), split_name(split), communicator.rank()),
                        .rejects_needed = false,
                        .ids = &ids},
                       communicator);
  };
  RunSources sources;
  sources.train = open(Split::kTrain, train.batch_size(), true, IdKinds(data));
  if (data.valid_files_size() > 0)
    sources.valid = open(Split::kValid, train.eval_batch_size(), false, sources.train->files().ids.of_tables());
  return sources;
}

void check_input_files(const config::Data& data, const RunFolder& folder, bool overwrite) {
  // Files of a run that is overwritten would be set aside with it.
  const auto check = [&](Split split, const char* what) {
    for (const std::string& file : list_files(data, split))
      if (overwrite) folder.require_outside(file, what);
  };
  check(Split::kTrain, "data.train_files");
  if (data.valid_files_size() > 0) check(Split::kValid, "data.valid_files");
  try {
    if (data.test_files_size() > 0) check(Split::kTest, "data.test_files");
  } catch (const DataError&) {
    // They may come later.
  }
  require_apart(data);
}

}  // namespace polyscene::core
