// What dist/nccl/abi.h says of NCCL is what the header of the NCCL on this machine says.
#include <gtest/gtest.h>
#include <nccl.h>

#include <cstddef>

#include "dist/nccl/library.h"

namespace polyscene::dist::nccl {
namespace {

static_assert(sizeof(UniqueId) == sizeof(ncclUniqueId) && alignof(UniqueId) == alignof(ncclUniqueId));
static_assert(sizeof(Result) == sizeof(ncclResult_t) && sizeof(DataType) == sizeof(ncclDataType_t) &&
              sizeof(ReduceOp) == sizeof(ncclRedOp_t));

template <class Ours, class Theirs>
constexpr bool same(Ours ours, Theirs theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(same(Result::kSuccess, ncclSuccess) && same(Result::kUnhandledCudaError, ncclUnhandledCudaError) &&
              same(Result::kSystemError, ncclSystemError) && same(Result::kInternalError, ncclInternalError) &&
              same(Result::kInvalidArgument, ncclInvalidArgument) && same(Result::kInvalidUsage, ncclInvalidUsage) &&
              same(Result::kRemoteError, ncclRemoteError) && same(Result::kInProgress, ncclInProgress));
static_assert(same(DataType::kUint8, ncclUint8) && same(DataType::kInt32, ncclInt32) &&
              same(DataType::kInt64, ncclInt64) && same(DataType::kFloat32, ncclFloat32) &&
              same(DataType::kFloat64, ncclFloat64));
static_assert(same(ReduceOp::kSum, ncclSum) && same(ReduceOp::kMax, ncclMax) && same(ReduceOp::kMin, ncclMin));

static_assert(offsetof(Config, size) == offsetof(ncclConfig_t, size) &&
              offsetof(Config, magic) == offsetof(ncclConfig_t, magic) &&
              offsetof(Config, version) == offsetof(ncclConfig_t, version) &&
              offsetof(Config, blocking) == offsetof(ncclConfig_t, blocking));
static_assert(Config{}.version == NCCL_VERSION(2, 14, 0) && kOldestVersion == NCCL_VERSION(2, 18, 0));

// Which of our types stands for which of theirs in the list of a function's parameters.
template <class T>
struct Theirs {
  using Type = T;
};
template <class T>
requires std::is_enum_v<T>
struct Theirs<T> {
  using Type = int;
};
template <>
struct Theirs<Comm*> {
  using Type = void*;
};
template <>
struct Theirs<ncclComm_t> : Theirs<Comm*> {};
template <>
struct Theirs<cudaStream_t> : Theirs<Comm*> {};
template <>
struct Theirs<Comm**> {
  using Type = void**;
};
template <>
struct Theirs<ncclComm_t*> : Theirs<Comm**> {};
template <>
struct Theirs<UniqueId> {
  using Type = ncclUniqueId;
};
template <class T>
requires(!std::is_function_v<T> && !std::is_void_v<T>) struct Theirs<T*> {
  using Type = typename Theirs<std::remove_const_t<T>>::Type*;
};
template <>
struct Theirs<Config> {
  using Type = ncclConfig_t;
};
template <class R, class... Args>
struct Theirs<R (*)(Args...)> {
  using Type = typename Theirs<R>::Type (*)(typename Theirs<Args>::Type...);
};

template <class Ours, class Function>
constexpr bool same_function(Function* /*theirs*/) {
  return std::is_same_v<typename Theirs<Ours>::Type, typename Theirs<Function*>::Type>;
}
static_assert(same_function<GetVersion>(ncclGetVersion) && same_function<GetUniqueId>(ncclGetUniqueId) &&
              same_function<CommInitRankConfig>(ncclCommInitRankConfig) &&
              same_function<CommFinalize>(ncclCommFinalize) && same_function<CommDestroy>(ncclCommDestroy) &&
              same_function<CommAbort>(ncclCommAbort) && same_function<CommGetAsyncError>(ncclCommGetAsyncError) &&
              same_function<AllReduce>(ncclAllReduce) && same_function<ReduceScatter>(ncclReduceScatter) &&
              same_function<AllGather>(ncclAllGather) && same_function<Broadcast>(ncclBroadcast) &&
              same_function<Send>(ncclSend) && same_function<Recv>(ncclRecv) &&
              same_function<GroupStart>(ncclGroupStart) && same_function<GroupEnd>(ncclGroupEnd) &&
              same_function<GetErrorString>(ncclGetErrorString) && same_function<GetLastError>(ncclGetLastError));

TEST(NcclAbi, IsThatOfTheHeaderOfThisMachine) {
  Config ours{};
  const ncclConfig_t theirs = NCCL_CONFIG_INITIALIZER;
  EXPECT_EQ(ours.magic, theirs.magic);
}

}  // namespace
}  // namespace polyscene::dist::nccl
