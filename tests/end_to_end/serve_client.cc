// Scores three rows with an exported model: a program of somebody else's, that knows libpolyscene_serve and nothing
// more.
#include <cstdio>

#include "polyscene_serve.hpp"

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw polyscene::serve::Error("usage: serve_client DIR");
    const polyscene::serve::Model model(argv[1]);
    const std::vector<int64_t> users = {1, 1, 1}, items = {5, 7, 99}, scenes = {0, 1, 2};
    const std::vector<double> prices = {1.5, 2.5, 3.5}, weights = {0.5, 1.0, 2.0};
    const std::vector<int64_t> tag_offsets = {0, 2, 2, 3}, tags = {1, 2, 3};
    const std::vector<int64_t> history_offsets = {0, 2, 4, 4}, history = {4, 5, 4, 5}, history_scenes = {0, 1, 0, 1};
    polyscene::serve::Request request(model, 3);
    request.ids("user", users)
        .ids("item", items)
        .ids("scene", scenes)
        .numbers("price", prices)
        .id_lists("tags", tag_offsets, tags)
        .number_lists("tag_weights", tag_offsets, weights)
        .id_lists("history_item", history_offsets, history)
        .id_lists("history_scene", history_offsets, history_scenes);
    for (const float probability : model.score(request)) std::printf("%.9g\n", static_cast<double>(probability));
    return 0;
  } catch (const polyscene::serve::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
