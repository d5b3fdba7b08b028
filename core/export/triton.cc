#include "core/export/triton.h"

#include <onnx/onnx_pb.h>

#include <cstdio>
#include <filesystem>

#include "core/checkpoint/folders.h"
#include "core/files/copy_file.h"
#include "core/files/mapped_file.h"
#include "core/files/text_file.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

// A string literal of text protobuf: an experiment's name may hold anything but a slash.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    char octal[8];
    std::snprintf(octal, sizeof(octal), "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    out += plain ? std::string(1, c) : octal;
  }
  return out + "\"";
}

// Symbolic extents are -1. The batch is only one of several, so Triton must not treat it as its batch dimension.
std::string triton_tensor(const onnx::ValueInfoProto& info) {
  const auto& type = info.type().tensor_type();
  std::string dims;
  for (const auto& d : type.shape().dim())
    dims += str(dims.empty() ? "" : ", ", d.has_dim_value() ? d.dim_value() : int64_t{-1});
  return str("{ name: \"", info.name(),
             "\" data_type: ", type.elem_type() == onnx::TensorProto::INT32 ? "TYPE_INT32" : "TYPE_FP32", " dims: [ ",
             dims, " ] }\n");
}

}  // namespace

void write_triton(const ServedModel& model) {
  const std::string name = model.experiment().name().empty() ? "polyscene" : model.experiment().name();
  const std::string onnx_path = model.folder() + "/onnx/model.onnx", folder = model.folder() + "/triton/" + name;
  onnx::ModelProto proto;
  {
    const MappedFile file(onnx_path);
    require<DataError>(proto.ParseFromArray(file.bytes().data(), static_cast<int>(file.bytes().size())), "[export] ",
                       onnx_path, " cannot be read back");
  }
  std::string text = str("name: ", quoted(name), "\nbackend: \"onnxruntime\"\nmax_batch_size: 0\n");
  for (const auto& input : proto.graph().input()) text += "input " + triton_tensor(input);
  for (const auto& output : proto.graph().output()) text += "output " + triton_tensor(output);
  make_folder(folder + "/1");
  write_text_file(folder + "/config.pbtxt", text);
  std::error_code error;
  std::filesystem::create_hard_link(onnx_path, folder + "/1/model.onnx", error);
  if (error) copy_file(onnx_path, folder + "/1/model.onnx");
}

}  // namespace polyscene::core
