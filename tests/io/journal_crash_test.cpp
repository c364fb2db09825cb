#include "maze/io/journal.hpp"
#include "support/in_child.hpp"
#include "support/needs.hpp"
#include "support/overlay.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <csignal>
#include <random>
#include <sys/mount.h>
#include <vector>

using namespace maze;
using core::errc;
using io::journal;
using io::journal_row;

namespace {

journal_row fact(std::uint64_t number) {
  return {.run = {number % 5},
          .kind = static_cast<std::uint8_t>(number % 7),
          .wall_ns = static_cast<std::int64_t>(number),
          .body = std::string(number % 300, static_cast<char>('a' + number % 26))};
}

/// Where batches end: sizes 1 to 40 from the seed, the same for writer and judge.
class batch_sizes {
public:
  explicit batch_sizes(unsigned seed) : random_(seed) {}
  std::uint64_t next() { return 1 + random_() % 40; }

private:
  std::mt19937 random_;
};

/// Appends batch after batch for ever, and writes each committed sequence to `acknowledgements`.
[[noreturn]] void write_for_ever(const std::filesystem::path& file, unsigned seed,
                                 int acknowledgements) {
  auto sut = journal::open(file);
  batch_sizes sizes(seed);
  std::uint64_t number = 0;
  for (; sut;) {
    std::vector<journal_row> batch;
    for (auto left = sizes.next(); left > 0; --left)
      batch.push_back(fact(++number));
    const auto appended = sut->append(batch);
    const auto durable = sut->commit();
    if (!appended || !durable || ::write(acknowledgements, &*durable, sizeof *durable) < 0)
      break;
    sut->tend();
  }
  ::_exit(1);
}

/// Kills such a writer after `acks_min` acknowledgements. @returns the last one it sent.
std::uint64_t kill_a_writer(const std::filesystem::path& file, unsigned seed, unsigned acks_min) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t writer = ::fork();
  REQUIRE(writer >= 0);
  if (writer == 0)
    write_for_ever(file, seed, ends[1]);
  ::close(ends[1]);
  std::uint64_t last = 0;
  for (unsigned i = 0; i < acks_min; ++i)
    REQUIRE(::read(ends[0], &last, sizeof last) == sizeof last);
  REQUIRE(::kill(writer, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(writer, &status, 0) == writer);
  CHECK(WIFSIGNALED(status));
  for (std::uint64_t ack = 0; ::read(ends[0], &ack, sizeof ack) == sizeof ack;)
    last = ack;
  ::close(ends[0]);
  return last;
}

} // namespace

TEST_CASE("a killed writer leaves every acknowledged batch, whole and in order", "[io][journal]") {
  const auto seed = GENERATE(range(0u, 25u));
  INFO("seed = " << seed);
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  std::mt19937 random(seed);
  const auto acknowledged =
      kill_a_writer(file, seed, static_cast<unsigned>(seed == 0 ? 0 : random() % 40));

  auto sut = journal::open(file);
  REQUIRE(sut);
  auto reader = sut->read_from(0);
  REQUIRE(reader);
  std::uint64_t count = 0;
  for (auto row = reader->next(); row && *row; row = reader->next()) {
    auto expected = fact(++count);
    expected.sequence = count;
    REQUIRE(**row == expected);
  }
  CHECK(count >= acknowledged);
  batch_sizes sizes(seed);
  std::uint64_t end_of_batch = 0;
  while (end_of_batch < count)
    end_of_batch += sizes.next();
  CHECK(end_of_batch == count);
  // What comes afterwards follows what was kept.
  REQUIRE(sut->append(std::vector{fact(count + 1)}));
  CHECK(sut->commit() == count + 1);
}

namespace {

/// Gives this (child) process a file system of `size` at `folder`, which nobody else sees.
bool mount_small(const std::filesystem::path& folder, const std::string& size) {
  return test::enter_own_mounts()
         && ::mount("maze-test", folder.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
}

std::optional<std::string> small_file_systems() {
  const test::scratch_dir dir;
  if (test::in_child([&] { return mount_small(dir.path(), "64k") ? 0 : 1; }) == 0)
    return std::nullopt;
  return "this kernel lets this user mount no file system of his own";
}

enum outcome : int {
  as_wanted,
  no_mount,
  not_opened,
  never_full,
  wrong_code,
  not_sticky,
  not_kept
};

/// Fills a journal on a disk of 512 KiB and looks at what is left of it.
int fill_the_disk(const std::filesystem::path& folder) {
  if (!mount_small(folder, "512k"))
    return no_mount;
  std::uint64_t durable = 0;
  {
    auto sut = journal::open(folder / "journal.db");
    if (!sut)
      return not_opened;
    auto done = sut->commit();
    for (std::uint64_t i = 0; done && i < 5000; ++i) {
      durable = *done;
      if (auto appended = sut->append(std::vector{fact(299)}); !appended)
        done = core::fail(appended.error());
      else
        done = sut->commit();
      sut->tend();
    }
    if (done)
      return never_full;
    if (done.error().code != errc::resource_exhausted)
      return wrong_code;
    if (const auto again = sut->append(std::vector{fact(1)});
        again || again.error() != done.error() || sut->commit())
      return not_sticky;
  }
  auto sut = journal::open(folder / "journal.db");
  if (!sut)
    return not_opened;
  auto reader = sut->read_from(0);
  std::uint64_t count = 0;
  if (reader)
    for (auto row = reader->next(); row && *row; row = reader->next())
      ++count;
  return durable > 0 && count == durable ? as_wanted : not_kept;
}

} // namespace

TEST_CASE("a full disk is an error that stays, and keeps what was committed", "[io][journal]") {
  MAZE_NEEDS(small_file_systems());
  const test::scratch_dir dir;
  CHECK(test::in_child([&] { return fill_the_disk(dir.path()); }) == as_wanted);
}
