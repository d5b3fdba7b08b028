// NCCL, found when it is first wanted.
#pragma once

#include <memory>
#include <string>

#include "dist/nccl/abi.h"

namespace polyscene {

struct NcclLibrary {
  // Loads the file `path`; where it is empty, what the environment variable POLYSCENE_NCCL_LIBRARY names, and where
  // that is not set, libnccl.so.2. It is never unloaded: threads of its own may live in it. Throws CommunicationError
  // saying what to install or to set when it is not there, lacks a function or is too old.
  static std::shared_ptr<const NcclLibrary> load(const std::string& path = "");

  // Throws CommunicationError naming the function and what NCCL says, unless result is a success or under way.
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

}  // namespace polyscene
