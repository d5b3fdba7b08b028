#include "core/session/dense_update.h"

#include <algorithm>
#include <cmath>

namespace polyscene {

// The weights [1, dim] of a plain number are the matrix of its first layer, so they decay.
std::vector<bool> decayed(const ParameterStore& parameters) {
  std::vector<bool> mask(parameters.values().size());
  for (const ParameterStore::Entry& e : parameters.entries())
    if (e.data.shape.rank() == 2) std::fill_n(mask.begin() + e.offset, e.data.shape.elements(), true);
  return mask;
}

// The norm is that of the gradients summed over ranks, so a bad value on any rank is seen by all ranks, before the
// update. The ranks' losses tell whose data it came from.
void fail_not_finite(const ParameterStore& parameters, const Tensor& gradients, double loss,
                     Communicator& communicator) {
  std::vector<double> losses(static_cast<size_t>(communicator.size()));
  communicator.all_gather<double>({&loss, 1}, losses);
  std::string ranks;
  for (size_t r = 0; r < losses.size(); ++r)
    if (!std::isfinite(losses[r])) ranks += str(ranks.empty() ? "" : ", ", r);
  std::string tensors;
  for (const ParameterStore::Entry& e : parameters.entries())
    if (!std::ranges::all_of(ParameterStore::part(e, gradients).elements<float>(),
                             [](float g) { return std::isfinite(g); }))
      tensors = tensors.empty() ? str('"', e.name, '"') : tensors.ends_with("...") ? tensors : tensors + " ...";
  throw Error(ErrorKind::kOther,
              str("[train] the gradient of ", tensors, " is not finite; the loss is not finite on rank ",
                  ranks.empty() ? "none" : ranks,
                  "; try a lower learning rate, train.clip_norm, or train.debug_finite: true to find the first node"));
}

}  // namespace polyscene
