// Products through cuBLASLt: the product's own calls of it, on a stand-in that computes on the host.
#include <gtest/gtest.h>

#include "ops/cuda/device_products_cuda.h"
#include "ops/simd/plain_product.h"
#include "tests/ops/cuda/cublas_lt_stand_in.h"
#include "tests/support/compare.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/message_of.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

const std::string kStandIn = POLYSCENE_CUBLAS_LT_STAND_IN;

class Products : public ::testing::Test {
 protected:
  Products() : library_({kStandIn}, "to test with", "build it"), products_(device_, {kStandIn}) { use() = {}; }
  [[nodiscard]] CublasLtUse& use() const { return *library_.function<CublasLtUseFunction>("stand_in_use")(); }

  // Some [rows, inner] x [inner, cols].
  void multiply(int64_t rows, int64_t inner, int64_t cols, ProductPrecision precision = ProductPrecision::kFloat32) {
    const Tensor a = random_tensor<float>({rows, inner}, 1), b = random_tensor<float>({inner, cols}, 2),
                 y(DType::kFloat32, {rows, cols});
    products_.multiply({.rows = rows,
                        .inner = inner,
                        .cols = cols,
                        .a = a.view().as<const float>(),
                        .a_stride = inner,
                        .b = b.view().as<const float>(),
                        .b_stride = cols,
                        .y = y.view().as<float>()},
                       precision);
  }

  EmulatedDevice device_;
  SharedLibrary library_;
  DeviceProducts products_;
};

// Every transposition, addition and end, with rows that lie apart and start anywhere.
TEST_F(Products, AreWhatIsAskedFor) {
  constexpr int64_t kRows = 5, kInner = 7, kCols = 3, kGap = 2;
  for (unsigned bits = 0; bits < 64; ++bits) {
    const bool ta = bits & 1, tb = bits & 2, add = bits & 4, relu = bits & 8, has_bias = bits & 16,
               elsewhere = bits & 32;
    const int64_t a_stride = (ta ? kRows : kInner) + kGap, b_stride = (tb ? kInner : kCols) + kGap;
    const Tensor a = random_tensor<float>({ta ? kInner : kRows, a_stride}, bits);
    const Tensor b = random_tensor<float>({tb ? kCols : kInner, b_stride}, bits + 100);
    const Tensor bias = random_tensor<float>({kCols + 1}, 7), y = random_tensor<float>({kRows, kCols}, 8),
                 c = elsewhere ? y.clone() : y;
    const auto *x = a.view().as<const float>() + 1, *w = b.view().as<const float>() + 2;
    const float* shift = bias.view().as<const float>() + 1;

    const Tensor want = add ? random_tensor<float>({kRows, kCols}, 8) : Tensor(DType::kFloat32, {kRows, kCols});
    if (!add) std::ranges::fill(want.elements<float>(), 0.0f);
    const auto side = [](const float* data, int64_t stride, bool transpose) {
      return transpose ? ops::Strided<const float>{data, 1, stride} : ops::Strided<const float>{data, stride, 1};
    };
    ops::plain_product<float>(side(x, a_stride, ta), side(w, b_stride, tb),
                              ops::strided(want.view().as<float>(), kCols), kRows, kInner, kCols);
    for (size_t i = 0; float& value : want.elements<float>()) {
      if (has_bias) value += shift[i++ % kCols];
      if (relu) value = std::max(value, 0.0f);
    }

    products_.multiply({.transpose_a = ta,
                        .transpose_b = tb,
                        .relu = relu,
                        .rows = kRows,
                        .inner = kInner,
                        .cols = kCols,
                        .a = x,
                        .a_stride = a_stride,
                        .b = w,
                        .b_stride = b_stride,
                        .c = add ? c.view().as<const float>() : nullptr,
                        .bias = has_bias ? shift : nullptr,
                        .y = y.view().as<float>()},
                       ProductPrecision::kFloat32);
    EXPECT_TRUE(all_close(y, want, {.relative = 1e-5, .absolute = 1e-6})) << "options " << bits;
  }
  EXPECT_EQ(use().products, 64);
}

TEST_F(Products, OfNothingNeedNoLibrary) {
  const Tensor y = random_tensor<float>({2, 3}, 1);
  products_.multiply({.rows = 2, .inner = 0, .cols = 3, .b_stride = 3, .y = y.view().as<float>()},
                     ProductPrecision::kFloat32);
  for (const float x : y.elements<float>()) EXPECT_EQ(x, 0);
  const Tensor c = random_tensor<float>({2, 3}, 2);
  products_.multiply(
      {.rows = 2, .inner = 0, .cols = 3, .b_stride = 3, .c = c.view().as<const float>(), .y = y.view().as<float>()},
      ProductPrecision::kFloat32);
  EXPECT_TRUE(same_bits(y, c));
  products_.multiply({.rows = 0, .inner = 4, .cols = 3}, ProductPrecision::kFloat32);
  EXPECT_EQ(use().handles, 0);
  EXPECT_EQ(device_.use().bytes(), 0);
}

