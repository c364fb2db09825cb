#include "gateway/foreign_workflow.hpp"
#include "gateway/line_reader.hpp"
#include "gateway/run_files.hpp"
#include "gateway/text_parts.hpp"
#include "support/scratch_dir.hpp"
#include "support/tar.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <fcntl.h>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace maze;
using namespace maze::gateway;
using Catch::Matchers::Contains;

TEST_CASE("the workflow of a project is the one that is named, or the only one there is") {
  const test::scratch_dir room;
  CHECK(find_workflow(room.path(), "").error().code == core::errc::not_found);
  std::ofstream(room / "one.yaml") << "maze: 1\n";
  std::ofstream(room / "notes.txt") << "no workflow\n";
  CHECK(find_workflow(room.path(), "").value() == room / "one.yaml");
  std::ofstream(room / "two.json") << "{}\n";
  const auto several = find_workflow(room.path(), "");
  REQUIRE_FALSE(several);
  CHECK_THAT(several.error().message, Contains("one.yaml, two.json"));
  CHECK(find_workflow(room.path(), "two.json").value() == room / "two.json");
  CHECK(find_workflow(room.path(), "three.json").error().code == core::errc::not_found);
  CHECK(find_workflow(room.path(), "../one.yaml").error().code == core::errc::invalid_argument);
  CHECK(find_workflow(room.path(), "/etc/passwd").error().code == core::errc::invalid_argument);
}

TEST_CASE("a temporary folder goes with who made it") {
  std::filesystem::path where;
  {
    auto folder = temporary_folder::make();
    REQUIRE(folder);
    where = folder->path();
    CHECK(std::filesystem::status(where).permissions() == std::filesystem::perms::owner_all);
    std::ofstream(where / "file") << "x";
  }
  CHECK_FALSE(std::filesystem::exists(where));
}

TEST_CASE("a project comes as an archive, and nothing of it leaves its folder") {
  const auto folder = unpack_project(test::tar_of(
      {{.name = "w.yaml", .content = "maze: 1\n"}, {.name = "data/in.txt", .content = "x"}}));
  REQUIRE(folder);
  CHECK(find_workflow(folder->path(), "").value() == folder->path() / "w.yaml");
  CHECK(std::filesystem::file_size(folder->path() / "data/in.txt") == 1);
  CHECK_FALSE(unpack_project(test::tar_of({{.name = "../out", .content = "x"}})));
  CHECK_FALSE(
      unpack_project(test::tar_of({{.name = "link", .type = '2', .target = "/etc/passwd"}})));
  CHECK_FALSE(unpack_project("hello, this is a text and no archive at all"));
}

TEST_CASE("an archive is known by its first bytes, whatever it is said to be") {
  CHECK(is_archive(test::tar_of({{.name = "w.yaml", .content = "x"}})));
  CHECK(is_archive("\x1f\x8b\x08 and so on"));
  CHECK(is_archive("\x28\xb5\x2f\xfd and so on"));
  CHECK_FALSE(is_archive(""));
  CHECK_FALSE(is_archive("maze: 1\nname: ustar\n" + std::string(400, '#')));
}

TEST_CASE("a text is cut between its characters") {
  CHECK(unfinished("") == 0);
  CHECK(unfinished("abc") == 0);
  CHECK(unfinished("a\xc3\xa9") == 0);
  CHECK(unfinished("a\xc3") == 1);
  CHECK(unfinished("\xe2\x82") == 2);
  CHECK(unfinished("\xf0\x9f\x98") == 3);
  CHECK(unfinished("\xf0\x9f\x98\x80") == 0);
  CHECK(unfinished("\x80\x80\x80\x80") == 0);
  nlohmann::ordered_json x{{"a", "12345"}, {"b", {"1234567", {{"c", "12é"}}}}, {"d", 123456789}};
  shorten(x, 5);
  CHECK(x
        == nlohmann::ordered_json{
            {"a", "12345"}, {"b", {"12345… [2 bytes more]", {{"c", "12é"}}}}, {"d", 123456789}});
  shorten(x, 3);
  CHECK(x["b"][1]["c"] == "12… [2 bytes more]");
}

TEST_CASE("a file is read in parts of whole characters") {
  const test::scratch_dir room;
  std::ofstream(room / "text") << "aé€b";
  run_file file{io::unique_fd(::open((room / "text").c_str(), O_RDONLY | O_CLOEXEC)), 7};
  std::string all;
  for (std::uint64_t at = 0; at < file.size;) {
    const auto part = read_part(file, at, 4);
    REQUIRE(part);
    REQUIRE_FALSE(part->empty());
    all += *part;
    at += part->size();
  }
  CHECK(all == "aé€b");
  CHECK(read_part(file, 100, 4).value().empty());
  CHECK(read_part(file, 2, 5).error().code == core::errc::unsupported_operation);
}

TEST_CASE("an archive that would unpack to more than is allowed is refused") {
  const auto folder = unpack_project(
      test::tar_of({{.name = "big", .content = "x", .size = std::uint64_t{3} << 30}}));
  REQUIRE_FALSE(folder);
}

TEST_CASE("lines are read as they come, the last one also without its end") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  std::thread writer([&] {
    for (const std::string text : {"one\ntw", "o\n\nthree"})
      REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
  });
  line_reader lines(ends[0], 100);
  CHECK(lines.next() == "one");
  CHECK(lines.next() == "two");
  CHECK(lines.next() == "");
  CHECK(lines.next() == "three");
  CHECK_FALSE(lines.next());
  CHECK_FALSE(lines.next());
  writer.join();
  ::close(ends[0]);
}

TEST_CASE("a line that is too long is cut, and the next one is whole") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  std::thread writer([&] {
    const std::string text = std::string(1'000'000, 'x') + "\nshort\n";
    for (std::size_t at = 0; at < text.size();)
      at += static_cast<std::size_t>(::write(ends[1], text.data() + at, text.size() - at));
    ::close(ends[1]);
  });
  line_reader lines(ends[0], 10);
  CHECK(lines.next() == std::string(11, 'x'));
  CHECK(lines.next() == "short");
  CHECK_FALSE(lines.next());
  writer.join();
  ::close(ends[0]);
}
