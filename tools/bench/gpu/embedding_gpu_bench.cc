// Times rows of embedding tables on a CUDA device: a static table and the hash table, forward and backward, and the
// index alone. The bytes that must move are those of ids (if they are read), rows and gradients, each once. Further
// reads of a kernel are noted at its case.
#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <numeric>

#include "dist/world.h"
#include "embedding/device/device_lookup.h"
#include "embedding/device/device_table.h"
#include "ops/base/philox.h"
#include "ops/jagged/gather_rows.h"
#include "ops/jagged/scatter_add_rows.h"
#include "tools/bench/gpu/bench.h"

namespace polyscene {
namespace {

struct Options {
  int64_t ids = 1'050'000, distinct = 350'000, dim = 128, rows = 4'000'000;  // batch: ids, distinct; table: dim, rows
  int64_t keys = int64_t{1} << 20, index_rows = int64_t{1} << 24;            // for the runs on the index alone
  double zipf = 1.05;
  int device = 0, repetitions = 20;
  std::string json;
};

// Shuffled ids with exactly `distinct` distinct ones: every item once, the others drawn from Zipf's law.
std::vector<int64_t> zipf_ids(const Options& o) {
  std::vector<double> sums(static_cast<size_t>(o.distinct));
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] = (i == 0 ? 0 : sums[i - 1]) + std::pow(static_cast<double>(i + 1), -o.zipf);
  PhiloxStream random(1);
  std::vector<int64_t> ids(static_cast<size_t>(o.ids));
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = i < sums.size() ? static_cast<int64_t>(i)
                             : std::ranges::lower_bound(sums, random.next_uniform() * sums.back()) - sums.begin();
  for (size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[random.next_below(i)]);
  return ids;
}

// Runs the kernel of an operator without a graph.
template <class Kernel>
void run_kernel(Device& device, Scratch& scratch, Kernel kernel, const std::vector<TensorView>& inputs,
                const TensorView& output) {
  const Attributes none;
  scratch.reset();
  kernel(
      {.attributes = none, .inputs = inputs, .outputs = {&output, 1}, .scratch = scratch, .stream = device.stream()});
}

struct Batch {
  std::vector<int64_t> keys;
  std::vector<int32_t> index;  // per id: its distinct row
  embedding::UniqueKeys unique;
  explicit Batch(const Options& o, const embedding::TableLayout& layout) : keys(zipf_ids(o)), index(keys.size()) {
    for (int64_t& key : keys) key = static_cast<int64_t>(mix64(static_cast<uint64_t>(key)));
    const embedding::KeyBlock block{.table = 0, .keys = keys, .index = index};
    embedding::Deduplicator(layout).run({&block, 1}, unique);
  }
};

embedding::DeviceTables tables_of(const Options& o, Device& device, dist::Communicator& one,
                                  embedding::SparseOptimizer::Kind kind) {
  return {device, {.host = one, .device = one}, {{.name = "bench", .dim = o.dim, .optimizer = {.kind = kind}}}, {}};
}

// Forward: the static table is read at each id. The hash table's distinct rows are found and gathered, then expanded;
// the distinct keys are found before, as the reader's threads do.
void run_rows(const Options& o, Device& device, bench::Bench& bench) {
  const auto one = dist::make_single_world();
  const double row_bytes = 4.0 * static_cast<double>(o.dim), ids = static_cast<double>(o.ids),
               distinct = static_cast<double>(o.distinct);
  DeviceBuffer<float> table(device, "the static table"), expanded(device, "rows"), summed(device, "gradients");
  DeviceBuffer<int32_t> index(device, "the index"), unique_index(device, "the index");
  Scratch scratch(&device);
  embedding::DeviceTables tables = tables_of(o, device, *one, embedding::SparseOptimizer::Kind::kSgd);
  const Batch batch(o, tables.layout());
  std::vector<int32_t> rows(batch.index);
  for (int32_t& row : rows) row = static_cast<int32_t>(row * (o.rows / o.distinct));
  index.assign(rows);
  unique_index.assign(batch.index);
  const TensorView table_view{table.resize_cleared(o.rows * o.dim), DType::kFloat32, {o.rows, o.dim}},
      expanded_view{expanded.resize_cleared(o.ids * o.dim), DType::kFloat32, {o.ids, o.dim}},
      summed_view{summed.resize(o.distinct * o.dim), DType::kFloat32, {o.distinct, o.dim}},
      index_view{index.data(), DType::kInt32, {o.ids}}, unique_view{unique_index.data(), DType::kInt32, {o.ids}};
  const double forward_bytes = (ids + distinct) * row_bytes;
  const double fixed =
      bench
          .run("static forward", forward_bytes,
               [&] {
                 run_kernel(device, scratch, ops::gather_rows_gpu, {table_view, index_view}, expanded_view);
               })
          .seconds;
  table = DeviceBuffer<float>(device, "the static table");

  embedding::DeviceLookup lookup(tables);
  const auto forward = [&] {
    lookup.lookup(batch.unique, embedding::LookupMode::kTrain);
    run_kernel(device, scratch, ops::gather_rows_gpu, {lookup.rows(0), unique_view}, expanded_view);
  };
  const double hashed = bench.run("hash table forward, keys from the host", forward_bytes, forward, distinct).seconds;
  std::cout << "hash table over static forward: " << hashed / fixed << '\n';

  for (const auto kind : {embedding::SparseOptimizer::Kind::kSgd, embedding::SparseOptimizer::Kind::kLazyAdam}) {
    const bool adam = kind == embedding::SparseOptimizer::Kind::kLazyAdam;
    embedding::DeviceTables trained = tables_of(o, device, *one, kind);
    embedding::DeviceLookup owner(trained);
    owner.lookup(batch.unique, embedding::LookupMode::kTrain);
    bench.run(adam ? "backward + Adam" : "backward + SGD", (ids + (adam ? 6 : 2) * distinct) * row_bytes, [&] {
      run_kernel(device, scratch, ops::scatter_add_rows_gpu, {expanded_view, unique_view}, summed_view);
      owner.update({&summed_view, 1});
    });
  }
}

// A table with rows of four floats, so that probing dominates the time, and batches of distinct keys.
class IndexOnly {
 public:
  IndexOnly(Device& device, int64_t keys, embedding::DeviceTable& table)
      : device_(device),
        count_(keys),
        keys_(device, "keys"),
        rows_(device, "rows"),
        counts_(device, "counts"),
        numbers_(device, "row numbers"),
        next_(device, "row numbers"),
        spans_(device, "spans"),
        views_(device, "views"),
        bounded_(table.bounded()) {
    const embedding::TableView view = table.view();
    const embedding::KeySpan span{.matrix = rows_.resize(keys * kDim),
                                  .row = 0,
                                  .begin = 0,
                                  .count = static_cast<int32_t>(keys),
                                  .tile = 0,
                                  .table = 0};
    spans_.assign({&span, 1});
    views_.assign({&view, 1});
    counts_.resize_cleared(4);
    numbers_.resize(keys);
    next_.resize(keys);
  }

