// Calls of the serving library's C interface, chosen by bytes. Only what no callee can tell is always right: handles
// live, and arrays are as long as the header wants them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/serve/api/polyscene_serve.h"
#include "tests/fuzz/handed.h"

namespace polyscene::testing {

// Each is followed by the bytes that choose its arguments, in the order in which serve_calls.cc asks for them.
enum class ServeCall : char {
  kNew,
  kFree,
  kIds,
  kStrings,
  kNumbers,
  kIdLists,
  kStringLists,
  kNumberLists,
  kScore,
  kOpen,
  kClose,
  kRefresh,
  kJoin,
  kFolder,
  kCount
};

class ServeCalls {
 public:
  // Of a model of tests/core/serve/served_folder.h, opened at `folder`, which has a version 1.
  ServeCalls(polyscene_model* model, const std::string& folder, std::string_view bytes)
      : folder_(folder), choices_(bytes), models_{model, nullptr} {}
  ~ServeCalls();
  ServeCalls(const ServeCalls&) = delete;
  ServeCalls& operator=(const ServeCalls&) = delete;

  // Throws InvalidArgument when a call was refused; std::logic_error when it was refused and is right, or was not and
  // is wrong, or did more than it should.
  void run();

 private:
  struct Made {
    polyscene_request* handle = nullptr;
    polyscene_model* model = nullptr;
    int64_t rows = 3;
  };
  // What a setter is given before its values.
  struct Setting {
    polyscene_request* request;
    const char* column;
    int64_t rows;  // that there are values for
    bool sound;    // whether the column may be set so
    ErrorRoom error;
  };
  struct Lists {
    Handed<int64_t> offsets;
    int64_t handed, count;  // values that there are, and that are said to be
    [[nodiscard]] bool sound() const;
  };
  struct Texts {
    Handed<const char*> texts;
    Handed<size_t> lengths;
    [[nodiscard]] bool sound() const;
  };

  // Whether it was not refused.
  bool call(ServeCall which);
  bool make();
  bool drop();
  bool set_values(ServeCall which);
  bool set_lists(ServeCall which);
  bool score();
  bool open();
  bool close();
  bool refresh();
  bool join();

  polyscene_model* model();
  Made& request();
  ErrorRoom room();
  Setting setting(ServeCall setter);
  template <class T>
  Handed<T> handed(std::vector<T> elements);
  template <class T, size_t n>
  Handed<T> some(int64_t count, const T (&all)[n]);
  Handed<int64_t> ids(int64_t count);
  Handed<double> numbers(int64_t count);
  Texts texts(int64_t count);
  Lists lists(int64_t rows);

  std::string folder_;
  Choices choices_;
  polyscene_model* models_[2];  // the second is opened and closed here
  bool opened_ = false;
  Made requests_[2], none_;
};

}  // namespace polyscene::testing
