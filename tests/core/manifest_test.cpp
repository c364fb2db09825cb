#include "maze/core/manifest.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace maze::core;

namespace {

file_entry file(std::uint64_t content, std::uint32_t mode = 0644) {
  return {.kind = file_kind::file, .hash = {.high = 1, .low = content}, .size = 5, .mode = mode};
}

file_entry folder(std::uint32_t mode = 0755) {
  return {.kind = file_kind::directory, .mode = mode};
}

file_entry link_to(std::string target) {
  return {.kind = file_kind::symlink, .mode = 0777, .target = std::move(target)};
}

file_entry random_entry(std::mt19937& random) {
  switch (random() % 3) {
  case 0:
    return folder();
  case 1:
    return link_to("x");
  default:
    return file(random() % 4);
  }
}

std::string random_path(std::mt19937& random) {
  static const std::string parts[] = {"a", "b", "a-b", "c", "a0"};
  std::string path = parts[random() % 5];
  for (auto more = random() % 4; more > 0; --more)
    path += '/' + parts[random() % 5];
  return path;
}

/// A valid map: maze::core::apply() itself keeps it so, one entry at a time.
file_map random_map(std::mt19937& random) {
  file_map files;
  for (auto n = random() % 12; n > 0; --n)
    files = maze::core::apply(std::move(files),
                              {.written = {{random_path(random), random_entry(random)}}});
  return files;
}

} // namespace

TEST_CASE("paths that stay in the taskspace are accepted", "[core][manifest]") {
  for (const std::string path : {"a", "a/b", "a.b/..c", "...", "new\nline", "\xff\xfe", " ", "-rf"})
    CHECK(check_path(path));
  CHECK(check_path(std::string(255, 'x')));
  std::string longest;
  while (longest.size() < 4000)
    longest += std::string(199, 'd') + '/';
  CHECK(check_path(longest + std::string(95, 'f')));
  CHECK_FALSE(check_path(longest + std::string(96, 'f')));
}

TEST_CASE("a path that breaks a rule is refused by name and rule", "[core][manifest]") {
  const auto [path, rule] =
      GENERATE(table<std::string, std::string>({{"", "empty"},
                                                {"/etc/passwd", "absolute"},
                                                {"a//b", "empty part"},
                                                {"a/", "empty part"},
                                                {".", "'.' or '..'"},
                                                {"a/./b", "'.' or '..'"},
                                                {"../x", "'.' or '..'"},
                                                {"a/..", "'.' or '..'"},
                                                {std::string("a\0b", 3), "NUL"},
                                                {std::string(256, 'x'), "255"},
                                                {"ok/" + std::string(256, 'x'), "255"}}));
  const auto done = check_path(path);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::malformed);
  CHECK(done.error().message.find(rule) != std::string::npos);
}

TEST_CASE("symlinks that stay inside are kept", "[core][manifest]") {
  CHECK(check_symlink("a", "b"));
  CHECK(check_symlink("d/a", "../b"));
  CHECK(check_symlink("d/e/a", "../../b/c"));
  CHECK(check_symlink("d/a", ".."));
  CHECK(check_symlink("a", "."));
  CHECK(check_symlink("a", "./b//c/"));
  CHECK(check_symlink("a", "missing"));
}

TEST_CASE("symlinks that could lead outside are refused", "[core][manifest]") {
  const auto [path, target] = GENERATE(table<std::string, std::string>(
      {{"a", ""},
       {"a", "/etc/passwd"},
       {"a", ".."},
       {"d/a", "../.."},
       {"d/a", "../../d/a"},
       {"d/e/a", "../../../x"},
       // Textually inside, but outside as soon as `s` is itself a link to somewhere higher up.
       {"d/e/a", "s/../.."},
       {"a", "b/../c"},
       {"a", std::string("b\0c", 3)},
       {"a", std::string(4096, 'x')},
       {"../a", "b"}}));
  const auto done = check_symlink(path, target);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::malformed);
}

TEST_CASE("nothing lies below a file or a symlink", "[core][manifest]") {
  CHECK(check_file_map({{"a", folder()}, {"a/b", file(1)}, {"a/c/d", file(2)}, {"a-b", file(3)}}));
  CHECK_FALSE(check_file_map({{"a", file(1)}, {"a/b", file(1)}}));
  CHECK_FALSE(check_file_map({{"a", file(1)}, {"a/b/c/d", file(1)}}));
  CHECK_FALSE(check_file_map({{"a", file(1)}, {"a-b", file(2)}, {"a/b", file(1)}}));
  const auto done = check_file_map({{"a", link_to("x")}, {"a/b", file(1)}});
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "path 'a/b' lies below 'a', which is no folder");
}

TEST_CASE("an entry says only what its kind allows", "[core][manifest]") {
  auto with_target = file(1);
  with_target.target = "x";
  auto sized_folder = folder();
  sized_folder.size = 1;
  auto hashed_link = link_to("x");
  hashed_link.hash.low = 1;
  auto sealed_folder = folder();
  sealed_folder.sha256 = std::string(32, 's');
  auto short_seal = file(1);
  short_seal.sha256 = "short";
  for (const auto& entry : {with_target, sized_folder, hashed_link, sealed_folder, short_seal,
                            file(1, 04755), link_to("/x")})
    CHECK_FALSE(check_file_map({{"a", entry}}));
}

