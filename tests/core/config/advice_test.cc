#include "core/config/advice.h"

#include <gtest/gtest.h>

#include <typeinfo>

#include "ops/base/caused_error.h"

namespace polyscene::core {
namespace {

// The message that with_advice() gives the error `given`, with `nested` calls of it around each other.
template <class Thrown, class Given>
std::string advice_for(const Given& given, int nested = 1) {
  try {
    std::function<void()> body = [&] { throw given; };
    for (int i = 0; i < nested; ++i) body = [inner = std::move(body)] { with_advice(inner); };
    body();
  } catch (const Thrown& error) {
    EXPECT_EQ(typeid(error), typeid(Thrown));
    EXPECT_EQ(error.kind(), given.kind());
    return error.what();
  }
  return "nothing thrown";
}

TEST(Advice, EachCauseHasItsSettings) {
  EXPECT_EQ(advice_for<DeviceError>(ThreadShortage("none; try fewer threads")),
            "none; try fewer threads; settings: --threads, data.threads, --local-ranks");
  EXPECT_EQ(advice_for<DeviceError>(DeviceMemoryShortage("full")),
            "full; settings: train.batch_size, embedding.memory: HOST");
  EXPECT_EQ(advice_for<Error>(OutputNotFinite("nan")), "nan; settings: train.clip_norm");
  EXPECT_EQ(advice_for<Error>(RowGradientNotFinite("inf")), "inf; settings: train.debug_finite: true");
}

TEST(Advice, SettingsAreNamedOnce) {
  EXPECT_EQ(advice_for<Error>(OutputNotFinite("nan"), 3), "nan; settings: train.clip_norm");
}

TEST(Advice, OtherErrorsPass) {
  EXPECT_EQ(advice_for<NoSpace>(NoSpace("a full disk")), "a full disk");
  EXPECT_EQ(advice_for<DeviceError>(DeviceError("a fault")), "a fault");
  EXPECT_NO_THROW(with_advice([] {}));
}

}  // namespace
}  // namespace polyscene::core
