#include "maze/io/archive_entries.hpp"

#include "maze/io/files.hpp"
#include "support/tar.hpp"

#include <catch2/catch.hpp>

#include <sys/mman.h>

using namespace maze;
using test::tar_entry;
using test::tar_of;

namespace {

io::unique_fd entries_file(const std::string& bytes) {
  io::unique_fd out(::memfd_create("entries", MFD_CLOEXEC));
  REQUIRE(io::write_all(out.get(), bytes));
  return out;
}

} // namespace

TEST_CASE("entries of an archive have plain names, and links lead to names", "[io][archive]") {
  const auto file = entries_file(
      tar_of({{.name = "./", .type = '5', .content = {}, .target = {}, .size = {}},
              {.name = "./a/b", .type = '0', .content = "text", .target = {}, .size = {}},
              {.name = "c/soft", .type = '2', .content = {}, .target = "../a/b", .size = {}},
              {.name = "hard", .type = '1', .content = {}, .target = "./a/b", .size = {}}}));
  auto in = io::entry_reader::open(file.get()).value();
  const auto next = [&in] { return in.next().value(); };
  CHECK(next()->name.empty());
  const auto plain = next();
  CHECK(plain->name == "a/b");
  CHECK(plain->is_file);
  CHECK(plain->size == 4);
  CHECK(in.text(4).value() == "text");
  CHECK(next()->link == "a/b");
  CHECK(next()->link == "a/b");
  CHECK_FALSE(next());
}

TEST_CASE("what is no archive, or is cut off, is an error", "[io][archive]") {
  const auto noise = entries_file(std::string(2000, 'x'));
  CHECK(io::entry_reader::open(noise.get()).error().code == core::errc::malformed);
  const auto whole = tar_of(
      {{.name = "a", .type = '0', .content = std::string(3000, 'a'), .target = {}, .size = {}}});
  const auto cut = entries_file(whole.substr(0, 1024));
  auto in = io::entry_reader::open(cut.get()).value();
  REQUIRE(in.next().value());
  CHECK(in.text(3000).error().code == core::errc::malformed);
}

TEST_CASE("an archive that is written is read again", "[io][archive]") {
  const io::unique_fd file(::memfd_create("written", MFD_CLOEXEC));
  auto out = io::entry_writer::open(file.get()).value();
  REQUIRE(out.begin("one", 3));
  CHECK(out.write("four").error().code == core::errc::malformed);
  REQUIRE(out.write("on"));
  CHECK(out.begin("two", 0).error().code == core::errc::malformed);
  CHECK(out.finish().error().code == core::errc::malformed);
  REQUIRE(out.write("e"));
  REQUIRE(out.begin("two", 0));
  REQUIRE(out.finish());
  auto in = io::entry_reader::open(file.get()).value();
  CHECK(in.next().value()->name == "one");
  auto content = in.unpacked().value();
  CHECK(content.next().value() == "one");
  CHECK(content.next().value().empty());
  CHECK(in.next().value()->size == 0);
  CHECK_FALSE(in.next().value());
}
