// An Arrow output stream on an open file descriptor. The position is counted, since the descriptor may be a pipe, which
// has none.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

namespace polyscene::core {

class DescriptorStream : public arrow::io::OutputStream {
 public:
  // Takes ownership of the descriptor.
  explicit DescriptorStream(int descriptor) : descriptor_(descriptor) {}
  ~DescriptorStream() override;

  // Closes the descriptor, after an fsync if it is a file.
  arrow::Status Close() override;
  [[nodiscard]] bool closed() const override { return descriptor_ < 0; }
  [[nodiscard]] arrow::Result<int64_t> Tell() const override { return written_; }
  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, int64_t bytes) override;
  // errno of the first failure; 0 if nothing failed.
  [[nodiscard]] int error() const { return error_; }

 private:
  arrow::Status failed(int error);

  int descriptor_;
  int64_t written_ = 0;
  int error_ = 0;
};

}  // namespace polyscene::core