TEST_CASE("equal manifests encode to equal bytes and come back", "[core][manifest]") {
  const auto seed = GENERATE(range(0U, 100U));
  INFO("seed = " << seed);
  std::mt19937 random(seed);
  const auto files = random_map(random);
  const auto encoded = encode_manifest(files);
  const auto back = decode_manifest(encoded);
  REQUIRE(back);
  CHECK(*back == files);
  CHECK(encode_manifest(*back) == encoded);
  for (std::size_t length = 0; length < encoded.size(); ++length)
    CHECK_FALSE(decode_manifest(std::string_view(encoded).substr(0, length)));
}

TEST_CASE("a manifest that breaks a rule is refused when it is read", "[core][manifest]") {
  CHECK_FALSE(decode_manifest(encode_manifest({{"../x", file(1)}})));
  CHECK_FALSE(decode_manifest(encode_manifest({{"a", file(1)}, {"a/b", file(1)}})));
  auto other_version = encode_manifest({});
  other_version[0] = 2;
  const auto refused = decode_manifest(other_version);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("version 2") != std::string::npos);
}

TEST_CASE("bytes that no writer makes are no manifest", "[core][manifest]") {
  // version, number of entries, then each path's length, its bytes, its kind ...
  const auto good = encode_manifest({{"a", file(1)}, {"b", file(2)}});
  const auto second = 4 + (good.size() - 2) / 2 - 1;
  REQUIRE(good[3] == 'a');
  REQUIRE(good[second] == 'b');
  const auto with = [&](std::size_t at, char byte) {
    auto bytes = good;
    bytes[at] = byte;
    return decode_manifest(bytes);
  };
  REQUIRE(with(3, 'a'));
  SECTION("a path twice") { CHECK_FALSE(with(second, 'a')); }
  SECTION("paths out of order") { CHECK_FALSE(with(3, 'c')); }
  SECTION("a kind that is none: devices, fifos, sockets") {
    const char kind = GENERATE('\0', '\4', '\7', '\x7f');
    CHECK_FALSE(with(4, kind));
  }
  SECTION("more entries than there are") { CHECK_FALSE(with(1, '\3')); }
  SECTION("fewer entries than there are") { CHECK_FALSE(with(1, '\1')); }
  SECTION("a number of entries that no memory holds") {
    auto bytes = good;
    bytes.replace(1, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    CHECK(decode_manifest(bytes).error().code == errc::malformed);
  }
}

TEST_CASE("names that differ by case are two files", "[core][manifest]") {
  const file_map files{{"Makefile", file(1)}, {"makefile", file(2)}};
  CHECK(decode_manifest(encode_manifest(files)).value() == files);
}

TEST_CASE("what is written replaces what was there", "[core][manifest]") {
  const file_map base{
      {"d", folder()}, {"d-x", file(1)}, {"d/a", file(1)}, {"d/s/b", file(2)}, {"f", file(3)}};
  CHECK(maze::core::apply(base, {.written = {{"d", file(9)}}})
        == file_map{{"d", file(9)}, {"d-x", file(1)}, {"f", file(3)}});
  CHECK(maze::core::apply(base, {.written = {{"d", folder(0700)}}}).size() == 5);
  CHECK(maze::core::apply(base, {.written = {{"f/x", file(4)}}}).contains("f") == false);
  CHECK(maze::core::apply(base, {.removed = {"d"}}) == file_map{{"d-x", file(1)}, {"f", file(3)}});
  CHECK(maze::core::apply(base, {.removed = {"d/s"}}).size() == 4);
  CHECK(maze::core::apply(base, {.written = {{"d/n", file(5)}}, .removed = {"d"}})
        == file_map{{"d-x", file(1)}, {"d/n", file(5)}, {"f", file(3)}});
  CHECK(maze::core::apply(base, {.removed = {"nothing", ""}}) == base);
}

TEST_CASE("no delta breaks a map", "[core][manifest]") {
  const auto seed = GENERATE(range(0U, 300U));
  INFO("seed = " << seed);
  std::mt19937 random(seed);
  const auto base = random_map(random);
  manifest_delta delta{.written = random_map(random)};
  for (auto n = random() % 4; n > 0; --n)
    delta.removed.push_back(random_path(random));
  REQUIRE(check_file_map(base));
  REQUIRE(check_file_map(delta.written));
  const auto after = maze::core::apply(base, delta);
  CHECK(check_file_map(after));
  for (const auto& [path, entry] : delta.written) {
    REQUIRE(after.contains(path));
    CHECK(after.at(path) == entry);
  }
}

TEST_CASE("what lies below a folder is told by text", "[core][manifest]") {
  CHECK(lies_below("a/b", "a"));
  CHECK(lies_below("a", ""));
  CHECK_FALSE(lies_below("a", "a"));
  CHECK_FALSE(lies_below("ab/c", "a"));
  CHECK_FALSE(lies_below("", ""));
  file_map files{{"a", folder()}, {"a-b", file(1)}, {"a/b", file(1)}, {"a0", file(1)}};
  erase_below(files, "a");
  CHECK(files.size() == 3);
  erase_below(files, "");
  CHECK(files.empty());
}
