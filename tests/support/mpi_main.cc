// The main of test programs that run under mpirun: all ranks run all tests.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

#include "dist/world.h"
#include "ops/base/error.h"

namespace {

// Rank 0 prints the progress, the others only what fails.
class FailurePrinter : public ::testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::cerr << polyscene::str("rank ", rank_, ": ", result.file_name() ? result.file_name() : "", ":",
                                result.line_number(), ": ", result.message(), "\n");
  }

 private:
  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  int result = 1;
  const auto body = [&](polyscene::dist::Communicator& world) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    if (world.rank() != 0) {
      delete listeners.Release(listeners.default_result_printer());
      delete listeners.Release(listeners.default_xml_generator());  // rank 0 writes the report
      listeners.Append(new FailurePrinter(world.rank()));
    }
    result = RUN_ALL_TESTS();
  };
  polyscene::dist::run_mpi_rank(body, {.deadline = std::chrono::seconds(120)});
  return result;
}
