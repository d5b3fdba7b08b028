#include "dist/device/ordered_reduce.h"
#include "ops/simt/simt.h"

namespace polyscene::dist {
namespace {

using simt::Global;
using simt::Thread;

struct SumTwo {
  POLYSCENE_DEVICE float operator()(float a, float b) const { return a + b; }
  POLYSCENE_DEVICE double operator()(double a, double b) const { return a + b; }
  POLYSCENE_DEVICE int32_t operator()(int32_t a, int32_t b) const {
    return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  }
  POLYSCENE_DEVICE int64_t operator()(int64_t a, int64_t b) const {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
};

struct MinTwo {
  template <class T>
  POLYSCENE_DEVICE T operator()(T a, T b) const {
    return b < a || b != b ? b : a;
  }
};

struct MaxTwo {
  template <class T>
  POLYSCENE_DEVICE T operator()(T a, T b) const {
    return b > a || b != b ? b : a;
  }
};

// Each thread adds up one element: its loads, one per rank, are independent and wait only for memory.
template <class T, class Two>
struct OrderedReduce {
  Global<const T> received, own;
  Global<T> output;
  int64_t count, stride;
  int ranks, self;
  Two two;

  POLYSCENE_DEVICE void operator()(Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) {
      T sum = of(0, i);
      for (int r = 1; r < ranks; ++r) sum = two(sum, of(r, i));
      output.store(i, sum);
    });
  }
  POLYSCENE_DEVICE T of(int rank, int64_t i) const {
    return rank == self ? own.load(i) : received.load(rank * stride + i);
  }
};

template <class T, class Two>
void run_reduction(const Stream& stream, const OrderedSources& s, void* output) {
  simt::launch(stream, "ordered_reduce", simt::shape_for(s.count),
               OrderedReduce<T, Two>{{static_cast<const T*>(s.received), s.ranks * s.stride},
                                     {static_cast<const T*>(s.own), s.count},
                                     {static_cast<T*>(output), s.count},
                                     s.count,
                                     s.stride,
                                     s.ranks,
                                     s.self,
                                     {}});
}

template <class T>
void run_reduction(const Stream& stream, ReduceOp op, const OrderedSources& sources, void* output) {
  switch (op) {
    case ReduceOp::kSum:
      return run_reduction<T, SumTwo>(stream, sources, output);
    case ReduceOp::kMin:
      return run_reduction<T, MinTwo>(stream, sources, output);
    case ReduceOp::kMax:
      return run_reduction<T, MaxTwo>(stream, sources, output);
  }
}

}  // namespace

void ordered_reduce(const Stream& stream, DType dtype, ReduceOp op, const OrderedSources& sources, void* output) {
  switch (dtype) {
    case DType::kFloat32:
      return run_reduction<float>(stream, op, sources, output);
    case DType::kFloat64:
      return run_reduction<double>(stream, op, sources, output);
    case DType::kInt32:
      return run_reduction<int32_t>(stream, op, sources, output);
    case DType::kInt64:
      return run_reduction<int64_t>(stream, op, sources, output);
  }
}

}  // namespace polyscene::dist
