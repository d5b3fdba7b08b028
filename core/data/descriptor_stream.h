// Arrow writes to an open descriptor, which may be a pipe: where it stands is counted, not asked.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

namespace polyscene {

class DescriptorStream : public arrow::io::OutputStream {
 public:
  // Takes the descriptor over.
  explicit DescriptorStream(int descriptor) : descriptor_(descriptor) {}
  ~DescriptorStream() override;

  // Waits until the disk has all, where it is a file.
  arrow::Status Close() override;
  [[nodiscard]] bool closed() const override { return descriptor_ < 0; }
  [[nodiscard]] arrow::Result<int64_t> Tell() const override { return written_; }
  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, int64_t bytes) override;
  // errno of what failed first; 0: nothing.
  [[nodiscard]] int error() const { return error_; }

 private:
  arrow::Status failed(int error);

  int descriptor_;
  int64_t written_ = 0;
  int error_ = 0;
};

}  // namespace polyscene
