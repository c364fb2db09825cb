#include "maze/sandbox/image_script.hpp"

#include "support/process.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace maze;
using namespace maze::sandbox;
using Catch::Contains;

namespace {

/// An engine and a reader of archives that tell what they are asked.
struct image_scripts {
  test::scratch_dir dir;
  container_engine engine{.kind = engine_kind::podman,
                          .program = dir / "engine",
                          .options = {"-g"},
                          .open_files = {},
                          .processes = {}};
  image_import how{.reader = dir / "reader", .size_max = core::byte_count{1U << 20}};
  std::filesystem::path scratch = dir / "on its way";
  std::string said;

  image_scripts() {
    // It knows one image, and takes what is an image to the end.
    program("engine", "case \"$*\" in *'inspect known') exit 0 ;; *inspect*) exit 1 ;;\n"
                      "*'pull --quiet gone') echo no such image >&2; exit 1 ;;\n"
                      "*load*) echo x >\"$TMPDIR/half\" || exit 1\n"
                      "[ \"$(cat)\" = image ] || { echo no image >&2; exit 1; } ;; esac\n");
    // An archive says what becomes of it.
    program("reader", "eval \"$(cat)\"\n");
  }
  void program(const char* name, const std::string& text) const {
    std::ofstream(dir / name) << "#!/bin/sh\necho \"$*\" >>'" << (dir / "asked").native() << "'\n"
                              << text;
    std::filesystem::permissions(dir / name, std::filesystem::perms(0755));
  }
  std::string asked(const sandbox::container_image& image, int status = 0) {
    std::filesystem::remove(dir / "asked");
    const auto ended = test::run(
        {.argv = {"/bin/sh", "-c", image_script(engine, image, how, scratch) + "\ntrue"}});
    said = ended.standard_error;
    CHECK(ended.status == status);
    CHECK(ended.standard_output.empty());
    CHECK_FALSE(std::filesystem::exists(scratch));
    return test::read_file(dir / "asked");
  }
  [[nodiscard]] sandbox::container_image archive(const std::string& text) const {
    std::ofstream(dir / "it's.tar") << text;
    return {"n:1", dir / "it's.tar", "a/it's.tar"};
  }
};

} // namespace

TEST_CASE_METHOD(image_scripts, "an image is fetched by its name where the engine lacks it",
                 "[sandbox][container]") {
  CHECK(asked({"known", {}, {}}) == "-g image inspect known\n");
  CHECK(asked({"new", {}, {}}) == "-g image inspect new\n-g pull --quiet new\n");
  CHECK_THAT(asked({"gone", {}, {}}, container_refused), Contains("pull"));
  CHECK(said == "no such image\n");
}

TEST_CASE_METHOD(image_scripts, "an archive becomes an image by way of its reader",
                 "[sandbox][container]") {
  auto lines = asked(archive("echo image"));
  CHECK_THAT(lines, Contains("n:1 a/it's.tar 1MiB\n") && Contains("-g load --quiet\n"));
  CHECK(said.empty());
}

TEST_CASE_METHOD(image_scripts, "what is wrong with an archive is told, not what came of it",
                 "[sandbox][container]") {
  asked(archive("echo half; echo no program >&2; exit 1"), container_refused);
  CHECK(said == "no program\n");
  // The engine's word, where that refuses it, or the reader was killed.
  asked(archive("echo odd"), container_refused);
  CHECK(said == "no image\n");
  asked(archive("kill -KILL $$"), container_refused);
  CHECK_THAT(said, Contains("no image\n"));
  auto missing = archive("");
  std::filesystem::remove(missing.archive);
  asked(missing, container_refused);
  CHECK_THAT(said, Contains("it's.tar"));
}
