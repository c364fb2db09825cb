#include "maze/io/trusted_code.hpp"

#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cctype>
#include <filesystem>
#include <fstream>

using namespace maze;
using Catch::Contains;
using core::errc;
using texts = std::vector<std::string>;

namespace {

core::result<io::trusted_code> trusting(const texts& entries) {
  return io::trusted_code::read(entries);
}

std::string sum(std::string_view content) { return io::sha256_bytes(content).value(); }

} // namespace

TEST_CASE("code is trusted by its SHA-256, whether that is given or read off files",
          "[io][trusted_code]") {
  // The sum of `abc`: FIPS 180-4, its first example.
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(io::hex(sum("abc")) == abc);
  const test::scratch_dir folder;
  std::ofstream(folder / "one.so") << "one";
  std::filesystem::create_directory(folder / "more");
  std::ofstream(folder / "more" / "two.so") << "two";
  std::filesystem::create_directory(folder / "more" / "deep");
  std::ofstream(folder / "more" / "deep" / "three.so") << "three";
  const auto sut = trusting({abc, (folder / "one.so").string(), (folder / "more").string()});
  REQUIRE(sut);
  CHECK(sut->size() == 3);
  for (const char* content : {"abc", "one", "two"})
    CHECK(sut->has(sum(content)));
  for (const char* content : {"three", "", "ABC"})
    CHECK_FALSE(sut->has(sum(content)));
  std::string upper = abc;
  for (char& c : upper)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(trusting({upper})->has(sum("abc")));
  CHECK(trusting({})->size() == 0);
}

TEST_CASE("an entry that is neither sum, file nor folder is named", "[io][trusted_code]") {
  const test::scratch_dir folder;
  const auto absent = trusting({(folder / "nowhere").string()});
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code == errc::invalid_argument);
  CHECK_THAT(absent.error().message, Contains("nowhere") && Contains("no SHA-256"));
  CHECK(trusting({std::string(64, 'g')}).error().code == errc::invalid_argument);
  CHECK(trusting({""}).error().code == errc::invalid_argument);
  CHECK(trusting({"/dev/null"}).error().code == errc::invalid_argument);
}
