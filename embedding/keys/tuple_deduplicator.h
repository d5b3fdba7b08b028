// The distinct tuples of several parallel key columns, e.g. behaviours (item, category, brand), so that a model
// computes what depends on a behaviour once per distinct behaviour.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace polyscene::embedding {

// Holds the scratch memory. One object serves one thread at a time and itself computes on thread_count() threads.
class TupleDeduplicator {
 public:
  TupleDeduplicator();
  ~TupleDeduplicator();
  TupleDeduplicator(TupleDeduplicator&&) noexcept;

  // sides: n >= 1 columns of equal length. index [length] receives each tuple's number, counted from 0 in order of
  // first appearance. Returns the position of the first appearance of each distinct tuple [distinct], ascending, in
  // memory of this object that stays valid until the next run. Whole tuples are compared, so the result is exact.
  // Throws InvalidArgument on no column, unequal lengths or more than 2^31 - 1 tuples.
  std::span<const int32_t> run(std::span<const std::span<const int64_t>> sides, std::span<int32_t> index);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace polyscene::embedding
