// Products of bfloat16 tiles with AMX: one instruction multiplies 16 rows by 32 inner steps with 32 steps by 16
// columns, twenty times the arithmetic of the vector units. Compilers know neither the tile registers nor that they are
// in use; the instructions are inline assembly for the reason in cells-inl.h. Include like tile_product-inl.h.
#if defined(POLYSCENE_OPS_SIMD_AMX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POLYSCENE_OPS_SIMD_AMX_INL_H_
#undef POLYSCENE_OPS_SIMD_AMX_INL_H_
#else
#define POLYSCENE_OPS_SIMD_AMX_INL_H_
#endif

#include "ops/simd/cells-inl.h"
#include "ops/simd/workspace.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

#if HWY_CAP_GE512
// Configures all eight tile registers of the calling thread as 16 rows of 64 bytes, and releases them at the end: a
// thread that holds tiles pays for them at every context switch, and oneDNN configures its own.
class TileRegisters {
 public:
  HWY_INLINE TileRegisters() {
    static constexpr Configuration kWhole;
    asm volatile("ldtilecfg %0" : : "m"(kWhole));
  }
  HWY_INLINE ~TileRegisters() { asm volatile("tilerelease"); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;

 private:
  struct alignas(64) Configuration {  // the layout that the processor reads
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
};

// Two steps per cell like Bf16Pairs, which is the format that AMX reads, in blocks of 16 by 16 cells. If the left
// operand is stored by columns, every block is stored transposed, because AMX reads rows. Missing rows of a left block
// may hold any values.
struct Bf16Tiles : Bf16Pairs {
  static constexpr int kBlock = 16;

  static HWY_INLINE void by_rows(const float* x, int64_t stride, int64_t rows, int64_t cols, float* to,
                                 int64_t to_stride) {
    Bf16Pairs::by_rows(x, stride, rows, cols, to, to_stride);
    for (int64_t i = (rows + 1) / 2; i % kBlock != 0; ++i) std::fill_n(to + i * to_stride, padded_cols(cols), 0.0f);
  }
  static HWY_INLINE void transpose_blocks(float* to, int64_t rows, int64_t stride) {
    for (int64_t i = 0; i < rows; i += kBlock)
      for (int64_t j = 0; j < stride; j += kBlock) transpose(to + i * stride + j, stride, to + i * stride + j, stride);
  }

  // See tile_product.
  template <class Left, class Begin, class End>
  static HWY_INLINE void product(Left left, Panels right, int64_t rows, int64_t inner, int64_t cols, const Begin& begin,
                                 const End& end) {
    for (int64_t col = 0; col < cols; col += kPanelCols, right.data += right.panel) {
      const int64_t rest = cols - col;
      for (int64_t row = 0; row < rows; row += 32) {
        alignas(64) float sums[32 * kPanelCols];
        const int64_t count = std::min<int64_t>(32, rows - row);
        if (count > 16)
          row_product<2>(left, right, row, inner, rest, sums);
        else
          row_product<1>(left, right, row, inner, rest, sums);
        if (rest >= kPanelCols)
          finish(sums, row, count, col, Whole{}, begin, end);
        else
          finish(sums, row, count, col, rest, begin, end);
      }
    }
  }

 private:
  template <int kTile>
  static HWY_INLINE void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  static HWY_INLINE void load(const float* from, int64_t stride) {
    asm volatile("tileloadd (%1,%2), %%tmm%c0" : : "i"(kTile), "r"(from), "r"(4 * stride) : "memory");
  }
  template <int kTile>
  static HWY_INLINE void store(float* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c0, (%1,%2)" : : "i"(kTile), "r"(to), "r"(4 * stride) : "memory");
  }
  template <int kSum, int kLeft, int kRight>
  static HWY_INLINE void add_product() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
  }

  // sums = left right for kRowTiles by kColTiles tiles, with rows of kPanelCols. Registers: sums 0 to 3, left 4 and 5,
  // right 6 and 7; two by two tiles hide the loads and the latency of a sum.
  template <int kRowTiles, int kColTiles, class Left>
  static HWY_INLINE void block_product(Left left, const float* right, int64_t right_row, int64_t row, int64_t inner,
                                       float* sums) {
    zero<0>();
    if constexpr (kColTiles == 2) zero<1>();
    if constexpr (kRowTiles == 2) zero<2>();
    if constexpr (kRowTiles == 2 && kColTiles == 2) zero<3>();
    for (int64_t k = 0; k < inner; k += 16, right += 16 * right_row) {
      load<6>(right, right_row);
      if constexpr (kColTiles == 2) load<7>(right + 16, right_row);
      load<4>(left.at(row, k), left.stride);
      add_product<0, 4, 6>();
      if constexpr (kColTiles == 2) add_product<1, 4, 7>();
      if constexpr (kRowTiles == 2) {
        load<5>(left.at(row + 16, k), left.stride);
        add_product<2, 5, 6>();
        if constexpr (kColTiles == 2) add_product<3, 5, 7>();
      }
    }
    store<0>(sums, kPanelCols);
    if constexpr (kColTiles == 2) store<1>(sums + 16, kPanelCols);
    if constexpr (kRowTiles == 2) store<2>(sums + 16 * kPanelCols, kPanelCols);
    if constexpr (kRowTiles == 2 && kColTiles == 2) store<3>(sums + 16 * kPanelCols + 16, kPanelCols);
  }

  // The same for all columns of a panel.
  template <int kRowTiles, class Left>
  static HWY_INLINE void row_product(Left left, Panels right, int64_t row, int64_t inner, int64_t cols, float* sums) {
    int64_t col = 0;
    for (; col < std::min<int64_t>(cols, kPanelCols) - 16; col += 32)
      block_product<kRowTiles, 2>(left, right.data + col, right.row, row, inner, sums + col);
    if (col < cols && col < kPanelCols)
      block_product<kRowTiles, 1>(left, right.data + col, right.row, row, inner, sums + col);
  }

  template <class Begin, class End, class Cols>
  static HWY_INLINE void finish(const float* sums, int64_t row, int64_t rows, int64_t col, Cols cols_left,
                                const Begin& begin, const End& end) {
    const int vectors = vectors_of(cols_left);
    for (int64_t i = row; i < row + rows; ++i, sums += kPanelCols)
      for (int v = 0; v < vectors; ++v) {
        const auto left = cols_after(cols_left, v);
        const Vector start = begin(i, col + v * kLanes, left);
        end(i, col + v * kLanes, left, hn::Add(start, hn::Load(Lanes(), sums + v * kLanes)));
      }
  }
  static HWY_INLINE constexpr int vectors_of(Whole) { return kPanelVectors; }
  static HWY_INLINE int vectors_of(int64_t cols) { return static_cast<int>((cols + kLanes - 1) / kLanes); }
};
#else
using Bf16Tiles = Bf16Rounded;
struct TileRegisters {};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#endif  // POLYSCENE_OPS_SIMD_AMX_INL_H_
