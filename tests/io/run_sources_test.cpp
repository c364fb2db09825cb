#include "maze/io/run_sources.hpp"

#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace maze;
using Catch::Contains;

namespace {

struct sources_fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  std::filesystem::path project = dir / "project";
  core::workflow work;

  sources_fixture() {
    std::filesystem::create_directories(project / "src");
    put("src/plot.py", "def draw(): pass");
    put("libtext.so", "machine code");
  }
  void put(const std::string& path, const std::string& content) const {
    std::ofstream(project / path) << content;
  }
  void add_script(const std::string& path) {
    core::task_spec task;
    task.name = "draw";
    task.action = core::python_action{core::python_source::file, path, ""};
    work.tasks.push_back(task);
  }
  core::result<io::run_sources> take() const { return io::take_sources(work, project, *store); }
  core::error refused() const {
    const auto taken = take();
    REQUIRE_FALSE(taken);
    return taken.error();
  }
};

} // namespace

TEST_CASE_METHOD(sources_fixture, "libraries are stored under their hash", "[io][run_sources]") {
  work.libraries = {{"text", "libtext.so"}, {"same", (project / "libtext.so").string()}};
  const auto taken = take();
  REQUIRE(taken);
  const core::library_ref ref{io::hash_bytes("machine code"), 12};
  CHECK(taken->libraries == core::library_refs{{"same", ref}, {"text", ref}});
  CHECK(taken->files.empty());
  CHECK(store->has(ref.hash));
}

TEST_CASE_METHOD(sources_fixture, "a library that cannot be one is named", "[io][run_sources]") {
  work.libraries = {{"text", "none.so"}};
  CHECK(refused().code == core::errc::not_found);
  CHECK_THAT(refused().message, Contains("library text") && Contains("none.so"));
  work.libraries = {{"text", "src"}};
  CHECK_THAT(refused().message, Contains("is no file"));
  put("empty.so", "");
  work.libraries = {{"text", "empty.so"}};
  CHECK_THAT(refused().message, Contains("is empty"));
  std::filesystem::resize_file(project / "empty.so", (std::uintmax_t{4} << 30) + 1);
  CHECK_THAT(refused().message, Contains("has 4294967297 bytes"));
}

TEST_CASE_METHOD(sources_fixture, "archives of images travel because tasks name them",
                 "[io][run_sources]") {
  put("base.tar", "files");
  const auto add_image = [this](const char* image) {
    core::task_spec task;
    task.name = "a";
    task.sandbox.level = core::sandbox_level::container;
    task.sandbox.image = image;
    work.tasks.push_back(task);
  };
  for (const char* image :
       {"base.tar", "base.tar", "../project/base.tar", "/srv/x.tar", "debian:12"})
    add_image(image);
  const auto taken = take();
  REQUIRE(taken);
  const core::blob_id blob{io::hash_bytes("files"), 5};
  CHECK(taken->archives == core::archive_refs{{"base.tar", blob}, {"../project/base.tar", blob}});
  CHECK(taken->files.empty());
  CHECK(store->has(blob));
  add_image("none.tar");
  CHECK(refused().code == core::errc::not_found);
  CHECK_THAT(refused().message, Contains("archive none.tar"));
}

TEST_CASE_METHOD(sources_fixture, "a Python file travels because a task names it",
                 "[io][run_sources]") {
  add_script("src/plot.py");
  add_script("src/plot.py");
  const auto taken = take();
  REQUIRE(taken);
  REQUIRE(taken->files.contains("src/plot.py"));
  CHECK(taken->files.at("src/plot.py").hash == io::hash_bytes("def draw(): pass"));
}

TEST_CASE_METHOD(sources_fixture, "what files brings to that place counts before the file there",
                 "[io][run_sources]") {
  put("src/new.py", "def draw(): return 2");
  work.files = {{.from = "src/new.py", .match = {}, .to = "src/plot.py"}};
  add_script("src/plot.py");
  const auto taken = take();
  REQUIRE(taken);
  CHECK(taken->files.at("src/plot.py").hash == io::hash_bytes("def draw(): return 2"));
}

TEST_CASE_METHOD(sources_fixture, "a Python file that is nowhere is named with its task",
                 "[io][run_sources]") {
  add_script("plot.py");
  CHECK(refused().code == core::errc::not_found);
  CHECK_THAT(refused().message, Contains("tasks.draw.python") && Contains("'plot.py'"));
  work.tasks.clear();
  add_script("src");
  CHECK_THAT(refused().message, Contains("'src'"));
}

TEST_CASE_METHOD(sources_fixture, "a Python file below what files makes a link is refused",
                 "[io][run_sources]") {
  std::filesystem::create_directories(project / "tree");
  std::filesystem::create_symlink("other", project / "tree/src");
  work.files = {{.from = "tree", .match = "src", .to = {}}};
  add_script("src/plot.py");
  CHECK(refused().code == core::errc::file_conflict);
}

TEST_CASE_METHOD(sources_fixture, "with sha256 also Python files carry theirs",
                 "[io][run_sources]") {
  work.rules.sha256 = true;
  add_script("src/plot.py");
  const auto taken = take();
  REQUIRE(taken);
  CHECK(taken->files.at("src/plot.py").sha256.size() == 32);
}

TEST_CASE_METHOD(sources_fixture, "the libraries of a node's own folder are in its store for good",
                 "[io][run_sources]") {
  std::filesystem::create_directories(project / "libs");
  put("libs/libtext.so", "machine code");
  put("libs/lib-.so", "no name");
  put("libs/readme.txt", "no library");
  const auto warnings = io::stock_libraries(project / "libs", *store);
  REQUIRE(warnings);
  REQUIRE(warnings->size() == 1);
  CHECK_THAT(warnings->front(), Contains("lib-.so"));
  const auto hash = io::hash_bytes("machine code");
  CHECK(store->has(hash));
  CHECK_FALSE(store->has(io::hash_bytes("no library")));
  REQUIRE(store->sweep({hash}));
  CHECK(store->has(hash));
}

TEST_CASE_METHOD(sources_fixture, "a node's own folder of libraries must be there and sound",
                 "[io][run_sources]") {
  const auto none = io::stock_libraries(project / "none", *store);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == core::errc::not_found);
  std::filesystem::create_directories(project / "libs");
  put("libs/libempty.so", "");
  const auto broken = io::stock_libraries(project / "libs", *store);
  REQUIRE_FALSE(broken);
  CHECK_THAT(broken.error().message, Contains("libempty.so") && Contains("is empty"));
}
