#include "ops/dense/matmul_tiles.h"

#include <dnnl.h>
#include <omp.h>

#include <algorithm>

#include "ops/base/signals.h"
#include "ops/base/thread.h"
#include "ops/dense/matmul_bf16.h"
#include "ops/simd/pack.h"

namespace polyscene::ops {
namespace {

int64_t pieces(int64_t size, int64_t piece) { return (size + piece - 1) / piece; }

struct TileSizes {
  int64_t rows, cols, inner;
};

// Tiles are small enough to share among threads and large enough to reach full speed (tools/bench/ops_bench): sgemm
// prefers powers of two, the bfloat16 kernel whole blocks of six or sixteen rows. Weight gradients are small and sum
// over many rows, so only they split the sum itself: sgemm slows down by a fifth if it has to pack thousands of rows
// for a few columns. If the parts already split the sum, it is not split further, because packed bfloat16 steps must
// not be separated.
TileSizes tile_sizes(const Product& p) {
  constexpr int64_t kLongSum = 2048, kMaxCuts = 16;
  const bool whole_sum = p.transpose_a || p.a.size() == 1;
  if (p.rows <= 1024 && p.inner >= kLongSum && whole_sum) {
    const int64_t cuts = std::min(kMaxCuts, p.inner / (kLongSum / 2));
    return {p.rows <= 128 ? 64 : 168, p.cols, pieces(p.inner, kBf16Steps * cuts) * kBf16Steps};
  }
  if (p.rows >= 2048) return {p.bf16 ? 96 : 128, p.cols, p.inner};
  if (p.rows <= 256 && p.cols >= 256) return {p.bf16 ? 48 : 64, 128, p.inner};
  return {p.bf16 ? 48 : 32, p.cols, p.inner};
}

// oneDNN takes its thread count from OpenMP. The tiles are the parallelism here, so it gets one thread.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// A part of a, and the matching rows of op(b): all of them if a is transposed.
struct Term {
  Part a;
  int64_t first;   // its first column in the whole of a
  int64_t steps;   // inner steps
  const float* b;  // in place, or packed by packed() for bfloat16
};

std::vector<Term> terms_of(const Product& p, Scratch& scratch) {
  const auto pack = [&](const float* b, int64_t steps) {
    return p.bf16 ? packed(b, steps, p.cols, p.transpose_b, Cells::kBfloat16, scratch) : b;
  };
  const float* whole = p.transpose_a ? pack(p.b, p.inner) : nullptr;
  std::vector<Term> terms;
  int64_t first = 0;
  for (const Part& part : p.a) {
    if (part.cols == 0) continue;
    const float* b = whole != nullptr ? whole : pack(p.b + first * p.cols, part.cols);
    terms.push_back({part, first, p.transpose_a ? p.inner : part.cols, b});
    first += part.cols;
  }
  return terms;
}

// y of the tile = (or +=) one part's product over inner steps [begin, end); rows and steps are counted within the part.
void part_product(const Product& p, const Term& term, const Tile& t, int64_t begin, int64_t end, bool add, float* y,
                  int64_t stride) {
  const Part& part = term.a;
  if (p.bf16) return bf16_tile_product({p.transpose_a, part, term.steps, term.b}, t, begin, end, add, y, stride);
  const int64_t b_stride = p.transpose_b ? p.inner : p.cols;
  const float* a = p.transpose_a ? part.data + begin * part.cols + t.row : part.data + t.row * part.cols + begin;
  const float* b = p.transpose_b ? term.b + t.col * b_stride + begin : term.b + begin * b_stride + t.col;
  const OneThread one;
  const SignalsHeld held;
  const dnnl_status_t status =
      dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', t.row_end - t.row, t.col_end - t.col,
                 end - begin, 1.0f, a, part.cols, b, b_stride, add ? 1.0f : 0.0f, y, stride);
  require<DeviceError>(status == dnnl_success, "[ops.matmul] oneDNN's sgemm failed with status ", status,
                       "; try fewer local ranks if memory is short");
}

// y of the tile, with row stride `stride`, = op(a) op(b) over inner steps [begin, end): the sum of the parts, or each
// part's own rows.
void tile_product(const Product& p, std::span<const Term> terms, const Tile& t, int64_t begin, int64_t end, float* y,
                  int64_t stride) {
  for (const Term& term : terms) {
    const int64_t first = term.first, last = first + term.a.cols;
    const int64_t from = std::max(first, p.transpose_a ? t.row : begin);
    const int64_t to = std::min(last, p.transpose_a ? t.row_end : end);
    if (from >= to) continue;
    if (p.transpose_a)
      part_product(p, term, {from - first, to - first, t.col, t.col_end}, begin, end, false,
                   y + (from - t.row) * stride, stride);
    else
      part_product(p, term, t, from - first, to - first, from > begin, y, stride);
  }
}

// Splits the inner steps too: computes partial products next to each other, then adds them in order.
void long_product(const Product& p, std::span<const Term> terms, const TileSizes& sizes, int64_t tiles,
                  Scratch& scratch, const std::function<Tile(int64_t)>& tile_at,
                  const std::function<void(const Tile&)>& done) {
  const int64_t cuts = pieces(p.inner, sizes.inner), elements = p.rows * p.cols;
  float* partial = scratch.get<float>(cuts * elements).data();
  parallel_for(tiles * cuts, 1, [&](int64_t task, int64_t) {
    const Tile t = tile_at(task % tiles);
    const int64_t cut = task / tiles, begin = cut * sizes.inner;
    tile_product(p, terms, t, begin, std::min(begin + sizes.inner, p.inner),
                 partial + cut * elements + t.row * p.cols + t.col, p.cols);
  });
  parallel_for(tiles, 1, [&](int64_t task, int64_t) {
    const Tile t = tile_at(task);
    for (int64_t i = t.row; i < t.row_end; ++i)
      for (int64_t cut = 0; cut < cuts; ++cut) {
        const float* from = partial + cut * elements + i * p.cols;
        float* to = p.y + i * p.cols;
        for (int64_t j = t.col; j < t.col_end; ++j) to[j] = cut == 0 ? from[j] : to[j] + from[j];
      }
    done(t);
  });
}

}  // namespace

std::vector<Part> parts_of(std::span<const TensorView> inputs, size_t count) {
  std::vector<Part> parts;
  for (const TensorView& x : inputs.first(count)) parts.push_back({x.as<const float>(), x.shape[1]});
  return parts;
}

void tiled_product(const Product& p, Scratch& scratch, const std::function<void(const Tile&)>& done) {
  if (p.rows == 0 || p.cols == 0) return;
  const TileSizes sizes = tile_sizes(p);
  const int64_t across = pieces(p.cols, sizes.cols), tiles = pieces(p.rows, sizes.rows) * across;
  const auto tile_at = [&](int64_t index) {
    const int64_t row = index / across * sizes.rows, col = index % across * sizes.cols;
    return Tile{row, std::min(row + sizes.rows, p.rows), col, std::min(col + sizes.cols, p.cols)};
  };
  if (p.inner == 0) {
    std::fill_n(p.y, p.rows * p.cols, 0.0f);
    return done({0, p.rows, 0, p.cols});
  }
  const std::vector<Term> terms = terms_of(p, scratch);
  if (sizes.inner < p.inner) return long_product(p, terms, sizes, tiles, scratch, tile_at, done);
  parallel_for(tiles, 1, [&](int64_t index, int64_t) {
    const Tile t = tile_at(index);
    tile_product(p, terms, t, 0, p.inner, p.y + t.row * p.cols + t.col, p.cols);
    done(t);
  });
}

}  // namespace polyscene::ops
