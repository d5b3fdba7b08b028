#include <algorithm>

#include "ops/base/thread.h"
#include "ops/dense/fixed_cols.h"
#include "ops/jagged/scatter_add_rows.h"
#include "ops/jagged/source_lists.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kRowGrain = 256;
// A longer list is cut into pieces of this length, which are summed in parallel and then added in order, so that one
// row with very many sources does not delay the rest.
constexpr int64_t kPieceSources = 512;
// The sources of a row may be anywhere in g: without a prefetch every one of them would wait for memory.
constexpr int64_t kPrefetchAhead = 12;

struct Piece {
  int32_t begin, end;  // in SourceLists::order
};
struct LongRow {
  int32_t row, first_piece, last_piece;  // last_piece is exclusive
};
struct LongRows {
  std::span<LongRow> rows;
  std::span<Piece> pieces;
};

LongRows find_long_rows(const SourceLists& lists, Scratch& scratch) {
  const auto rows = static_cast<int32_t>(lists.begin.size()) - 1;
  const int64_t most = lists.begin.back() / kPieceSources + 1;
  const LongRows space{scratch.get<LongRow>(most), scratch.get<Piece>(2 * most)};
  size_t found = 0, pieces = 0;
  for (int32_t u = 0; u < rows; ++u) {
    const int32_t begin = lists.begin[u], end = lists.begin[int64_t{u} + 1];
    if (end - begin <= kPieceSources) continue;
    const auto first_piece = static_cast<int32_t>(pieces);
    for (int32_t k = begin; k < end; k += kPieceSources)
      space.pieces[pieces++] = {k, std::min<int32_t>(k + kPieceSources, end)};
    space.rows[found++] = {u, first_piece, static_cast<int32_t>(pieces)};
  }
  return {space.rows.first(found), space.pieces.first(pieces)};
}

template <class T, class Cols>
void add_row(T* __restrict sum, const T* __restrict x, Cols cols) {
  for (int64_t c = 0; c < cols; ++c) sum[c] += x[c];
}

template <class T, class Cols>
void prefetch_row(const T* x, Cols cols) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t c = 0; c < cols; c += kLine) __builtin_prefetch(x + c);
}

// to = the sum of the sources of `piece`, in order.
template <class T, class Cols>
void sum_sources(T* to, const T* g, std::span<const int32_t> order, Piece piece, Cols cols) {
  const auto add_all = [=](T* sum) {
    const auto last = std::ssize(order) - 1;
    for (int64_t k = piece.begin; k < piece.end; ++k) {
      prefetch_row(g + order[std::min(k + kPrefetchAhead, last)] * int64_t{cols}, cols);
      add_row(sum, g + order[k] * int64_t{cols}, cols);
    }
  };
  if constexpr (std::is_integral_v<Cols>) {
    std::fill_n(to, cols, T{0});
    add_all(to);
  } else {
    T sum[Cols::value] = {};  // stays in registers
    add_all(sum);
    copy_row(to, sum, cols);
  }
}

template <class T, class Cols>
void sum_lists(T* y, const T* g, const SourceLists& lists, Cols cols, Scratch& scratch) {
  const LongRows long_rows = find_long_rows(lists, scratch);
  const int32_t* first = lists.begin.data();
  const auto order = lists.order.first(lists.begin.back());
  T* partial = scratch.get<T>(std::ssize(long_rows.pieces) * cols).data();  // [pieces, cols]

  parallel_for(std::ssize(long_rows.pieces), 1, [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) sum_sources(partial + p * cols, g, order, long_rows.pieces[p], cols);
  });
  parallel_for(std::ssize(lists.begin) - 1, kRowGrain, [=](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u)
      if (first[u + 1] - first[u] <= kPieceSources) sum_sources(y + u * cols, g, order, {first[u], first[u + 1]}, cols);
  });
  for (const LongRow& row : long_rows.rows) {
    T* sum = y + row.row * int64_t{cols};
    std::fill_n(sum, static_cast<int64_t>(cols), T{0});
    for (int64_t p = row.first_piece; p < row.last_piece; ++p) add_row(sum, partial + p * cols, cols);
  }
}

}  // namespace

void scatter_add_rows_cpu(const KernelContext& context) {
  const int64_t rows = context.outputs[0].shape[0], dim = context.outputs[0].shape[1];
  const SourceLists lists = invert_index(context.inputs[1].elements<const int32_t>(), rows, context.scratch);
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    with_fixed_cols(dim, [&](auto cols) {
      sum_lists(context.outputs[0].as<T>(), context.inputs[0].as<const T>(), lists, cols, context.scratch);
    });
  });
}

}  // namespace polyscene::ops
