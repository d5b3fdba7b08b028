// Times device kernels at SFPNet's sizes and compares them with their limit: the longer of the time that a copy takes
// for their bytes and the time that their products take at the matrix peak, both measured in the same run. --limits
// prints the bytes and needs no device.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "ops/base/error.h"
#include "tools/bench/gpu/kernel_case.h"

namespace polyscene::bench {
namespace {

struct Options {
  KernelSizes sizes;
  int device = 0, rounds = 11;
  bool limits = false;
  std::string only, json;
};

struct Precision {
  const char* name;
  ProductPrecision value;
};
constexpr Precision kPrecisions[] = {
    {"fp32", ProductPrecision::kFloat32}, {"tf32", ProductPrecision::kTf32}, {"bf16", ProductPrecision::kBfloat16}};

struct Result {
  std::string name, precision;  // precision: empty if nothing is multiplied
  double bytes = 0, flops = 0, seconds = 0, limit_s = 0;
};

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Seconds of one run: the median of some rounds, each long enough for the host's clock and launches not to matter.
template <class Run>
double median_seconds(Device& device, int rounds, const Run& run) {
  const auto seconds_of = [&](int64_t times) {
    device.synchronize();
    const double start = now_s();
    for (int64_t i = 0; i < times; ++i) run();
    device.synchronize();
    return now_s() - start;
  };
  (void)seconds_of(3);
  const int64_t times = std::clamp<int64_t>(static_cast<int64_t>(0.005 / seconds_of(1)), 1, 1000);
  std::vector<double> seconds;
  for (int i = 0; i < rounds; ++i) seconds.push_back(seconds_of(times) / static_cast<double>(times));
  const auto middle = seconds.begin() + rounds / 2;
  std::ranges::nth_element(seconds, middle);
  return *middle;
}

// Bytes per second of a copy, read plus written.
double copy_bandwidth(Device& device, int rounds) {
  constexpr int64_t kBytes = int64_t{1} << 30;
  const auto from = device.allocate(kBytes, "a benchmark"), to = device.allocate(kBytes, "a benchmark");
  device.clear(from.get(), kBytes);
  return 2.0 * kBytes / median_seconds(device, rounds, [&] { device.copy(to.get(), from.get(), kBytes); });
}

double seconds_of(const KernelCase& c, const Options& o, Device& device, ProductPrecision precision) {
  LoadedCase loaded(c, o.sizes, device, precision);
  return median_seconds(device, o.rounds, [&] { loaded.run(); });
}

std::vector<Result> measure(const Options& o, const KernelSuite& suite, Device& device, double copy,
                            const std::map<std::string, double>& peaks) {
  std::vector<Result> results;
  for (const auto& [precision, value] : kPrecisions) {
    std::map<std::string, double> seconds;
    for (const KernelCase& c : suite.cases) {
      if (c.flops == 0 && value != ProductPrecision::kFloat32) continue;
      if (c.name.find(o.only) == std::string::npos) continue;
      const double limit = std::max(c.bytes() / copy, c.flops / peaks.at(precision));
      seconds[c.name] = seconds_of(c, o, device, value);
      results.push_back({c.name, c.flops == 0 ? "" : precision, c.bytes(), c.flops, seconds[c.name], limit});
    }
    for (const KernelRemainder& r : suite.remainders) {
      const bool measured = seconds.contains(r.whole) &&
                            std::ranges::all_of(r.products, [&](const auto& name) { return seconds.contains(name); });
      if (!measured) continue;
      double rest = seconds[r.whole];
      for (const std::string& product : r.products) rest -= seconds[product];
      results.push_back({r.name, precision, r.bytes, 0, rest, r.bytes / copy});
    }
  }
  return results;
}

void print_limits(const KernelSuite& suite) {
  std::cout << "| kernel | bytes that must move | GFLOP of products |\n|---|---|---|\n" << std::fixed;
  for (const KernelCase& c : suite.cases)
    std::cout << "| " << c.name << " | " << std::setprecision(0) << c.bytes() << " | " << std::setprecision(2)
              << 1e-9 * c.flops << " |\n";
  for (const KernelRemainder& r : suite.remainders)
    std::cout << "| " << r.name << " | " << std::setprecision(0) << r.bytes << " | 0.00 |\n";
}

void print(const std::vector<Result>& results) {
  std::cout << "| kernel | precision | us | GB/s | TFLOP/s | share of the limit |\n|---|---|---|---|---|---|\n"
            << std::fixed << std::setprecision(1);
  for (const Result& r : results)
    std::cout << "| " << r.name << " | " << r.precision << " | " << 1e6 * r.seconds << " | "
              << 1e-9 * r.bytes / r.seconds << " | " << 1e-12 * r.flops / r.seconds << " | "
              << 100 * r.limit_s / r.seconds << "% |\n";
}

void write_json(const std::string& path, const std::string& device, double copy,
                const std::map<std::string, double>& peaks, const std::vector<Result>& results) {
  nlohmann::ordered_json json{{"device", device}, {"copy_bytes_per_s", copy}, {"matrix_peak_flops", peaks}};
  for (const Result& r : results)
    json["kernels"].push_back({{"name", r.name},
                               {"precision", r.precision},
                               {"bytes", r.bytes},
                               {"flops", r.flops},
                               {"seconds", r.seconds},
                               {"limit_s", r.limit_s},
                               {"share", r.limit_s / r.seconds}});
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  file.flush();
  require(file.good(), "[bench] could not write ", path);
}

void run(const Options& o) {
  const KernelSuite suite = kernel_suite(o.sizes);
  if (o.limits) return print_limits(suite);
  const auto device = make_cuda_device(o.device);
  const double copy = copy_bandwidth(*device, o.rounds);
  std::map<std::string, double> peaks;
  const KernelCase peak = peak_case();
  for (const auto& [name, value] : kPrecisions) peaks[name] = peak.flops / seconds_of(peak, o, *device, value);
  std::cout << device->name() << ", batch " << o.sizes.batch << ": copy " << std::fixed << std::setprecision(0)
            << 1e-9 * copy << " GB/s, matrix peak";
  for (const auto& [name, flops] : peaks) std::cout << ' ' << name << ' ' << 1e-12 * flops;
  std::cout << " TFLOP/s\n\n";
  const std::vector<Result> results = measure(o, suite, *device, copy, peaks);
  print(results);
  if (!o.json.empty()) write_json(o.json, device->name(), copy, peaks, results);
}

}  // namespace
}  // namespace polyscene::bench

int main(int argc, char** argv) {
  polyscene::bench::Options o;
  CLI::App app{"Times device kernels at the sizes of SFPNet against copy bandwidth and matrix peak"};
  app.add_flag("--limits", o.limits, "print bytes and flops, which needs no device, and end");
  app.add_option("--device", o.device, "CUDA device")->capture_default_str();
  app.add_option("--batch", o.sizes.batch, "samples")->capture_default_str();
  app.add_option("--length", o.sizes.length, "most behaviours of a sample; the fewest are half")->capture_default_str();
  app.add_option("--distinct", o.sizes.distinct, "distinct behaviours of the batch")->capture_default_str();
  app.add_option("--rounds", o.rounds, "measurements of each kernel")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--only", o.only, "kernels whose name contains this");
  app.add_option("--json", o.json, "file to write the results to");
  CLI11_PARSE(app, argc, argv);
  try {
    polyscene::bench::run(o);
  } catch (const polyscene::Error& e) {
    std::cerr << "kernels_bench: " << e.what() << '\n';
    return 1;
  }
}
