#include "ops/tensor/tensor.h"

#include <gtest/gtest.h>

#include "ops/graph/symbolic_shape.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

TEST(Shape, RowsAndCols) {
  EXPECT_EQ((Shape{2, 3, 4}).rows(), 6);
  EXPECT_EQ((Shape{2, 3, 4}).cols(), 4);
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{5, 0}).elements(), 0);
  EXPECT_EQ(str(Shape{2, 0, 4}), "[2, 0, 4]");
  EXPECT_EQ(message_of([] { Shape{1, 1, 1, 1, 1}; }), "[ops.shape] wanted rank at most 4, got 5");
}

TEST(SymbolicShape, ResolvesAndPrints) {
  const Dim batch = Dim::of_symbol(0), rows = Dim::of_symbol(1);
  const SymbolicShape shape = {batch + 1, rows * 3 + 2, 4};
  const int64_t symbols[] = {10, 5};
  EXPECT_EQ(shape.resolve(symbols), (Shape{11, 17, 4}));
  EXPECT_EQ(str(shape), "[s0+1, 3*s1+2, 4]");
  EXPECT_EQ(rows * 0, Dim(0));
  EXPECT_EQ(batch + 1 + -1, batch);
  EXPECT_NE(batch, rows);
}

TEST(Tensor, StartsAsAlignedZeros) {
  const Tensor t(DType::kFloat64, {3, 7});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(t.view().data) % 64, 0u);
  for (double x : t.elements<double>()) EXPECT_EQ(x, 0);
  EXPECT_NE(Tensor(DType::kInt32, {0}).view().data, nullptr);
}

TEST(Tensor, CopiesShareAndClonesDoNot) {
  const Tensor a = Tensor::of<int32_t>({2}, {1, 2});
  const Tensor shared = a, clone = a.clone();
  a.elements<int32_t>()[0] = 9;
  EXPECT_EQ(shared.elements<int32_t>()[0], 9);
  EXPECT_EQ(clone.elements<int32_t>()[0], 1);
}

TEST(Tensor, MessagesNameWhatWasWanted) {
  EXPECT_EQ(message_of([] {
              (void)Tensor::of<float>({2, 2}, {1, 2, 3});
            }),
            "[ops.tensor] shape [2, 2] wants 4 values, got 3");
  EXPECT_EQ(message_of([] { (void)Tensor(DType::kFloat32, {1}).elements<int64_t>(); }),
            "[ops.tensor] wanted elements of type int64, the tensor holds float32");
  EXPECT_EQ(message_of([] { dispatch_floating(DType::kInt32, []<class T>() {}); }),
            "[ops.tensor] wanted float32 or float64, got int32");
}

TEST(Tensor, NoMemoryIsADeviceError) {
  const std::string message = message_of<DeviceError>([] { (void)allocate_host(int64_t{1} << 60); });
  EXPECT_EQ(message.rfind("[ops.memory] wanted 1152921504606846976 bytes of host memory", 0), 0u) << message;
}

}  // namespace
}  // namespace polyscene::testing
