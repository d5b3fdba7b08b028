// Measures the embedding work of one training step on a batch shaped like KuaiRand's (34 id fields, sequences of four
// side fields over shared tables), on synthetic keys with a long tail: nanoseconds per key of deduplication, and bytes
// moved by lookup and update, compared with the copy bandwidth of the same threads in the same run.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <iomanip>
#include <iostream>

#include "dist/world.h"
#include "embedding/exchange/sharded_lookup.h"
#include "embedding/keys/tuple_deduplicator.h"
#include "ops/base/philox.h"
#include "ops/base/thread.h"

namespace polyscene {
namespace {

struct Options {
  int64_t batch = 4096, fields = 34, length = 39, dim = 16;
  int64_t item_rows = 4'000'000;  // items that exist
  int steps = 30, threads = available_processors(), ranks = 1;
  std::string optimizer = "adam";
};

constexpr int kSides = 4;

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The smallest time of many repetitions, since other processes can only add time.
double best(const std::vector<double>& times) { return *std::ranges::min_element(times); }

// Bytes per second, read plus written, of a copy by all threads on memory far larger than the caches.
double copy_bandwidth() {
  constexpr int64_t kBytes = int64_t{1} << 28, kGrain = int64_t{1} << 22;
  const auto from = allocate_host(kBytes), to = allocate_host(kBytes);
  std::memset(from.get(), 1, kBytes);
  std::memset(to.get(), 2, kBytes);
  std::vector<double> times;
  for (int repeat = 0; repeat < 20; ++repeat) {
    times.push_back(seconds_of([&] {
      parallel_for(kBytes, kGrain, [&](int64_t begin, int64_t end) {
        std::memcpy(static_cast<char*>(to.get()) + begin, static_cast<char*>(from.get()) + begin,
                    static_cast<size_t>(end - begin));
      });
    }));
  }
  return 2.0 * kBytes / best(times);
}

embedding::SparseOptimizer optimizer_of(const std::string& name) {
  using Kind = embedding::SparseOptimizer::Kind;
  if (name == "adagrad") return {.kind = Kind::kAdagrad};
  if (name == "row_wise_adagrad") return {.kind = Kind::kRowWiseAdagrad};
  if (name == "sgd") return {.kind = Kind::kSgd};
  return {.kind = Kind::kLazyAdam};
}

// Tables 0..3 are those of the sides item, author, category and tag, which the first four fields share. Every other
// table belongs to one field.
std::vector<embedding::TableSpec> specs_of(const Options& o) {
  std::vector<embedding::TableSpec> specs;
  for (int64_t f = 0; f < o.fields; ++f) {
    specs.push_back({.name = str("field", f), .dim = o.dim, .optimizer = optimizer_of(o.optimizer)});
  }
  return specs;
}

int64_t cardinality(const Options& o, int64_t table) {
  const int64_t sides[] = {o.item_rows, o.item_rows / 4, 5000, 100, o.item_rows / 4};
  return table < 5 ? sides[table] : int64_t{3} << (table % 9);
}

struct Batch {
  std::vector<std::vector<int64_t>> columns;  // fields [batch], then sides [batch * length]
  std::vector<std::vector<int32_t>> index;
};

// Keys u^3 * n with uniform u: a few are frequent, most are rare.
Batch make_batch(const Options& o, int64_t step, int rank) {
  PhiloxStream random(static_cast<uint64_t>(step), static_cast<uint64_t>(rank));
  const int64_t rows = o.batch / o.ranks, behaviours = rows * o.length;
  Batch batch;
  const auto tail_key = [&](int64_t n, double u) { return static_cast<int64_t>(static_cast<double>(n) * u * u * u); };
  for (int64_t f = 0; f < o.fields; ++f) {
    std::vector<int64_t>& keys = batch.columns.emplace_back(static_cast<size_t>(rows));
    for (int64_t& key : keys) key = tail_key(cardinality(o, f), random.next_uniform());
  }
  // The other sides of a behaviour follow from its item. Five of six behaviours are among a few thousand popular items.
  for (int s = 0; s < kSides; ++s) batch.columns.emplace_back(static_cast<size_t>(behaviours));
  for (size_t i = 0; i < static_cast<size_t>(behaviours); ++i) {
    const bool popular = random.next_below(6) != 0;
    const int64_t item = tail_key(popular ? 8000 : o.item_rows, random.next_uniform());
    for (int s = 0; s < kSides; ++s) {
      const uint64_t n = static_cast<uint64_t>(cardinality(o, s));
      batch.columns[static_cast<size_t>(o.fields + s)][i] =
          s == 0 ? item : static_cast<int64_t>(mix64(static_cast<uint64_t>(item) + static_cast<uint64_t>(s)) % n);
    }
  }
  for (const auto& column : batch.columns) batch.index.emplace_back(column.size());
  return batch;
}

std::vector<embedding::KeyBlock> blocks_of(const Options& o, Batch& batch) {
  std::vector<embedding::KeyBlock> blocks;
  for (size_t c = 0; c < batch.columns.size(); ++c) {
    const auto field = static_cast<int64_t>(c);
    blocks.push_back({.table = static_cast<int>(field < o.fields ? field : field - o.fields),
                      .keys = batch.columns[c],
                      .index = batch.index[c]});
  }
  return blocks;
}

struct Times {
  std::vector<double> dedup, tuples, lookup, update;
};

void print_phase(const char* name, double time_s, double bytes, double bandwidth) {
  const double rate = bytes / time_s;
  std::cout << std::left << std::setw(16) << name << std::right << std::setw(9) << time_s * 1e3 << " ms  "
            << std::setw(7) << rate * 1e-9 << " GB/s  " << std::setw(5) << 100 * rate / bandwidth << " % of copy\n";
}

void report(const Options& o, const Times& t, const embedding::ShardedLookup& lookup,
            const embedding::ShardedTables& tables, int64_t tuples, double bandwidth) {
  const embedding::LookupStatistics s = lookup.last();
  const double keys = static_cast<double>(s.keys_in), rows = static_cast<double>(s.keys_owned);
  const double threads = o.threads;
  const double row_bytes = 4.0 * static_cast<double>(o.dim);
  const double state_bytes = 4.0 * static_cast<double>(tables.table(0).state_width());
  std::cout << std::fixed << std::setprecision(2) << "ranks " << o.ranks << ", threads per rank " << o.threads
            << ", dim " << o.dim << ", " << o.optimizer << "; rank 0: keys " << s.keys_in << ", distinct "
            << s.keys_sent << ", owned " << s.keys_owned << ", new " << s.rows_created << ", sent "
            << static_cast<double>(s.bytes_sent) * 1e-6 << " MB\ntables "
            << static_cast<double>(tables.memory_bytes()) * 1e-6 << " MB; copy bandwidth " << bandwidth * 1e-9
            << " GB/s\n";
  const double dedup = best(t.dedup), tuple = best(t.tuples);
  std::cout << "dedup keys      " << std::setw(9) << dedup * 1e3 << " ms  " << dedup * 1e9 / keys << " ns/key, "
            << dedup * 1e9 * threads / keys << " ns/key/core\n"
            << "dedup tuples    " << std::setw(9) << tuple * 1e3 << " ms  " << tuple * 1e9 / static_cast<double>(tuples)
            << " ns/tuple\n";
  // Lookup reads key, bucket, stored tag and row, and writes tag and row. Update reads the gradient, and reads and
  // writes row and state. With several ranks these are the owner's bytes, without the exchange.
  print_phase("lookup", best(t.lookup), rows * (8 + 64 + 2 * 16 + 2 * row_bytes), bandwidth);
  print_phase("update", best(t.update), rows * (row_bytes + 2 * (row_bytes + state_bytes)), bandwidth);
}

void run_rank(const Options& o, dist::Communicator& comm) {
  set_thread_count(o.threads);
  const double bandwidth = comm.rank() == 0 ? copy_bandwidth() : 0;
  comm.barrier();
  embedding::ShardedTables tables(comm, specs_of(o), {});
  embedding::Deduplicator deduplicator(tables.layout());
  embedding::TupleDeduplicator tuple_deduplicator;
  embedding::ShardedLookup lookup(tables);
  embedding::UniqueKeys unique;

  // The tables first get all keys of all steps, so that the steps below create no rows, and rows lie far apart.
  std::vector<Batch> batches;
  double created_s = 0;
  for (int step = 0; step < o.steps; ++step) {
    batches.push_back(make_batch(o, step, comm.rank()));
    deduplicator.run(blocks_of(o, batches.back()), unique);
    created_s += seconds_of([&] { lookup.lookup(unique, embedding::LookupMode::kTrain); });
  }
  const int64_t created = lookup.total().rows_created;

  Times times;
  std::vector<int32_t> tuple_index(batches[0].columns.back().size());
  for (Batch& batch : batches) {
    const std::vector<embedding::KeyBlock> blocks = blocks_of(o, batch);
    times.dedup.push_back(seconds_of([&] { deduplicator.run(blocks, unique); }));
    const std::vector<std::span<const int64_t>> sides(batch.columns.end() - kSides, batch.columns.end());
    times.tuples.push_back(seconds_of([&] { static_cast<void>(tuple_deduplicator.run(sides, tuple_index)); }));
    comm.barrier();
    times.lookup.push_back(seconds_of([&] { lookup.lookup(unique, embedding::LookupMode::kTrain); }));
    const Tensor gradient(DType::kFloat32, {unique.rows(0), o.dim});
    std::ranges::fill(gradient.elements<float>(), 0.01f);
    const TensorView view = gradient.view();
    comm.barrier();
    times.update.push_back(seconds_of([&] { lookup.update({&view, 1}); }));
  }
  if (comm.rank() != 0) return;
  report(o, times, lookup, tables, static_cast<int64_t>(tuple_index.size()), bandwidth);
  std::cout << "new rows        " << created << " in " << created_s * 1e3 << " ms of lookups, "
            << created_s * 1e9 / static_cast<double>(created) << " ns each\n";
}

// A full table with max_rows, in which every key is new. Bytes: the bucket's hash bytes and tags, and the written tag
// and row.
void run_full(const Options& o) {
  constexpr int64_t kRows = int64_t{1} << 20, kKeys = int64_t{1} << 15;
  set_thread_count(1);
  const double bandwidth = copy_bandwidth();
  embedding::HashedTable table(
      {.name = "full", .dim = o.dim, .optimizer = optimizer_of(o.optimizer), .max_rows = kRows}, 1);
  std::vector<int64_t> keys(kKeys);
  std::vector<int32_t> rows(kKeys), fresh;
  std::vector<double> times;
  int64_t key = 0, lost = 0;
  for (int32_t step = 1; step <= 4 * kRows / kKeys; ++step) {
    for (int64_t& k : keys) k = static_cast<int64_t>(mix64(static_cast<uint64_t>(key++)));
    fresh.clear();
    times.push_back(seconds_of([&] {
      table.find(keys, rows);
      lost = table.insert_missing(keys, rows, step, fresh);
      table.init_rows(fresh);
    }));
  }
  require(lost == kKeys, "[bench] wanted every key to take the place of a row, got ", lost, " of ", kKeys);
  const double time_s = best({times.end() - 2 * kRows / kKeys, times.end()}),
               slots = embedding::plan_buckets(kRows, 1).slots;
  const double row_bytes = static_cast<double>(table.spec().row_bytes());
  print_phase("insert and evict", time_s, kKeys * (slots + 16 * slots + row_bytes), bandwidth);
  std::cout << "                " << time_s * 1e9 / kKeys << " ns per key, one thread\n";
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Options options;
  CLI::App app{"Speed of deduplication, lookup and update of embedding rows"};
  app.add_option("--batch", options.batch, "rows of the global batch")->capture_default_str();
  app.add_option("--fields", options.fields, "id fields per row, 5 or more")->capture_default_str();
  app.add_option("--length", options.length, "behaviours per row")->capture_default_str();
  app.add_option("--dim", options.dim, "floats per row")->capture_default_str();
  app.add_option("--item-rows", options.item_rows, "items that exist")->capture_default_str();
  app.add_option("--steps", options.steps, "different batches")->capture_default_str();
  app.add_option("--threads", options.threads, "threads per rank")->capture_default_str();
  app.add_option("--ranks", options.ranks, "local ranks")->capture_default_str();
  app.add_option("--optimizer", options.optimizer, "adam, adagrad, row_wise_adagrad or sgd")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  polyscene::dist::run_local_ranks(options.ranks,
                                   [&](polyscene::dist::Communicator& comm) { polyscene::run_rank(options, comm); });
  polyscene::run_full(options);
  return 0;
}
