#include "maze/sandbox/image_script.hpp"

#include "maze/core/sandbox_spec.hpp"
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
  image_import how{.reader = dir / "reader",
                   .size_max = core::byte_count{1U << 20},
                   .records = dir / "it's used",
                   .age_max = std::chrono::hours(1)};
  std::filesystem::path scratch = dir / "on its way";
  std::string said;

  image_scripts() {
    std::filesystem::create_directory(images());
    // It has the images that have a file each, with the folder without which nobody needs them, and takes what is an image to the
    // end. It is asked for what it holds on to.
    program("engine", "name() { echo \"" + images().native()
                          + "/${1##*[/:]}\"; }\n"
                            "for last; do :; done\n"
                            "case \"$*\" in *inspect*) cat \"$(name \"$last\")\" ;;\n"
                            "*' images '*) ls '"
                          + images().native()
                          + "' ;;\n"
                            "*' rmi '*) [ ! -s '"
                          + (dir / "held").native()
                          + "' ] && rm \"$(name \"$last\")\" ;;\n"
                            "*'pull --quiet gone') echo no such image >&2; exit 1 ;;\n"
                            "*load*) echo x >\"$TMPDIR/half\" || exit 1\n"
                            "[ \"$(cat)\" = image ] || { echo no image >&2; exit 1; } ;; esac\n");
    // An archive says what becomes of it.
    program("reader", "eval \"$(cat)\"\n");
  }
  [[nodiscard]] std::filesystem::path images() const { return dir / "images"; }
  /// Names of what is in a folder, in order.
  [[nodiscard]] static std::string names_in(const std::filesystem::path& folder) {
    return test::run({.argv = {"/bin/ls", folder.native()}}).standard_output;
  }
  /// An image of these records, or of others; and when it was used last, in hours before now.
  void have(const std::string& tag, const std::string& folder, int hours = -1) const {
    std::ofstream(images() / tag) << folder;
    if (hours < 0)
      return;
    std::filesystem::create_directory(how.records);
    std::ofstream(how.records / tag) << "\n";
    std::filesystem::last_write_time(how.records / tag,
                                     std::filesystem::file_time_type::clock::now()
                                         - std::chrono::hours(hours));
  }
  [[nodiscard]] std::string own(const std::string& tag) const {
    return image_prefix(how.records).substr(core::imported_images.size()) + tag;
  }
  void sweep() const {
    const auto ended = test::run({.argv = {"/bin/sh", "-c", image_sweep_script(engine, how)}});
    CHECK(ended.standard_output + ended.standard_error == "");
  }
  void program(const char* name, const std::string& text) const {
    std::ofstream(dir / name) << "#!/bin/sh\necho \"$*\" >>'" << (dir / "asked").native() << "'\n"
                              << text;
    std::filesystem::permissions(dir / name, std::filesystem::perms(0755));
  }
  std::string asked(const sandbox::container_image& image, int status = 0, bool known = false,
                    const std::string& then = "true") {
    std::filesystem::remove(dir / "asked");
    const image_errand errand{.scratch = scratch, .lock = 7, .known = known};
    const auto ended = test::run(
        {.argv = {"/bin/sh", "-c", image_script(engine, image, how, errand) + "\n" + then}});
    said = ended.standard_error;
    CHECK(ended.status == status);
    CHECK(ended.standard_output.empty());
    CHECK_FALSE(std::filesystem::exists(scratch));
    return test::read_file(dir / "asked");
  }
  [[nodiscard]] sandbox::container_image archive(const std::string& text) const {
    std::ofstream(dir / "it's.tar") << text;
    return {image_prefix(how.records) + "1", dir / "it's.tar", "a/it's.tar"};
  }
};

} // namespace

TEST_CASE_METHOD(image_scripts, "an image is fetched by its name where the engine lacks it",
                 "[sandbox][container]") {
  have("known", "");
  CHECK(asked({"known", {}, {}}) == "-g image inspect known\n");
  CHECK(asked({"known", {}, {}}, 0, true).empty());
  CHECK(asked({"new", {}, {}}) == "-g image inspect new\n-g pull --quiet new\n");
  CHECK_THAT(asked({"gone", {}, {}}, container_refused), Contains("pull"));
  CHECK(said == "no such image\n");
}

TEST_CASE_METHOD(image_scripts, "an archive becomes an image by way of its reader",
                 "[sandbox][container]") {
  auto lines = asked(archive("echo image"));
  CHECK_THAT(lines, Contains(image_prefix(how.records) + "1 a/it's.tar 1MiB " + how.records.native()
                             + "\n")
                        && Contains("-g load --quiet\n"));
  CHECK(said.empty());
}

TEST_CASE_METHOD(image_scripts, "an image is not asked for again until somebody has removed it",
                 "[sandbox][container]") {
  have(own("1"), how.records);
  CHECK_THAT(asked(archive("echo image"), 0, true), Contains("inspect") && !Contains("load"));
  CHECK(asked(archive("echo image"), 0, true).empty());
  have(own("1"), how.records, 2);
  sweep();
  CHECK(names_in(how.records).empty());
  CHECK_THAT(asked(archive("echo image"), 0, true), Contains("load"));
}

TEST_CASE_METHOD(image_scripts, "images that nobody uses are removed, and no others",
                 "[sandbox][container]") {
  have(own("old"), how.records, 2);
  have(own("young"), how.records, 0);
  have(own("unknown"), how.records);
  have("other", dir.path());
  have("orphan", dir / "nowhere");
  have("unlabelled", "");
  sweep();
  CHECK(names_in(images()) == own("unknown\n") + own("young\n") + "other\n");
  // Its time begins when it is seen.
  CHECK(names_in(how.records) == own("unknown\n") + own("young\n"));
  // A record without its image is of no use.
  have(own("gone"), how.records, 2);
  std::filesystem::remove(images() / own("gone"));
  sweep();
  CHECK(names_in(how.records) == own("unknown\n") + own("young\n"));
}

TEST_CASE_METHOD(image_scripts, "an image that somebody uses stays", "[sandbox][container]") {
  have(own("1"), how.records, 2);
  // The engine says so.
  std::ofstream(dir / "held") << "x";
  sweep();
  CHECK(names_in(images()) == own("1\n"));
  CHECK(names_in(how.records) == own("1\n"));
  std::filesystem::remove(dir / "held");
  // Whoever got it holds on to it, however long ago that was.
  const std::string record = shell_words({how.records / own("1")});
  asked(archive(""), 0, false,
        "touch --date '2 hours ago' " + record + "; " + image_sweep_script(engine, how));
  CHECK(names_in(images()) == own("1\n"));
  have(own("1"), how.records, 2);
  sweep();
  CHECK(names_in(images()).empty());
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
