// Measures rows per second of the Parquet reader on given files, compared with its limit: Arrow decoding the same
// columns with as many threads and discarding the result. Without a configuration, features are derived from the
// columns' types.
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fcntl.h>
#include <google/protobuf/text_format.h>
#include <parquet/arrow/reader.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "core/data/batch_source.h"
#include "core/data/parquet_file.h"
#include "core/data/read_plan.h"
#include "core/features/column_request.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

constexpr int64_t kBatchRows = 2048;  // rows of Arrow's batches, as in the reader

struct Options {
  std::vector<std::string> files;
  std::string data, label;
  int threads = 1, batch_size = 1024, repeats = 3;
  int64_t window = 65536;
  int lanes = 16;
};

struct Timing {
  double wall_s = 0, cpu_s = 0;
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class Body>
Timing timed(Body body) {
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  body();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), cpu_seconds() - cpu};
}

// Integers and strings become fields, floats become numbers, lists become sequences with one side field.
void add_column(config::Data& data, const std::string& name, const std::string& type, const std::string& label) {
  if (name == label) return;
  auto* feature = data.add_feature();
  feature->set_name(name);
  if (type.find("list") != std::string::npos) {
    feature->mutable_sequence()->add_side()->set_column(name);
  } else if (type == "float" || type == "double") {
    feature->mutable_number()->set_nullable(true);
  } else {
    feature->mutable_categorical()->set_nullable(true);
  }
}

config::Data data_of(const Options& options) {
  config::Data data;
  if (!options.data.empty()) {
    std::ifstream in(options.data);
    std::stringstream text;
    text << in.rdbuf();
    require(in.good() && google::protobuf::TextFormat::ParseFromString(text.str(), &data),
            "[reader_bench] cannot parse \"", options.data, "\" as a text protobuf of polyscene.config.Data");
    data.clear_train_files();
  }
  data.clear_root();
  for (const auto& file : options.files) data.add_train_files(file);
  data.set_threads(options.threads);
  data.set_shuffle_window(options.window);
  data.set_lanes(options.lanes);
  if (!options.data.empty()) return data;
  const core::ParquetFile file(options.files.front());
  for (const auto& column : file.columns()) add_column(data, column, file.type_of(column), options.label);
  if (!options.label.empty()) data.add_label()->set_name(options.label);
  return data;
}

template <class T>
int64_t bytes_of(const std::vector<T>& values) {
  return static_cast<int64_t>(values.size() * sizeof(T));
}

int64_t bytes_of(const core::Batch& b) {
  int64_t bytes = bytes_of(b.numbers) + bytes_of(b.scenario) + bytes_of(b.row_keys) + bytes_of(b.times);
  for (const auto& field : b.fields) bytes += bytes_of(field);
  for (const auto& label : b.labels) bytes += bytes_of(label);
  for (const auto& group : b.groups) bytes += bytes_of(group);
  for (const auto& bag : b.bags) bytes += bytes_of(bag.offsets) + bytes_of(bag.keys) + bytes_of(bag.weights);
  for (const auto& sequence : b.sequences) {
    bytes += bytes_of(sequence.offsets);
    for (const auto& side : sequence.sides) bytes += bytes_of(side);
  }
  return bytes;
}

struct ReadAmount {
  int64_t rows = 0, bytes = 0;
};

ReadAmount read_epoch(core::BatchSource& source, int64_t epoch) {
  ReadAmount amount;
  source.start_epoch(epoch);
  while (const auto batch = source.next()) {
    amount.rows += batch->rows;
    amount.bytes += bytes_of(*batch);
  }
  return amount;
}

// Decodes every row group once, divided over the threads.
void decode_only(const config::Data& data, const core::SplitFiles& split, int threads) {
  const core::ColumnSet columns(core::column_requests(data));
  std::atomic<size_t> next{0};
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&] {
      for (size_t i = next++; i < split.units.size(); i = next++) {
        const auto& entry = split.files[static_cast<size_t>(split.units[i].file)];
        core::ParquetFile file(entry.path, entry.metadata);
        file.open_row_group(split.units[i].row_group, columns.names(), kBatchRows);
        while (file.next() != nullptr) {
        }
      }
    });
  }
  for (auto& thread : pool) thread.join();
}

void print(const char* what, int64_t rows, double megabytes, const Timing& t) {
  std::printf("%-14s %9.0f rows/s  %8.1f MB/s  wall %6.3f s  cpu %6.3f s  %9.0f rows/s/core\n", what,
              static_cast<double>(rows) / t.wall_s, megabytes / t.wall_s, t.wall_s, t.cpu_s,
              static_cast<double>(rows) / t.cpu_s);
}

void run(const Options& options) {
  const config::Data data = data_of(options);
  const core::SplitFiles split =
      open_split(data, core::Split::kTrain, core::column_requests(data), core::IdKinds(data));
  const auto source = core::make_parquet_source(data, {.batch_size = options.batch_size, .min_tail_share = 0});
  double file_bytes = 0;
  for (const auto& file : split.files) file_bytes += static_cast<double>(file.size_bytes);
  std::printf("%zu files, %zu row groups, %lld rows, %.1f MB on disk, %zu columns, %d decoding thread(s)\n",
              split.files.size(), split.units.size(), static_cast<long long>(split.rows), file_bytes / 1e6,
              core::ColumnSet(core::column_requests(data)).names().size(), options.threads);
  Timing best_read{1e30, 0}, best_raw{1e30, 0};
  ReadAmount amount;
  for (int i = 0; i < options.repeats; ++i) {  // alternating, the best of each, so that other load affects both alike
    const Timing raw = timed([&] { decode_only(data, split, options.threads); });
    const Timing read = timed([&] { amount = read_epoch(*source, i); });
    if (raw.wall_s < best_raw.wall_s) best_raw = raw;
    if (read.wall_s < best_read.wall_s) best_read = read;
  }
  print("reader", amount.rows, static_cast<double>(amount.bytes) / 1e6, best_read);
  print("arrow decode", split.rows, static_cast<double>(amount.bytes) / 1e6, best_raw);
  std::printf("share of the limit: %.2f by wall time, %.2f by CPU time\n", best_raw.wall_s / best_read.wall_s,
              best_raw.cpu_s / best_read.cpu_s);
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Options options;
  CLI::App app{"Measures the Parquet reader"};
  app.add_option("files", options.files, "Parquet files (or patterns)")->required();
  app.add_option("--data", options.data, "text protobuf of a Data message; default: every column is a feature");
  app.add_option("--label", options.label, "label column, when the features are made up");
  app.add_option("--threads", options.threads, "decoding threads")->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size, "rows per batch")->check(CLI::PositiveNumber);
  app.add_option("--lanes", options.lanes, "data.lanes")->check(CLI::PositiveNumber);
  app.add_option("--window", options.window, "data.shuffle_window")->check(CLI::PositiveNumber);
  app.add_option("--repeats", options.repeats, "measurements, of which the best counts")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    polyscene::run(options);
  } catch (const polyscene::Error& e) {
    std::cerr << e.what() << "\n";
    return static_cast<int>(e.kind());
  }
  return 0;
}
