// Attributes of a node: any plain struct with a function fields(), from which equality and printing are derived.
//
//   struct ConcatAttributes {
//     int axis = 1;
//     auto fields() const { return std::tuple{Field{"axis", axis}}; }
//   };
#pragma once

#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <typeinfo>

#include "ops/base/error.h"

namespace polyscene {

template <class T>
struct Field {
  std::string_view name;
  const T& value;
};
template <class T>
Field(std::string_view, const T&) -> Field<T>;

struct NoAttributes {
  [[nodiscard]] auto fields() const { return std::tuple<>{}; }
};

// Immutable, cheap to copy.
class Attributes {
 public:
  template <class T>
  [[nodiscard]] static Attributes of(T value) {
    Attributes a;
    a.holder_ = std::make_shared<Holder<T>>(std::move(value));
    return a;
  }

  // Throws std::bad_cast if the attributes have another type, which is a bug in an op's definition.
  template <class T>
  [[nodiscard]] const T& as() const {
    return dynamic_cast<const Holder<T>&>(*holder_).value;
  }

  friend bool operator==(const Attributes& a, const Attributes& b) { return a.holder_->equals(*b.holder_); }
  friend std::ostream& operator<<(std::ostream& out, const Attributes& a) {
    a.holder_->print(out);
    return out;
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual bool equals(const Base& other) const = 0;
    virtual void print(std::ostream& out) const = 0;
  };
  template <class T>
  struct Holder final : Base {
    T value;
    explicit Holder(T v) : value(std::move(v)) {}
    bool equals(const Base& other) const override {
      if (typeid(*this) != typeid(other)) return false;
      return std::apply(
          [&](const auto&... mine) {
            return std::apply([&](const auto&... theirs) { return ((mine.value == theirs.value) && ...); },
                              static_cast<const Holder&>(other).value.fields());
          },
          value.fields());
    }
    void print(std::ostream& out) const override {
      out << '{';
      std::apply(
          [&](const auto&... f) {
            int i = 0;
            ((out << (i++ ? ", " : "") << f.name << '=' << f.value), ...);
          },
          value.fields());
      out << '}';
    }
  };
  std::shared_ptr<const Base> holder_;
};

}  // namespace polyscene
