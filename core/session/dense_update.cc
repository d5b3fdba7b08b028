#include "core/session/dense_update.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace polyscene::core {

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
                     dist::Communicator& communicator) {
  struct Met {
    double loss;
    int64_t process;
  };
  const Met mine{.loss = loss, .process = communicator.process()};
  std::vector<Met> all(communicator.size());
  communicator.all_gather<Met>({&mine, 1}, all);
  std::set<int64_t> processes;
  for (const Met& met : all)
    if (!std::isfinite(met.loss)) processes.insert(met.process);
  std::string where;
  if (communicator.processes() > 1)
    for (const int64_t process : processes) where += str(where.empty() ? " on rank " : ", ", process);
  std::string tensors;
  for (const ParameterStore::Entry& e : parameters.entries())
    if (!std::ranges::all_of(ParameterStore::part(e, gradients).elements<float>(),
                             [](float g) { return std::isfinite(g); }))
      tensors = tensors.empty() ? str('"', e.name, '"') : tensors.ends_with("...") ? tensors : tensors + " ...";
  throw Error(ErrorKind::kOther,
              str("[train] the gradient of ", tensors, " is not finite; the loss is ",
                  processes.empty() ? "finite" : "not finite", where,
                  "; try a lower learning rate, train.clip_norm, or train.debug_finite: true to find the first node"));
}

}  // namespace polyscene::core