  static embedding::TableSpec spec(int64_t max_rows) {
    return {.name = "index",
            .dim = kDim,
            .optimizer = {.kind = embedding::SparseOptimizer::Kind::kSgd},
            .max_rows = max_rows};
  }

  // Makes batches 0 to `batches` - 1 on the device.
  void make_batches(int64_t batches) {
    std::vector<int64_t> host(static_cast<size_t>(batches * count_));
    for (size_t i = 0; i < host.size(); ++i) host[i] = static_cast<int64_t>(mix64(static_cast<uint64_t>(i)));
    keys_.assign(host);
  }
  void find(int64_t batch) { find_rows(device_.stream(), keys(batch), numbers_.data(), {}); }
  void insert(int64_t batch) {
    const embedding::TouchedKeys touched{
        .step = ++step_, .leaders = nullptr, .next = bounded_ ? next_.data() : nullptr};
    find_rows(device_.stream(), keys(batch), numbers_.data(), touched);
    int32_t* const c = counts_.data();
    insert_and_gather(device_.stream(), keys(batch), numbers_.data(), touched,
                      {.rows = c, .evicted = c + 1, .overfull = c + 2, .stop = c + 3});
  }
  // Counters of the insertions: rows, rows lost, the most keys that wanted one overfull bucket, why they stopped.
  [[nodiscard]] std::array<int32_t, 4> counts() {
    std::array<int32_t, 4> host{};
    device_.copy_out(host.data(), counts_.data(), sizeof(host));
    return host;
  }

 private:
  static constexpr int64_t kDim = 4;

  [[nodiscard]] embedding::DeviceKeys keys(int64_t batch) const {
    return {.keys = keys_.data() + batch * count_,
            .spans = spans_.data(),
            .tables = views_.data(),
            .count = count_,
            .span_count = 1,
            .tiles = (count_ + embedding::kTileKeys - 1) / embedding::kTileKeys,
            .table_count = 1};
  }

