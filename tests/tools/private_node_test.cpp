#include "node/private_node.hpp"

#include "maze/io/journal.hpp"
#include "support/in_child.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <set>
#include <utility>

using namespace maze;
using node::private_folder;
namespace fs = std::filesystem;

namespace {

private_folder made(const fs::path& state, bool keep = false) {
  auto out = private_folder::make(state, keep);
  if (!out)
    FAIL(core::describe(out.error()));
  return std::move(*out);
}

/// A process makes a folder, puts something into it and dies without a chance to clean up.
void die_in_a_folder(const fs::path& state, bool keep) {
  REQUIRE(test::in_child([&] {
            const auto folder = private_folder::make(state, keep);
            if (!folder)
              return 1;
            fs::create_directories(folder->path() / "runs/1");
            std::ofstream(folder->path() / "runs/1/big") << "left behind";
            // As overlays leave them.
            fs::create_directories(folder->path() / "runs/1/work/work/incompat");
            fs::permissions(folder->path() / "runs/1/work/work", fs::perms::none);
            ::_exit(0);
            return 2;
          })
          == 0);
}

std::set<fs::path> folders_in(const fs::path& state) {
  std::set<fs::path> out;
  for (const auto& entry : fs::directory_iterator(state / "private"))
    if (entry.is_directory())
      out.insert(entry.path());
  return out;
}

} // namespace

TEST_CASE("a private folder goes with its node", "[tools][private]") {
  const test::scratch_dir state;
  fs::path path;
  {
    const auto first = made(state / "new");
    auto second = made(state / "new");
    path = second.path();
    CHECK(fs::is_directory(path));
    CHECK(first.path() != path);
    const private_folder moved = std::move(second);
    CHECK(moved.path() == path);
  }
  CHECK(folders_in(state / "new").empty());
}

TEST_CASE("a kept folder stays when its node ends and when others begin", "[tools][private]") {
  const test::scratch_dir state;
  const fs::path path = made(state.path(), true).path();
  CHECK(fs::is_directory(path));
  die_in_a_folder(state.path(), true);
  const auto next = made(state.path());
  CHECK(fs::is_directory(path));
  CHECK(folders_in(state.path()).size() == 3);
}

TEST_CASE("what a killed node left behind goes when the next one begins", "[tools][private]") {
  const test::scratch_dir state;
  die_in_a_folder(state.path(), false);
  REQUIRE(folders_in(state.path()).size() == 1);
  const fs::path left = *folders_in(state.path()).begin();
  REQUIRE(fs::exists(left / "runs/1/big"));
  const auto next = made(state.path());
  CHECK(folders_in(state.path()) == std::set<fs::path>{next.path()});
}

TEST_CASE("a folder whose maker was killed at once goes, too", "[tools][private]") {
  const test::scratch_dir state;
  fs::create_directories(state / "private/4194304-0123cdef");
  const auto next = made(state.path());
  CHECK(folders_in(state.path()) == std::set<fs::path>{next.path()});
}

TEST_CASE("the folder of a live node stays", "[tools][private]") {
  const test::scratch_dir state;
  const auto live = made(state.path());
  CHECK(test::in_child([&] {
          const auto other = private_folder::make(state.path(), false);
          return other && fs::exists(live.path()) ? 0 : 1;
        })
        == 0);
  CHECK(folders_in(state.path()) == std::set<fs::path>{live.path()});
}

TEST_CASE("what is no private folder is nobody's to remove", "[tools][private]") {
  const test::scratch_dir state;
  for (const auto* name : {"notes", "12-34", "-01234567", "12-0123456g", "x1-01234567"})
    fs::create_directories(state / "private" / name);
  std::ofstream(state / "private/7-01234567") << "a file";
  { const auto next = made(state.path()); }
  CHECK(folders_in(state.path()).size() == 5);
  CHECK(fs::exists(state / "private/7-01234567"));
}

TEST_CASE("a state folder that cannot be made is an error that names it", "[tools][private]") {
  const test::scratch_dir state;
  std::ofstream(state / "file") << "in the way";
  const auto refused = private_folder::make(state / "file", false);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Matchers::Contains((state / "file").string()));
}

TEST_CASE("a state folder with too long a path is refused before anything is made",
          "[tools][private]") {
  const test::scratch_dir state;
  const auto long_path = [&](std::size_t size) {
    fs::path out = state.path();
    while (out.native().size() + 101 < size)
      out /= std::string(100, 'x');
    return out / std::string(size - out.native().size() - 1, 'y');
  };
  const auto fits = long_path(464);
  const std::string journal = made(fits).path() / "journal.sqlite";
  CHECK(journal.size() <= io::journal::path_size_max);
  REQUIRE(io::journal::open(made(fits).path() / "journal.sqlite"));
  const auto refused = private_folder::make(long_path(465), false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::invalid_argument);
  CHECK_THAT(refused.error().message, Catch::Matchers::Contains("has 465 bytes")
                                          && Catch::Matchers::Contains("at most 464")
                                          && Catch::Matchers::Contains("choose a shorter --dir"));
  CHECK_FALSE(fs::exists(long_path(465)));
}

TEST_CASE("a node offers what its process may use", "[tools][private]") {
  const core::resources all = node::machine_resources();
  CHECK(all.cpu_millis >= 1000);
  CHECK(all.cpu_millis % 1000 == 0);
  CHECK(all.memory.value > 0);
}

TEST_CASE("the log lies in the node's folder unless another file is named", "[tools][private]") {
  const test::scratch_dir folder;
  node::settings values;
  REQUIRE(node::open_log(values, folder.path()));
  CHECK(fs::exists(folder / "node.log"));
  values.log_file = folder / "other.log";
  REQUIRE(node::open_log(values, folder.path()));
  CHECK(fs::exists(folder / "other.log"));
  values.log_file = folder / "other.log/below";
  CHECK_FALSE(node::open_log(values, folder.path()));
}

TEST_CASE("a node offers what its settings say instead", "[tools][private]") {
  const auto machine = node::machine_resources();
  node::settings values;
  values.cpu_millis = 500;
  values.gpus = 0;
  const auto offer = node::offer_of(values);
  REQUIRE(offer);
  CHECK(offer->total.cpu_millis == 500);
  CHECK(offer->total.memory == machine.memory);
  CHECK(offer->total.gpus == 0);
  CHECK(offer->gpus.ids.empty());
}

TEST_CASE("the GPUs of a node are as many as it offers", "[tools][private]") {
  REQUIRE(test::in_child([] {
            ::setenv("CUDA_VISIBLE_DEVICES", "GPU-1,GPU-2,GPU-3", 1);
            node::settings values;
            values.gpus = 2;
            const auto made = node::node_settings_of(values, {}, "/nowhere", std::nullopt);
            values.gpus = 4;
            const auto refused = node::node_settings_of(values, {}, "/nowhere", std::nullopt);
            return made && made->total.gpus == 2
                           && made->gpus.ids == std::vector<std::string>{"GPU-1", "GPU-2"}
                           && !refused && !node::check_offer(values)
                       ? 0
                       : 1;
          })
          == 0);
}
