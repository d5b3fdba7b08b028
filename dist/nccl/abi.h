// The part of NCCL's C interface that is used here: names and numbers of its ABI, which no release of NCCL 2 has
// changed. The library is loaded at run time, so one binary starts with and without it, and building needs no NCCL
// header. tests/dist/nccl compares these declarations with the header, if there is one.
#pragma once

#include <cstddef>

namespace polyscene::dist::nccl {

struct Comm;  // opaque

enum class Result : int {
  kSuccess = 0,
  kUnhandledCudaError = 1,
  kSystemError = 2,
  kInternalError = 3,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7
};

enum class DataType : int { kUint8 = 1, kInt32 = 2, kInt64 = 4, kFloat32 = 7, kFloat64 = 8 };

enum class ReduceOp : int { kSum = 0, kMax = 2, kMin = 3 };

struct UniqueId {
  char bytes[128];
};

// The first fields of the configuration as of version 2.14; NCCL uses defaults for fields that a version did not have.
struct Config {
  size_t size = sizeof(Config);
  unsigned magic = 0xcafebeef;
  unsigned version = 21400;
  int blocking = 1;
};

inline constexpr int kOldestVersion = 21800;  // 2.18.0

// A stream is a cudaStream_t. Every function but the last two returns a Result.
using GetVersion = Result (*)(int* version);
using GetUniqueId = Result (*)(UniqueId* id);
using CommInitRankConfig = Result (*)(Comm** comm, int ranks, UniqueId id, int rank, Config* config);
using CommFinalize = Result (*)(Comm* comm);
using CommDestroy = Result (*)(Comm* comm);
using CommAbort = Result (*)(Comm* comm);
using CommGetAsyncError = Result (*)(Comm* comm, Result* error);
using AllReduce = Result (*)(const void* from, void* to, size_t count, DataType type, ReduceOp op, Comm* comm,
                             void* stream);
using ReduceScatter = Result (*)(const void* from, void* to, size_t to_count, DataType type, ReduceOp op, Comm* comm,
                                 void* stream);
using AllGather = Result (*)(const void* from, void* to, size_t from_count, DataType type, Comm* comm, void* stream);
using Broadcast = Result (*)(const void* from, void* to, size_t count, DataType type, int root, Comm* comm,
                             void* stream);
using Send = Result (*)(const void* from, size_t count, DataType type, int peer, Comm* comm, void* stream);
using Recv = Result (*)(void* to, size_t count, DataType type, int peer, Comm* comm, void* stream);
using GroupStart = Result (*)();
using GroupEnd = Result (*)();
using GetErrorString = const char* (*)(Result result);
using GetLastError = const char* (*)(Comm* comm);

}  // namespace polyscene::dist::nccl
