#include "maze/io/library_folder.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace maze;

TEST_CASE("the libraries of a folder are named after their files", "[io][libraries]") {
  const test::scratch_dir dir;
  for (const char* name : {"libtext.so", "sound.so", "lib.so", "notes.txt", ".so", "libold.so.1"})
    std::ofstream(dir.path() / name) << "x";
  std::filesystem::create_directory(dir.path() / "libfolder.so");
  std::filesystem::create_symlink("libtext.so", dir.path() / "libalias.so");
  const auto found = io::list_libraries(dir.path());
  REQUIRE(found);
  CHECK(found->files
        == decltype(found->files){{"alias", "libalias.so"},
                                  {"lib", "lib.so"},
                                  {"sound", "sound.so"},
                                  {"text", "libtext.so"}});
  CHECK(found->warnings.empty());
}

TEST_CASE("what functions cannot name, and what has the name of another, is left out with a word",
          "[io][libraries]") {
  const test::scratch_dir dir;
  for (const char* name : {"libtext.so", "text.so", "lib1st\x1b[2J.so"})
    std::ofstream(dir.path() / name) << "x";
  const auto found = io::list_libraries(dir.path());
  REQUIRE(found);
  CHECK(found->files == decltype(found->files){{"text", "text.so"}});
  REQUIRE(found->warnings.size() == 2);
  CHECK(found->warnings[0].find("lib1st\\x1b[2J.so is left out") == 0);
  CHECK(found->warnings[1] == "libtext.so is left out: text.so has the same name and comes later");
}

TEST_CASE("a folder that is not there is named", "[io][libraries]") {
  const test::scratch_dir dir;
  const auto found = io::list_libraries(dir / "none");
  REQUIRE_FALSE(found);
  CHECK(found.error().code == core::errc::not_found);
  CHECK(found.error().message.find("none") != std::string::npos);
}

TEST_CASE("a single file has a name by the same rule", "[io][libraries]") {
  CHECK(io::library_name("/opt/plugins/libtext.so").value() == "text");
  CHECK(io::library_name("text").value() == "text");
  const auto bad = io::library_name("lib1st part.so");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == core::errc::invalid_argument);
  CHECK(bad.error().message == "functions cannot name a library '1st part'");
}
