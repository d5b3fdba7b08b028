// Measures a checkpoint of a large table with its state: how long training waits, and how fast it is written and read,
// compared with the file system's rate for as many bytes in the same run (written and synced; read with nothing
// cached). Then measures how much a save in the background slows the steps.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <thread>

#include "core/checkpoint/checkpoint.h"
#include "core/session/session.h"
#include "dist/world.h"
#include "ops/base/philox.h"
#include "ops/base/thread.h"
#include "tools/bench/flops.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;
using bench::now_s;

constexpr int64_t kBlock = int64_t{8} << 20;

struct Arguments {
  std::string folder = "/tmp/polyscene_checkpoint_bench";
  int64_t rows = 10'000'000;
  int dim = 16;
  int64_t batch = 4096;
  int threads = 2, rounds = 3;
  bool json = false;
};

void require_system(bool ok, const char* what, const std::string& path) {
  require<DataError>(ok, "[bench] cannot ", what, " ", path, ": ", std::strerror(errno));
}

void drop_from_cache(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY);
  require_system(file >= 0 && ::fsync(file) == 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0, "uncache",
                 path);
  ::close(file);
}

// Touches this much memory before the measurements: the host of a virtual machine may have to find memory that its
// guest touches for the first time, which takes longer than anything measured here.
void touch_memory(int64_t bytes) {
  const std::unique_ptr<char[]> memory(new char[static_cast<size_t>(bytes)]);
  for (int64_t i = 0; i < bytes; i += 4096) {
    char* const page = memory.get() + i;
    *page = 1;
    __asm__ volatile("" : : "r"(page) : "memory");
  }
}

// Seconds to write as many bytes and sync them.
double plain_write_s(const std::string& folder, int64_t bytes) {
  const std::string path = folder + "/rate";
  std::vector<char> block(kBlock);
  PhiloxStream random(1);
  for (size_t i = 0; i + 4 <= block.size(); i += 4) {
    const auto word = static_cast<uint32_t>(random.next_below(~uint32_t{0}));
    std::memcpy(block.data() + i, &word, 4);
  }
  const double start = now_s();
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0666);
  require_system(file >= 0, "create", path);
  for (int64_t done = 0; done < bytes; done += kBlock)
    require_system(::write(file, block.data(), block.size()) == static_cast<ssize_t>(block.size()), "write", path);
  require_system(::fsync(file) == 0, "sync", path);
  ::close(file);
  const double taken = now_s() - start;
  fs::remove(path);
  return taken;
}

void drop_all_from_cache(const std::string& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) drop_from_cache(entry.path().string());
}

// Seconds to read the files of a folder.
double plain_read_s(const std::string& folder) {
  std::vector<char> block(kBlock);
  const double start = now_s();
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY);
    while (::read(file, block.data(), block.size()) > 0) {
    }
    ::close(file);
  }
  return now_s() - start;
}

// The peak of the process's own memory during this object's lifetime, beyond what it held before. Pages of files are
// not counted, since the system can take them back.
class PeakMemory {
 public:
  PeakMemory()
      : watcher_([this] {
          while (!ended_) {
            peak_ = std::max<int64_t>(peak_, now());
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
          }
        }) {}
  PeakMemory(const PeakMemory&) = delete;
  PeakMemory& operator=(const PeakMemory&) = delete;
  ~PeakMemory() {
    if (watcher_.joinable()) stop();
  }
  int64_t stop() {
    ended_ = true;
    watcher_.join();
    return std::max<int64_t>(peak_, now()) - before_;
  }

 private:
  static int64_t now() {
    long long pages = 0, resident = 0, shared = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%lld %lld %lld", &pages, &resident, &shared) != 3) resident = shared = 0;
    if (file != nullptr) std::fclose(file);
    return (resident - shared) * ::sysconf(_SC_PAGESIZE);
  }

  int64_t before_ = now();
  std::atomic<int64_t> peak_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread watcher_;
};

