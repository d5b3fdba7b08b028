#include "core/config/advice.h"

#include "ops/base/caused_error.h"

namespace polyscene::core {
namespace {

std::string advised(const Error& error, const char* settings) { return str(error.what(), "; settings: ", settings); }

}  // namespace

void with_advice(const std::function<void()>& body) {
  try {
    body();
  } catch (const ThreadShortage& error) {
    throw DeviceError(advised(error, "--threads, data.threads, --local-ranks"));
  } catch (const DeviceMemoryShortage& error) {
    throw DeviceError(advised(error, "train.batch_size, embedding.memory: HOST"));
  } catch (const OutputNotFinite& error) {
    throw Error(error.kind(), advised(error, "train.clip_norm"));
  } catch (const RowGradientNotFinite& error) {
    throw Error(error.kind(), advised(error, "train.debug_finite: true"));
  }
}

}  // namespace polyscene::core
