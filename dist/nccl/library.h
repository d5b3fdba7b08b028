// The NCCL library, loaded on first use.
#pragma once

#include <memory>
#include <string>

#include "dist/nccl/abi.h"

namespace polyscene::dist {

struct NcclLibrary {
  // Loads the file `path`; if it is empty, the file named by the environment variable POLYSCENE_NCCL_LIBRARY; if that
  // is not set, libnccl.so.2. It is never unloaded, because its own threads may still run. If it is missing, lacks a
  // function or is too old, throws CommunicationError that tells what to install or to set.
  static std::shared_ptr<const NcclLibrary> load(const std::string& path = "");

  // Throws CommunicationError naming the function and NCCL's description, unless `result` is kSuccess or kInProgress.
  void check(nccl::Result result, const char* function, nccl::Comm* comm = nullptr) const;
  // "remote process exited or there was a network error: <details>".
  [[nodiscard]] std::string describe(nccl::Result result, nccl::Comm* comm) const;

  nccl::GetVersion get_version;
  nccl::GetUniqueId get_unique_id;
  nccl::CommInitRankConfig comm_init_rank_config;
  nccl::CommFinalize comm_finalize;
  nccl::CommDestroy comm_destroy;
  nccl::CommAbort comm_abort;
  nccl::CommGetAsyncError comm_get_async_error;
  nccl::AllReduce all_reduce;
  nccl::ReduceScatter reduce_scatter;
  nccl::AllGather all_gather;
  nccl::Broadcast broadcast;
  nccl::Send send;
  nccl::Recv recv;
  nccl::GroupStart group_start;
  nccl::GroupEnd group_end;
  nccl::GetErrorString get_error_string;
  nccl::GetLastError get_last_error;
};

}  // namespace polyscene::dist
