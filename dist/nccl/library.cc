#include "dist/nccl/library.h"

#include <dlfcn.h>

#include <cstdlib>

#include "ops/base/error.h"

namespace polyscene::dist {
namespace {

constexpr const char* kWhatToTry =
    "; install NCCL 2.18 or later, set POLYSCENE_NCCL_LIBRARY to its libnccl.so.2, or choose the staged transport";

std::string path_of(const std::string& given) {
  if (!given.empty()) return given;
  const char* const variable = std::getenv("POLYSCENE_NCCL_LIBRARY");
  return variable != nullptr && *variable != '\0' ? variable : "libnccl.so.2";
}

template <class Function>
void find(Function& function, void* library, const std::string& path, const char* name) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  require<CommunicationError>(function != nullptr, "[dist.nccl] ", path, " has no function ", name, kWhatToTry);
}

// NCCL has encoded its versions in two ways: 2804 is 2.8.4, 22809 is 2.28.9.
std::string version_text(int version) {
  const int major = version < 10000 ? version / 1000 : version / 10000,
            rest = version - major * (version < 10000 ? 1000 : 10000);
  return str(major, ".", rest / 100, ".", rest % 100);
}

}  // namespace

std::shared_ptr<const NcclLibrary> NcclLibrary::load(const std::string& given) {
  const std::string path = path_of(given);
  void* const file = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  require<CommunicationError>(file != nullptr,
                              "[dist.nccl] NCCL cannot be loaded: ", file == nullptr ? ::dlerror() : "", kWhatToTry);
  const auto library = std::make_shared<NcclLibrary>();
  find(library->get_version, file, path, "ncclGetVersion");
  find(library->get_unique_id, file, path, "ncclGetUniqueId");
  find(library->comm_init_rank_config, file, path, "ncclCommInitRankConfig");
  find(library->comm_finalize, file, path, "ncclCommFinalize");
  find(library->comm_destroy, file, path, "ncclCommDestroy");
  find(library->comm_abort, file, path, "ncclCommAbort");
  find(library->comm_get_async_error, file, path, "ncclCommGetAsyncError");
  find(library->all_reduce, file, path, "ncclAllReduce");
  find(library->reduce_scatter, file, path, "ncclReduceScatter");
  find(library->all_gather, file, path, "ncclAllGather");
  find(library->broadcast, file, path, "ncclBroadcast");
  find(library->send, file, path, "ncclSend");
  find(library->recv, file, path, "ncclRecv");
  find(library->group_start, file, path, "ncclGroupStart");
  find(library->group_end, file, path, "ncclGroupEnd");
  find(library->get_error_string, file, path, "ncclGetErrorString");
  find(library->get_last_error, file, path, "ncclGetLastError");
  int version = 0;
  library->check(library->get_version(&version), "ncclGetVersion");
  require<CommunicationError>(version >= nccl::kOldestVersion, "[dist.nccl] ", path, " is NCCL ", version_text(version),
                              kWhatToTry);
  return library;
}

std::string NcclLibrary::describe(nccl::Result result, nccl::Comm* comm) const {
  const char* const details = get_last_error(comm);
  const bool said = details != nullptr && *details != '\0';
  return str(get_error_string(result), said ? ": " : "", said ? details : "");
}

void NcclLibrary::check(nccl::Result result, const char* function, nccl::Comm* comm) const {
  if (result == nccl::Result::kSuccess || result == nccl::Result::kInProgress) return;
  throw CommunicationError(
      str("[dist.nccl] ", function, " failed: ", describe(result, comm), "; set NCCL_DEBUG=INFO for details"));
}

}  // namespace polyscene::dist
