#include "maze/io/view_store.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fstream>
#include <future>

using namespace maze;

TEST_CASE("attempts on several threads make, read and remove views of shared trees",
          "[io][view_store]") {
  const bool overlay = GENERATE(true, false);
  constexpr int thread_count = 4;
  constexpr int rounds = 10;
  const test::scratch_dir dir;
  const std::shared_ptr<io::blob_store> store = io::blob_store::open(dir / "store", {}).value();
  // Few spare trees, so that trees come and go.
  io::view_store sut(store, {.root = dir / "run", .overlay = overlay, .spare_trees = 1});
  const auto file = [&](const std::string& content) {
    const auto blob = store->put_bytes(content).value();
    return core::file_entry{
        .kind = core::file_kind::file, .hash = blob.hash, .size = blob.size, .mode = 0644};
  };
  REQUIRE(sut.set_base({{"base", file("base")}}));

  // What goes wrong first on one thread, nothing when all goes well: Catch's checks belong to one thread.
  const auto live = [&](int thread) -> std::string {
    for (int i = 0; i < rounds; ++i) {
      const auto ancestor = file(std::to_string(i % 3));
      const auto view =
          sut.make(fmt::format("{}-{}", thread, i), {.written = {{"in", ancestor}}}, std::nullopt);
      if (!view)
        return view.error().message;
      // An overlay that holds a new file keeps it in its upper folder.
      std::ofstream((overlay ? view->upper : view->mount_point) / "out") << thread << ' ' << i;
      const auto found = sut.collect(*view, {});
      if (!found)
        return found.error().message;
      const auto& written = found->delta.written;
      if (written.size() != 1 || written.count("out") == 0
          || written.at("out").hash != file(fmt::format("{} {}", thread, i)).hash)
        return fmt::format("round {} of thread {} found something else", i, thread);
      if (const auto removed = sut.remove(*view); !removed)
        return removed.error().message;
    }
    return {};
  };
  std::vector<std::future<std::string>> threads;
  for (int thread = 0; thread < thread_count; ++thread)
    threads.push_back(std::async(std::launch::async, live, thread));
  for (auto& thread : threads)
    CHECK(thread.get().empty());
}