// The median, as the middle value.
double median(std::vector<double> of) {
  std::ranges::sort(of);
  return of[of.size() / 2];
}

config::Experiment experiment_of(const Arguments& arguments) {
  config::Experiment e;
  auto& item = *e.mutable_data()->add_feature();
  item.set_name("item");
  item.mutable_categorical();
  auto& scene = *e.mutable_data()->add_feature();
  scene.set_name("scene");
  scene.mutable_categorical();
  scene.set_role(config::Feature::SCENARIO);
  e.mutable_data()->add_label()->set_name("click");
  e.mutable_embedding()->set_dim(arguments.dim);
  for (const int width : {512, 256}) e.mutable_model()->add_head(width);
  e.mutable_model()->mutable_mlp();
  e.mutable_train()->mutable_checkpoint()->set_every_steps(1);
  return e;
}

core::Batch random_rows(const Arguments& arguments, PhiloxStream& random) {
  core::Batch batch;
  batch.rows = batch.global_rows = arguments.batch;
  batch.fields.resize(2);
  batch.labels.resize(1);
  for (int64_t row = 0; row < arguments.batch; ++row) {
    batch.fields[0].push_back(static_cast<int64_t>(random.next_below(static_cast<uint32_t>(arguments.rows))));
    batch.fields[1].push_back(static_cast<int64_t>(random.next_below(5)));
    batch.labels[0].push_back(static_cast<float>(random.next_below(2)));
  }
  return batch;
}

// Seconds for this many steps. A sum and not a median, since a save has phases.
double seconds_of(core::Session& session, const std::vector<core::Batch>& batches, int steps) {
  const double start = now_s();
  for (int s = 0; s < steps; ++s) {
    const core::Batch& batch = batches[static_cast<size_t>(s) % batches.size()];
    session.train_step(batch, batch.rows, 1);
  }
  return now_s() - start;
}

