// C++ interface of libpolyscene_serve: owning classes and exceptions over the C interface, whose ABI stays compatible.
//
//   polyscene::serve::Model model("exports/feed");
//   polyscene::serve::Request request(model, rows);
//   request.ids("user_id", users).id_lists("history", offsets, videos);
//   std::vector<float> probabilities = model.score(request);
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "polyscene_serve.h"

namespace polyscene::serve {

// An error with the message of the C interface.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

// The text for C. Throws Error when it holds a zero byte, at which C would end it.
inline const char* text(const std::string& text) {
  if (text.find('\0') != std::string::npos)
    throw Error("wanted a name, got one that goes on behind a zero byte: \"" + std::string(text.c_str()) + "\"");
  return text.c_str();
}

// Returns call(error, bytes). Throws Error unless ok(result).
template <class Call, class Ok>
auto checked(const Call& call, const Ok& ok) {
  std::array<char, 1024> error{};
  auto result = call(error.data(), error.size());
  if (!ok(result)) throw Error(error.data());
  return result;
}
template <class Call>
void run(const Call& call) {
  checked(call, [](int status) { return status == 0; });
}
template <class Call>
auto made(const Call& call) {
  return checked(call, [](auto* object) { return object != nullptr; });
}

}  // namespace detail

class Request;

class Model {
 public:
  explicit Model(const std::string& folder, int threads = 1)
      : model_(detail::made([&](char* e, size_t n) { return polyscene_open(detail::text(folder), threads, e, n); }),
               polyscene_close) {}
  [[nodiscard]] std::string folder() const {
    const char* const folder = polyscene_folder(model_.get());
    if (folder == nullptr) throw Error("wanted a model, got one that was moved from");
    return folder;
  }
  // Opens a newer version if there is one; returns whether there was.
  bool refresh() {
    return detail::checked([&](char* e, size_t n) { return polyscene_refresh(model_.get(), e, n); },
                           [](int status) { return status >= 0; }) == 1;
  }
  // Compares all rows with their hashes, which opening does not. Throws Error naming a damaged file.
  void verify() const {
    detail::run([&](char* e, size_t n) { return polyscene_verify(model_.get(), e, n); });
  }
  void join_requests(int64_t most_rows, int64_t wait_us = 0, int at_once = 1) {
    detail::run(
        [&](char* e, size_t n) { return polyscene_join_requests(model_.get(), most_rows, wait_us, at_once, e, n); });
  }
  [[nodiscard]] inline std::vector<float> score(const Request& request) const;

 private:
  friend class Request;
  std::unique_ptr<polyscene_model, void (*)(polyscene_model*)> model_;
};

class Request {
 public:
  Request(const Model& model, int64_t rows)
      : rows_(rows),
        request_(detail::made([&](char* e, size_t n) { return polyscene_request_new(model.model_.get(), rows, e, n); }),
                 polyscene_request_free) {}

  // One value per row.
  Request& ids(const std::string& column, std::span<const int64_t> ids) {
    return set(column, ids.size(), rows_,
               [&](const char* c, char* e, size_t n) { return polyscene_set_ids(get(), c, ids.data(), e, n); });
  }
  Request& strings(const std::string& column, std::span<const std::string> strings) { return texts(column, strings); }
  Request& strings(const std::string& column, std::span<const std::optional<std::string>> strings) {
    return texts(column, strings);
  }
  Request& numbers(const std::string& column, std::span<const double> numbers) {
    return set(column, numbers.size(), rows_,
               [&](const char* c, char* e, size_t n) { return polyscene_set_numbers(get(), c, numbers.data(), e, n); });
  }
  // A list per row: offsets [rows + 1] from 0 to the number of values.
  Request& id_lists(const std::string& column, std::span<const int64_t> offsets, std::span<const int64_t> ids) {
    return set(column, offsets.size(), rows_ + 1, [&](const char* c, char* e, size_t n) {
      return polyscene_set_id_lists(get(), c, offsets.data(), ids.data(), std::ssize(ids), e, n);
    });
  }
  Request& string_lists(const std::string& column, std::span<const int64_t> offsets,
                        std::span<const std::string> strings) {
    return text_lists(column, offsets, strings);
  }
  Request& string_lists(const std::string& column, std::span<const int64_t> offsets,
                        std::span<const std::optional<std::string>> strings) {
    return text_lists(column, offsets, strings);
  }
  Request& number_lists(const std::string& column, std::span<const int64_t> offsets, std::span<const double> numbers) {
    return set(column, offsets.size(), rows_ + 1, [&](const char* c, char* e, size_t n) {
      return polyscene_set_number_lists(get(), c, offsets.data(), numbers.data(), std::ssize(numbers), e, n);
    });
  }

 private:
  friend class Model;
  // C strings; std::nullopt becomes NULL.
  struct Texts {
    std::vector<const char*> data;
    std::vector<size_t> lengths;
    template <class Strings>
    explicit Texts(const Strings& strings) {
      for (const auto& text : strings) add(text);
    }
    void add(const std::string& text) { data.push_back(text.data()), lengths.push_back(text.size()); }
    void add(const std::optional<std::string>& text) {
      if (text) return add(*text);
      data.push_back(nullptr), lengths.push_back(0);
    }
  };
  [[nodiscard]] polyscene_request* get() const { return request_.get(); }
  template <class Strings>
  Request& texts(const std::string& column, const Strings& strings) {
    const Texts texts(strings);
    return set(column, strings.size(), rows_, [&](const char* c, char* e, size_t n) {
      return polyscene_set_strings(get(), c, texts.data.data(), texts.lengths.data(), e, n);
    });
  }
  template <class Strings>
  Request& text_lists(const std::string& column, std::span<const int64_t> offsets, const Strings& strings) {
    const Texts texts(strings);
    return set(column, offsets.size(), rows_ + 1, [&](const char* c, char* e, size_t n) {
      return polyscene_set_string_lists(get(), c, offsets.data(), texts.data.data(), texts.lengths.data(),
                                        std::ssize(texts.data), e, n);
    });
  }
  // Sets a column after a check that there are as many values as C will read.
  template <class Call>
  Request& set(const std::string& column, size_t got, int64_t wanted, const Call& call) {
    if (static_cast<int64_t>(got) != wanted)
      throw Error("column \"" + column + "\": wanted " + std::to_string(wanted) + " values or offsets, got " +
                  std::to_string(got));
    detail::run([&](char* e, size_t n) { return call(detail::text(column), e, n); });
    return *this;
  }

  int64_t rows_;
  std::unique_ptr<polyscene_request, void (*)(polyscene_request*)> request_;
};

std::vector<float> Model::score(const Request& request) const {
  std::vector<float> probabilities(static_cast<size_t>(request.rows_));
  detail::run(
      [&](char* e, size_t n) { return polyscene_score(model_.get(), request.get(), probabilities.data(), e, n); });
  return probabilities;
}

}  // namespace polyscene::serve
