#include "core/train/open_source.h"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>
#include <utility>

#include "ops/base/error.h"

namespace polyscene {
namespace fs = std::filesystem;
namespace {

constexpr int kMostNamed = 5;  // ranks

std::string place_of(const Communicator& communicator) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return str("rank ", communicator.rank(), " on host ", host.data());
}

std::string gather(const std::string& text, Communicator& communicator) {
  const std::vector<char> all = communicator.all_gather_v<char>(std::span<const char>(text));
  return {all.begin(), all.end()};
}

// Runs work() on every rank; where it fails on some, they fail with their own errors and the others with those words.
void on_all_ranks(Communicator& communicator, const std::function<void()>& work) {
  std::exception_ptr failure;
  std::string said;
  try {
    work();
  } catch (const std::exception& error) {
    failure = std::current_exception();
    said = str(error.what(), " (", place_of(communicator), ")\n");
  }
  const std::string all = gather(said, communicator);
  if (failure) std::rethrow_exception(failure);
  require<DataError>(all.empty(), all.substr(0, all.find_last_not_of('\n') + 1));
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

// What a rank sees, for the others: who it is and how much there is, then its listing.
struct View {
  std::string rank, amount, listing;
};

// The first rank's, on every rank.
View view_of_first(const View& mine, Communicator& communicator) {
  std::string text = str(mine.rank, '\n', mine.amount, '\n', mine.listing);
  int64_t size = static_cast<int64_t>(text.size());
  communicator.broadcast<int64_t>({&size, 1}, 0);
  text.resize(static_cast<size_t>(size));
  communicator.broadcast<char>(text, 0);
  View first;
  std::istringstream lines(text);
  std::getline(lines, first.rank);
  std::getline(lines, first.amount);
  first.listing = text.substr(first.rank.size() + first.amount.size() + 2);
  return first;
}

// The first file, by name, that two views disagree about.
std::string first_difference(const View& mine, const View& first) {
  const auto here = files_by_name(mine.listing), there = files_by_name(first.listing);
  auto all = here;
  all.insert(there.begin(), there.end());
  const auto of = [](const auto& files, const std::string& name) {
    const auto found = files.find(name);
    return found == files.end() ? "not there" : found->second;
  };
  for (const auto& [name, what] : all)
    if (of(here, name) != of(there, name))
      return str("\"", name, "\" is ", of(here, name), " here, ", of(there, name), " there");
  return "the files come in another order";
}

// At most the first so many lines, as one.
std::string in_one_line(const std::string& text, int most) {
  std::istringstream lines(text);
  std::string all;
  for (std::string line; std::getline(lines, line); --most) {
    if (most == 0) return all + "; and more";
    all += (all.empty() ? "" : "; ") + line;
  }
  return all;
}

// What the ranks that see other files say of them. One that ends at once may take the others from this last word: what
// they know is enough.
std::string differences(const std::string& said, const std::vector<int64_t>& hashes, Communicator& communicator) {
  try {
    return in_one_line(gather(said, communicator), kMostNamed);
  } catch (const CommunicationError& error) {
    const auto other = std::ranges::find_if(hashes, [&](int64_t hash) { return hash != hashes[0]; });
    return str("rank ", other - hashes.begin(), " sees others than rank 0 (", error.what(), ")");
  }
}

void require_same_files(const BatchSource& source, const config::Data& data, Split split, Communicator& communicator) {
  const SplitFiles& files = source.files();
  const View mine{
      .rank = place_of(communicator),
      .amount = str(files.rows, " rows in ", files.files.size(), files.files.size() == 1 ? " file" : " files"),
      .listing = listing(files, data.root())};
  const auto hash = static_cast<int64_t>(XXH3_64bits(mine.listing.data(), mine.listing.size()));
  std::vector<int64_t> all(static_cast<size_t>(communicator.size()));
  communicator.all_gather<int64_t>({&hash, 1}, all);
  if (std::ranges::count(all, all[0]) == communicator.size()) return;

  const View first = view_of_first(mine, communicator);
  std::string said;
  if (mine.listing != first.listing)
    said = str(mine.rank, " has ", mine.amount, ", ", first.rank, " ", first.amount, ": ",
               first_difference(mine, first), '\n');
  throw DataError(str("[data] wanted the same files of split ", split_name(split), " on all ranks, but ",
                      differences(said, all, communicator), "; bring the same to every host, below \"", data.root(),
                      "\""));
}

}  // namespace

std::unique_ptr<BatchSource> open_source(const config::Data& data, SourceOptions options, Communicator& communicator) {
  options.rank = communicator.rank();
  options.ranks = communicator.size();
  std::unique_ptr<BatchSource> source;
  on_all_ranks(communicator, [&] { source = make_parquet_source(data, options); });
  require_same_files(*source, data, options.split, communicator);
  return source;
}

}  // namespace polyscene
