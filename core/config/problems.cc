#include "core/config/problems.h"

namespace polyscene::core::config_text {

void Problems::add(const std::string& path, const std::string& message) {
  notes_.push_back(places_ == nullptr ? "[config] " + message : str("[config] ", where(path), ": ", message));
}

std::string Problems::where(const std::string& path) const {
  return places_ == nullptr ? path : to_string(places_->place_of(path));
}

void Problems::throw_if_any() const {
  if (notes_.empty()) return;
  std::string text = notes_.front();
  for (size_t i = 1; i < notes_.size(); ++i) text += "\n" + notes_[i];
  throw InvalidArgument(text);
}

}  // namespace polyscene::core::config_text