  Device& device_;
  int64_t count_;
  DeviceBuffer<int64_t> keys_;
  DeviceBuffer<float> rows_;
  DeviceBuffer<int32_t> counts_, numbers_, next_;
  DeviceBuffer<embedding::KeySpan> spans_;
  DeviceBuffer<embedding::TableView> views_;
  bool bounded_;
  int32_t step_ = 0;
};

// Runs with half of the index's slots taken.
void run_index(const Options& o, Device& device, bench::Bench& bench) {
  embedding::DeviceTable table(device, IndexOnly::spec(0), 1);
  DeviceBuffer<int32_t> none(device, "counts");
  table.reserve(o.index_rows * 85 / 50, 0, none.resize_cleared(1));
  IndexOnly index(device, o.keys, table);
  const int64_t batches = (o.index_rows + o.keys - 1) / o.keys;
  index.make_batches(batches);
  for (int64_t batch = 0; batch < batches; ++batch) index.insert(batch);
  const double count = static_cast<double>(o.keys);
  bench.run(
      "find, half full", count * (8 + 64 + 32 + 4), [&] { index.find(batches / 2); }, count);
  bench.run(
      "find or insert, half full, all known", count * (8 + 64 + 2 * 32 + 4 + 4 + 2 * 16),
      [&] { index.insert(batches / 2); }, count);
}

// Runs with all rows taken and every key new: batches repeat, but their keys are evicted long before they come again.
// Bytes: per key its bucket's hash bytes, key, links, row index, tag and row; per bucket with new keys its hash bytes
// and tags.
void run_full(const Options& o, Device& device, bench::Bench& bench) {
  embedding::DeviceTable table(device, IndexOnly::spec(o.index_rows), 1);
  IndexOnly index(device, o.keys, table);
  const embedding::BucketPlan plan = embedding::plan_buckets(o.index_rows, 1);
  const int64_t batches = 2 * (o.index_rows + o.keys - 1) / o.keys + 1;
  index.make_batches(batches);
  for (int64_t batch = 0; batch < batches; ++batch) index.insert(batch);
  const double count = static_cast<double>(o.keys), slots = plan.slots, buckets = static_cast<double>(plan.buckets);
  const double touched = buckets * (1 - std::exp(-count / buckets));
  const int32_t lost_before = index.counts()[1];
  int64_t next = 0;
  bench.run(
      "insert and evict, full", count * (slots + 8 + 5 * 4 + 16 + 3 * 16) + touched * slots * (1 + 16),
      [&] { index.insert(next++ % batches); }, count);
  const std::array<int32_t, 4> counts = index.counts();
  require(counts[1] - lost_before == next * o.keys && counts[3] == 0, "[bench] wanted every key of ", next,
          " batches to take the place of a row, got ", counts[1] - lost_before, " of ", next * o.keys);
}

void run(const Options& o) {
  require(o.distinct >= 1 && o.ids >= o.distinct && o.rows >= o.distinct,
          "[bench] wanted --ids and --rows of at least --distinct, which is at least 1, got ", o.ids, ", ", o.rows,
          " and ", o.distinct);
  const std::shared_ptr<Device> device = make_cuda_device(o.device);
  std::cout << device->name() << '\n';
  bench::Bench bench(*device, o.repetitions);
  run_rows(o, *device, bench);
  run_index(o, *device, bench);
  run_full(o, *device, bench);
  if (!o.json.empty()) bench.write_json(o.json);
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Options options;
  CLI::App app{"Speed of embedding rows on a CUDA device"};
  app.add_option("--ids", options.ids, "ids of a batch")->capture_default_str();
  app.add_option("--distinct", options.distinct, "of them distinct")->capture_default_str();
  app.add_option("--zipf", options.zipf, "exponent of their frequencies")->capture_default_str();
  app.add_option("--dim", options.dim, "floats per row")->capture_default_str();
  app.add_option("--rows", options.rows, "rows of the static table")->capture_default_str();
  app.add_option("--keys", options.keys, "keys of a run on the index alone")->capture_default_str();
  app.add_option("--index-rows", options.index_rows, "rows behind that index")->capture_default_str();
  app.add_option("--device", options.device, "number of the CUDA device")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "runs per measurement, five times")->capture_default_str();
  app.add_option("--json", options.json, "file for the results");
  CLI11_PARSE(app, argc, argv);
  try {
    polyscene::run(options);
  } catch (const polyscene::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.kind());
  }
  return 0;
}