void run(const Arguments& arguments) {
  set_thread_count(arguments.threads);
  const config::Experiment experiment = experiment_of(arguments);
  const core::FeatureSchema schema = core::FeatureSchema::from(experiment.data());
  const auto one = dist::make_single_world();
  core::Session session(experiment, schema, dist::Rank{.communicator = *one});
  const int table = session.tables().layout().table("item");
  const int64_t width = session.tables().spec(table).optimizer.state_width(arguments.dim);
  {
    const auto n = static_cast<size_t>(arguments.rows);
    std::vector<int64_t> keys(n);
    std::iota(keys.begin(), keys.end(), int64_t{0});
    std::vector<float> values(n * static_cast<size_t>(arguments.dim)), state(n * static_cast<size_t>(width));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000) * 1e-3f;
    for (size_t i = 0; i < state.size(); ++i) state[i] = static_cast<float>(i % 997) * 1e-4f;
    (void)session.tables().load_rows(table, {.keys = keys, .values = values, .state = state});
  }
  fs::create_directories(arguments.folder);
  const core::RunFolder run(arguments.folder + "/run");
  fs::create_directories(run.events());
  const int64_t bytes = arguments.rows * (16 + 4 * (arguments.dim + width));
  double load_memory = 0, save_memory = 0;
  const auto load = [&](const std::string& checkpoint) {
    core::Session loaded(experiment, schema, dist::Rank{.communicator = *one});
    PeakMemory memory;
    const double start = now_s();
    (void)load_checkpoint(checkpoint, "bench", loaded.state());
    const double taken = now_s() - start;
    load_memory =
        std::max(load_memory, static_cast<double>(memory.stop()) / static_cast<double>(loaded.tables().memory_bytes()));
    require(loaded.tables().rows(table) == arguments.rows, "[bench] wanted ", arguments.rows, " rows, loaded ",
            loaded.tables().rows(table));
    return taken;
  };
  // Alternates with the file system, whose rate changes from one second to the next.
  std::vector<double> waited, write_s, disk_write_s, read_s, disk_read_s;
  touch_memory(2 * bytes);
  for (int round = 0; round < arguments.rounds; ++round) {
    disk_write_s.push_back(plain_write_s(arguments.folder, bytes));
    const double start = now_s();
    core::CheckpointSave save(run, experiment, "bench", {.step = 1}, session.state());
    waited.push_back(now_s() - start);
    save.finish();
    write_s.push_back(now_s() - start);
    const std::string checkpoint = core::find_checkpoint(run.path());
    drop_all_from_cache(checkpoint);
    disk_read_s.push_back(plain_read_s(checkpoint));
    drop_all_from_cache(checkpoint);
    read_s.push_back(load(checkpoint));
  }

  PhiloxStream random(2);
  std::vector<core::Batch> batches;
  for (int i = 0; i < 16; ++i) batches.push_back(random_rows(arguments, random));
  (void)seconds_of(session, batches, 16);
  // Steps alone and during a save, in alternation. The save gets only the time that the steps leave, so it outlasts
  // them.
  double alone = 0, beside = 0;
  int64_t steps = 0;
  constexpr int kSteps = 100;
  for (int round = 0; round < 3; ++round) {
    alone += seconds_of(session, batches, kSteps);
    PeakMemory memory;
    core::CheckpointSave background(run, experiment, "bench", {.step = 2 + round}, session.state());
    for (int done = 0; done < kSteps && !background.written(); done += 4, steps += 4)
      beside += seconds_of(session, batches, 4);
    background.finish();
    save_memory = std::max(save_memory,
                           static_cast<double>(memory.stop()) / static_cast<double>(session.tables().memory_bytes()));
  }
  const double step_s = alone / (3 * kSteps);
  fs::remove_all(arguments.folder);
  const auto gb_s = [&](const std::vector<double>& seconds) {
    return static_cast<double>(bytes) / 1e9 / median(seconds);
  };
  std::printf(
      arguments.json
          ? "{\"rows\": %lld, \"bytes\": %lld, \"waited_s\": %.4f, \"write_gb_s\": %.3f, \"disk_write_gb_s\": %.3f, "
            "\"read_gb_s\": %.3f, \"disk_read_gb_s\": %.3f, \"step_ms\": %.2f, \"step_beside_save_ms\": %.2f, "
            "\"load_memory\": %.2f, \"save_memory\": %.2f}\n"
          : "%lld rows, %lld bytes: training waits %.4f s; written at %.3f GB/s, the file system takes %.3f; read at "
            "%.3f "
            "GB/s, the file system gives %.3f; a step takes %.2f ms, beside a save %.2f ms; memory, of the tables': "
            "loading takes %.2f times, a save beside training %.2f times\n",
      static_cast<long long>(arguments.rows), static_cast<long long>(bytes), median(waited), gb_s(write_s),
      gb_s(disk_write_s), gb_s(read_s), gb_s(disk_read_s), 1e3 * step_s, 1e3 * beside / static_cast<double>(steps),
      load_memory, save_memory);
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::Arguments arguments;
  CLI::App app{"Checkpoints of a large table: written, read, and beside training"};
  app.add_option("--folder", arguments.folder, "Where to write; is removed at the end")->capture_default_str();
  app.add_option("--rows", arguments.rows, "Rows of the table")->capture_default_str();
  app.add_option("--dim", arguments.dim, "Floats of a row")->capture_default_str();
  app.add_option("--batch", arguments.batch, "Rows of a training batch")->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "Times that it is written and read")->capture_default_str();
  app.add_option("--threads", arguments.threads, "Threads")->capture_default_str();
  app.add_flag("--json", arguments.json, "One JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    polyscene::run(arguments);
  } catch (const polyscene::Error& e) {
    std::cerr << e.what() << "\n";
    return static_cast<int>(e.kind());
  }
  return 0;
}
