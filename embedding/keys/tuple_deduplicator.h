// The distinct tuples of several parallel key columns, e.g. behaviours (item, category, brand): what a model computes
// per behaviour it then computes once per distinct one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace polyscene {

// Holds the scratch memory; one object serves one thread at a time and uses thread_count() threads itself.
class TupleDeduplicator {
 public:
  TupleDeduplicator();
  ~TupleDeduplicator();
  TupleDeduplicator(TupleDeduplicator&&) noexcept;

  // sides: n columns of equal length [length], n >= 1. index [length] receives each tuple's number, counted from 0 in
  // order of first appearance. Returns where each distinct tuple first appears [distinct], ascending; the memory is
  // this object's and holds until the next run. Exact: whole tuples are compared. Throws InvalidArgument on no column,
  // unequal lengths or more than 2^31 - 1 tuples.
  std::span<const int32_t> run(std::span<const std::span<const int64_t>> sides, std::span<int32_t> index);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace polyscene
