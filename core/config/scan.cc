#include "core/config/scan.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "ops/base/error.h"

namespace polyscene::core::config_text {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::Tokenizer;

struct Silent : google::protobuf::io::ErrorCollector {
  void AddError(int, int, const std::string&) override {}
};

class Scanner {
 public:
  Scanner(const ScannedText& source, int line, int column)
      : source_(source),
        stop_line_(line),
        stop_column_(column),
        stream_(source.text.data(), static_cast<int>(source.text.size())),
        tokens_(&stream_, &silent_) {
    tokens_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokens_.set_require_space_after_number(false);
    tokens_.set_allow_multiline_strings(true);
    tokens_.Next();
  }

  Scan run() {
    scan_.tree.place = {source_.file, 1, 1};
    scan_.cursor.message = source_.root;
    scan_.cursor.message_path = source_.root_path;
    block(source_.root, source_.root_path, scan_.tree, "");
    scan_.cursor.next = token();
    return std::move(scan_);
  }

 private:
  [[nodiscard]] ScannedToken token() {
    const Tokenizer::Token& t = tokens_.current();
    return {t.text, {source_.file, t.line + 1, t.column + 1}};
  }
  [[nodiscard]] bool at(const char* text) { return tokens_.current().text == text; }
  [[nodiscard]] bool stopped() {
    const Tokenizer::Token& t = tokens_.current();
    if (t.type == Tokenizer::TYPE_END) return true;
    return stop_line_ > 0 && (t.line + 1 > stop_line_ || (t.line + 1 == stop_line_ && t.column + 1 >= stop_column_));
  }
  void take() {
    scan_.cursor.last = token();
    tokens_.Next();
  }
  bool take_if(const char* text) {
    if (stopped() || !at(text)) return false;
    take();
    return true;
  }

  // Reads fields up to `close`, which is left for the caller.
  void block(const Descriptor* message, const std::string& path, SourceTree& tree, const char* close) {
    while (!stopped() && !at(close)) {
      if (tokens_.current().type == Tokenizer::TYPE_IDENTIFIER)
        field(message, path, tree);
      else
        take();  // a separator; TextFormat refuses anything else
    }
  }

  void field(const Descriptor* message, const std::string& path, SourceTree& tree) {
    const ScannedToken name = token();
    const FieldDescriptor* descriptor = message ? message->FindFieldByName(name.text) : nullptr;
    scan_.cursor.message = message;
    scan_.cursor.message_path = path;
    scan_.cursor.field = name;
    take();
    take_if(":");
    if (stopped()) return;  // TextFormat reports a duplicate after its name, and then there is no value to read
    const std::string child_path = path.empty() ? name.text : path + "." + name.text;
    std::vector<SourceTree>& nodes = tree.fields[name.text];
    if (take_if("[")) {
      while (!stopped() && !at("]")) {
        if (!element(descriptor, child_path, nodes, token().place)) return;
        take_if(",");
      }
      take_if("]");
    } else if (!element(descriptor, child_path, nodes, name.place)) {
      return;
    }
    scan_.cursor.message = message;
    scan_.cursor.message_path = path;
    scan_.cursor.field = name;
  }

  // Reads one element. False if the scan stopped inside it.
  bool element(const FieldDescriptor* descriptor, const std::string& path, std::vector<SourceTree>& nodes,
               const Place& place) {
    const bool list = descriptor && descriptor->is_repeated();
    SourceTree node{place, list, {}};
    const bool whole = value(descriptor, list ? str(path, "[", nodes.size(), "]") : path, node);
    if (list || nodes.empty()) nodes.push_back(std::move(node));  // a field given twice keeps its first place
    return whole;
  }

  bool value(const FieldDescriptor* descriptor, const std::string& path, SourceTree& node) {
    const Descriptor* message = descriptor ? descriptor->message_type() : nullptr;
    const bool braces = take_if("{");
    if (braces || take_if("<")) {
      const char* close = braces ? "}" : ">";
      scan_.cursor.message = message;
      scan_.cursor.message_path = path;
      scan_.cursor.field = {};
      block(message, path, node, close);
      return take_if(close);
    }
    take_if("-");
    if (stopped()) return false;
    take();
    while (!stopped() && tokens_.current().type == Tokenizer::TYPE_STRING) take();  // "a" "b" is one string
    return true;
  }

  const ScannedText& source_;
  int stop_line_, stop_column_;
  Silent silent_;
  google::protobuf::io::ArrayInputStream stream_;
  Tokenizer tokens_;
  Scan scan_;
};

}  // namespace

Scan scan(const ScannedText& source, int line, int column) { return Scanner(source, line, column).run(); }

}  // namespace polyscene::core::config_text
