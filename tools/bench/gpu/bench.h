// Times work on a device and compares it with the bytes that it must move and the bandwidth of a copy in the same run.
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "ops/base/error.h"
#include "ops/device/device.h"

namespace polyscene::bench {

struct Result {
  std::string name;
  double seconds;
  double bytes;        // bytes that must move
  double keys = 0;     // keys processed; 0: the result is about rows
  double of_copy = 0;  // bytes per second, as a share of the copy's
};

class Bench {
 public:
  Bench(Device& device, int repetitions) : device_(device), repetitions_(repetitions) {
    constexpr int64_t kBytes = int64_t{1} << 30;
    const auto from = device.allocate(kBytes, "the copy"), to = device.allocate(kBytes, "the copy");
    device.clear(from.get(), kBytes);
    run("copy", 2.0 * kBytes, [&] { device.copy(to.get(), from.get(), kBytes); });
  }

  // Queues `work` many times and waits for all of it. Keeps the median over a few such rounds, per run of `work`.
  const Result& run(const std::string& name, double bytes, const std::function<void()>& work, double keys = 0) {
    work();
    device_.synchronize();
    std::vector<double> rounds;
    for (int round = 0; round < 5; ++round) {
      const auto start = std::chrono::steady_clock::now();
      for (int r = 0; r < repetitions_; ++r) work();
      device_.synchronize();
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      rounds.push_back(time.count() / repetitions_);
    }
    std::ranges::nth_element(rounds, rounds.begin() + 2);
    Result result{.name = name, .seconds = rounds[2], .bytes = bytes, .keys = keys};
    const double copy = results_.empty() ? bytes / result.seconds : results_[0].bytes / results_[0].seconds;
    result.of_copy = bytes / result.seconds / copy;
    results_.push_back(result);
    print(results_.back());
    return results_.back();
  }

  // Writes an array of objects, one per result. Throws InvalidArgument when the file cannot be written.
  void write_json(const std::string& path) const {
    std::ofstream out(path);
    out << "[";
    for (const Result& r : results_)
      out << (&r == results_.data() ? "\n" : ",\n") << "  {\"name\": \"" << r.name << "\", \"device\": \""
          << device_.name() << "\", \"seconds\": " << r.seconds << ", \"bytes\": " << r.bytes
          << ", \"keys\": " << r.keys << ", \"share_of_copy\": " << r.of_copy << "}";
    out << "\n]\n";
    out.close();
    require(out.good(), "[bench] cannot write ", path, "; choose another --json");
  }

 private:
  static void print(const Result& r) {
    std::cout << std::fixed << std::left << std::setw(44) << r.name << std::right << std::setprecision(1)
              << std::setw(10) << r.seconds * 1e6 << " us" << std::setw(9) << r.bytes * 1e-6 << " MB" << std::setw(8)
              << r.bytes / r.seconds * 1e-9 << " GB/s" << std::setw(7) << 100 * r.of_copy << " % of copy";
    if (r.keys > 0) std::cout << std::setprecision(2) << std::setw(8) << r.keys / r.seconds * 1e-9 << " G keys/s";
    std::cout << '\n';
  }

  Device& device_;
  int repetitions_;
  std::vector<Result> results_;
};

}  // namespace polyscene::bench