TEST_F(Products, RoundAsThePrecisionSays) {
  multiply(2, 3, 4);
  EXPECT_EQ(use().compute_type, CUBLAS_COMPUTE_32F);
  multiply(2, 3, 4, ProductPrecision::kTf32);
  EXPECT_EQ(use().compute_type, CUBLAS_COMPUTE_32F_FAST_TF32);
  multiply(2, 3, 4, ProductPrecision::kBfloat16);
  EXPECT_EQ(use().compute_type, CUBLAS_COMPUTE_32F_FAST_16BF);
  EXPECT_EQ(use().proposals, 3);
}

// Sums of pieces are added in a step of their own: never in place, in the order in which they come.
TEST_F(Products, AddPiecesInOneOrder) {
  multiply(2, 3, 4);
  EXPECT_EQ(use().reductions, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
}

TEST_F(Products, AskOncePerFormAndFewTimesForRowsThatDiffer) {
  for (int repeat = 0; repeat < 3; ++repeat) multiply(7, 3, 4);
  EXPECT_EQ(use().proposals, 1);
  EXPECT_EQ(use().checks, 0);
  multiply(8, 3, 4);
  EXPECT_EQ(use().proposals, 2);
  use() = {};
  for (int64_t rows = 4097; rows <= 4608; rows += 73) multiply(rows, 3, 4);
  EXPECT_EQ(use().proposals, 1);
  EXPECT_EQ(use().checks, 7);  // 4608 is what the others are rounded to
  EXPECT_EQ(use().products, 8);
}

TEST_F(Products, AskAgainWhereTheAlgorithmOfSuchRowsDoesNotFit) {
  use().refuse_checks = true;
  multiply(4097, 3, 4);
  EXPECT_EQ(use().proposals, 2);
  EXPECT_EQ(use().products, 1);
}

TEST_F(Products, HaveAWorkspaceThatIsCountedAndGiveAllBack) {
  {
    DeviceProducts products(device_, {kStandIn});
    const float one = 1;
    float y = 0;
    products.multiply({.rows = 1, .inner = 1, .cols = 1, .a = &one, .a_stride = 1, .b = &one, .b_stride = 1, .y = &y},
                      ProductPrecision::kFloat32);
    EXPECT_EQ(device_.use().describe(), "32.0 MiB (the workspace of matrix products 32.0 MiB)");
    EXPECT_EQ(use().handles, 1);
  }
  EXPECT_EQ(device_.use().bytes(), 0);
  EXPECT_EQ(use().handles, 0);
  EXPECT_EQ(use().objects, 0);
}

TEST_F(Products, ThatFailSayAtWhat) {
  use().refuse_products = true;
  EXPECT_EQ(
      message_of<DeviceError>([&] { multiply(2, 3, 4); }),
      "[ops.matmul] cuBLASLt failed at a product [2, 3] x [3, 4]: execution failed; an error of an earlier kernel "
      "may show here: run with CUDA_LAUNCH_BLOCKING=1");
  use().refuse_proposals = true;
  const std::string message = message_of<DeviceError>([&] { multiply(9, 3, 4); });
  EXPECT_EQ(message.rfind("[ops.matmul] cuBLASLt failed at a product [9, 3] x [3, 4]: not supported; ", 0), 0u)
      << message;
  EXPECT_EQ(use().objects, 0);
}

TEST_F(Products, ThatDoNotStartSayWhere) {
  use().refuse_handles = true;
  EXPECT_EQ(message_of<DeviceError>([&] { multiply(2, 3, 4); }),
            "[ops.matmul] cuBLASLt did not start on the emulated device: not initialised; is its memory full?");
}

constexpr const char* kAdvice =
    "install cuBLAS of CUDA 12 or 13 (libcublas-13-0 in NVIDIA's packages for apt, nvidia-cublas in those for pip) or "
    "name its folder in LD_LIBRARY_PATH; the CPU does without";

TEST(CublasLt, ThatIsMissingIsNamedWithWhatToInstall) {
  EmulatedDevice device;
  DeviceProducts products(device, {"libno.so.2", "libno.so.1"});
  const float one = 1;
  float y = 0;
  const ops::DeviceProduct product{
      .rows = 1, .inner = 1, .cols = 1, .a = &one, .a_stride = 1, .b = &one, .b_stride = 1, .y = &y};
  EXPECT_EQ(message_of<DeviceError>([&] { products.multiply(product, ProductPrecision::kFloat32); }),
            str("[device] no library to multiply matrices on a device: libno.so.2: cannot open shared object file: No "
                "such file or directory; libno.so.1: cannot open shared object file: No such file or directory; ",
                kAdvice));
}

TEST(CublasLt, OfAnotherKindIsRefused) {
  EXPECT_EQ(message_of<DeviceError>([] { (void)CublasLt({"libm.so.6"}); }),
            str("[device] libm.so.6 has no function cublasLtCreate; ", kAdvice));
}

// The real one, where there is one.
TEST(CublasLt, HasAllFunctionsOrIsMissing) {
  try {
    const CublasLt lt({"libcublasLt.so.13", "libcublasLt.so.12"});
    EXPECT_NE(std::string(lt.status_string(CUBLAS_STATUS_NOT_SUPPORTED)).find("not supported"), std::string::npos);
  } catch (const DeviceError& e) {
    EXPECT_EQ(
        std::string(e.what()).rfind("[device] no library to multiply matrices on a device: libcublasLt.so.13: ", 0), 0u)
        << e.what();
  }
}

}  // namespace
}  // namespace polyscene::testing
