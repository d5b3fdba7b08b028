#include "ops/dense/matmul_tiles.h"

#include <dnnl.h>
#include <omp.h>

#include <algorithm>

#include "ops/base/thread.h"
#include "ops/dense/matmul_bf16.h"
#include "ops/simd/pack.h"

namespace polyscene::ops {
namespace {

struct TileSizes {
  int64_t rows, cols, inner;
};

// Small enough to share among threads, large enough to reach full speed (tools/bench/ops_bench): sgemm likes powers of
// two, the bfloat16 kernel whole blocks of six rows. Weight gradients are small and sum over many rows: only those cut
// the sum itself, since sgemm slows down by a fifth where it has to pack thousands of rows for a few columns.
TileSizes tile_sizes(const Product& p) {
  constexpr int64_t kLongSum = 2048, kMaxCuts = 16;
  if (p.rows <= 1024 && p.inner >= kLongSum) {
    const int64_t cuts = std::min(kMaxCuts, p.inner / (kLongSum / 2)), even = (p.inner + 2 * cuts - 1) / (2 * cuts) * 2;
    return {p.rows <= 128 ? 64 : 168, p.cols, even};
  }
  if (p.rows >= 2048) return {p.bf16 ? 96 : 128, p.cols, p.inner};
  if (p.rows <= 256 && p.cols >= 256) return {p.bf16 ? 48 : 64, 128, p.inner};
  return {p.bf16 ? 48 : 32, p.cols, p.inner};
}

int64_t pieces(int64_t size, int64_t piece) { return (size + piece - 1) / piece; }

// oneDNN takes its number of threads from OpenMP; the tiles are the parallelism here.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// y of the tile, with `stride` floats from row to row, = op(a) op(b) over inner steps [begin, end).
using TileProduct = std::function<void(const Tile& t, int64_t begin, int64_t end, float* y, int64_t stride)>;

void sgemm_tile_product(const Product& p, const Tile& t, int64_t begin, int64_t end, float* y, int64_t stride) {
  const int64_t a_stride = p.transpose_a ? p.rows : p.inner, b_stride = p.transpose_b ? p.inner : p.cols;
  const float* a = p.transpose_a ? p.a + begin * a_stride + t.row : p.a + t.row * a_stride + begin;
  const float* b = p.transpose_b ? p.b + t.col * b_stride + begin : p.b + begin * b_stride + t.col;
  const OneThread one;
  const dnnl_status_t status =
      dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', t.row_end - t.row, t.col_end - t.col,
                 end - begin, 1.0f, a, a_stride, b, b_stride, 0.0f, y, stride);
  require<DeviceError>(status == dnnl_success, "[ops.matmul] oneDNN's sgemm failed with status ", status,
                       "; try fewer local ranks if memory is short");
}

// The inner steps cut too: partial products side by side, then added in order.
void long_product(const Product& p, const TileSizes& sizes, int64_t tiles, Scratch& scratch,
                  const TileProduct& tile_product, const std::function<Tile(int64_t)>& tile_at,
                  const std::function<void(const Tile&)>& done) {
  const int64_t cuts = pieces(p.inner, sizes.inner), elements = p.rows * p.cols;
  float* partial = scratch.get<float>(cuts * elements).data();
  parallel_for(tiles * cuts, 1, [&](int64_t task, int64_t) {
    const Tile t = tile_at(task % tiles);
    const int64_t cut = task / tiles, begin = cut * sizes.inner;
    tile_product(t, begin, std::min(begin + sizes.inner, p.inner), partial + cut * elements + t.row * p.cols + t.col,
                 p.cols);
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
  TileProduct tile_product = [&p](const Tile& t, int64_t begin, int64_t end, float* y, int64_t stride) {
    sgemm_tile_product(p, t, begin, end, y, stride);
  };
  if (p.bf16) {
    const float* b = packed(p.b, p.inner, p.cols, p.transpose_b, Cells::kBfloat16, scratch);
    tile_product = [&p, b](const Tile& t, int64_t begin, int64_t end, float* y, int64_t stride) {
      bf16_tile_product(p, b, t, begin, end, y, stride);
    };
  }
  if (sizes.inner < p.inner) return long_product(p, sizes, tiles, scratch, tile_product, tile_at, done);
  parallel_for(tiles, 1, [&](int64_t index, int64_t) {
    const Tile t = tile_at(index);
    tile_product(t, 0, p.inner, p.y + t.row * p.cols + t.col, p.cols);
    done(t);
  });
}

}  // namespace polyscene::ops
