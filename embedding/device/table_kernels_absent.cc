// Programs that link polyscene_embedding_cuda use its kernels instead of these: this file is a member of an archive,
// and a linker takes a member only for symbols that are still undefined.
#include "embedding/device/table_kernels.h"
#include "ops/base/error.h"

namespace polyscene::embedding {
namespace {

[[noreturn]] void absent() {
  throw DeviceError(
      "[embedding.device] wanted tables on a device, but this program was built without CUDA kernels; configure with "
      "-DPOLYSCENE_CUDA=ON on a host with nvcc, or run on the CPU");
}

}  // namespace

void index_rows(const Stream&, const TableView&, const int32_t*, int64_t) { absent(); }
void find_rows(const Stream&, const DeviceKeys&, int32_t*, const TouchedKeys&) { absent(); }
void place_rows(const Stream&, const DeviceKeys&, int32_t*, const TouchedKeys&, const TableCounts&) { absent(); }
void link_keys(const Stream&, const DeviceKeys&, int32_t*, uint32_t*, int32_t*, int32_t*) { absent(); }
void gather_table_rows(const Stream&, const DeviceKeys&, const int32_t*) { absent(); }
void insert_and_gather(const Stream&, const DeviceKeys&, int32_t*, const TouchedKeys&, const TableCounts&) { absent(); }
void check_gradients(const KernelContext&, const DeviceKeys&, const int32_t*, const UpdateFlags&) { absent(); }
void update_table_rows(const Stream&, const DeviceKeys&, const int32_t*, const int32_t*, const OptimizerStep*,
                       const UpdateFlags&, const int32_t*) {
  absent();
}
void overwrite_rows(const Stream&, const DeviceKeys&, const int32_t*, const float*, const float*,
                    const AccessStatistics*) {
  absent();
}

}  // namespace polyscene::embedding
