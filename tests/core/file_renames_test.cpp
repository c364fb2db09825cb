#include "maze/core/file_renames.hpp"

#include "maze/core/file_history.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace maze::core;

namespace {

using horizon = file_history::horizon;
using contents = std::map<std::string, std::string>;

/// Content `text` as an entry; `/` is a folder, `->x` a symlink.
file_entry entry_of(const std::string& text) {
  if (text == "/")
    return {.kind = file_kind::directory, .mode = 0755};
  if (text.starts_with("->"))
    return {.kind = file_kind::symlink, .mode = 0777, .target = text.substr(2)};
  return {.hash = {0, static_cast<std::uint64_t>(text.front())}, .size = text.size()};
}

manifest_delta wrote(const contents& files, std::vector<std::string> removed = {}) {
  manifest_delta out{.written = {}, .removed = std::move(removed)};
  for (const auto& [path, text] : files)
    out.written[path] = entry_of(text);
  return out;
}

/// Tasks a, b, c … in this order in the workflow, each with what it did and which tasks it follows.
struct story {
  struct act {
    std::string after;
    manifest_delta did;
  };
  std::vector<act> acts;
  std::shared_ptr<const file_map> snapshot = nullptr;
  conflict_policy conflicts = conflict_policy::rename;

  /// Plays the acts in an order of their numbers, and gives back what all leave together.
  [[nodiscard]] result<manifest_delta> told(const std::vector<std::size_t>& order) const {
    std::vector<task_spec> tasks(acts.size());
    for (std::size_t i = 0; i < acts.size(); ++i) {
      tasks[i].name = std::string(1, static_cast<char>('a' + i));
      for (const char above : acts[i].after)
        tasks[i].after.emplace_back(1, above);
    }
    file_history sut(std::make_shared<const graph>(graph::build(std::move(tasks)).value()),
                     conflicts, snapshot);
    std::vector<horizon> seen(acts.size());
    for (const auto i : order) {
      std::vector<horizon> parts;
      for (const char above : acts[i].after)
        parts.push_back(seen[static_cast<std::size_t>(above - 'a')]);
      seen[i] = sut.join(parts).seen;
      if (!acts[i].did.written.empty() || !acts[i].did.removed.empty())
        seen[i] = sut.publish(task_id{i}, seen[i], acts[i].did);
    }
    return sut.merge_all();
  }
  [[nodiscard]] result<manifest_delta> told() const {
    std::vector<std::size_t> order(acts.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    return told(order);
  }
  /// The message of a conflict.
  [[nodiscard]] std::string quarrel() const {
    const auto out = told();
    REQUIRE_FALSE(out);
    CHECK(out.error().code == errc::file_conflict);
    return out.error().message;
  }
};

file_map files_of(const contents& files) { return wrote(files).written; }

} // namespace

TEST_CASE("the name of a task stands in front of the extension", "[core][files]") {
  CHECK(name_for_task("out.txt", "b", false) == "out.b.txt");
  CHECK(name_for_task("a.tar.gz", "b", false) == "a.tar.b.gz");
  CHECK(name_for_task("out", "b", false) == "out.b");
  CHECK(name_for_task(".bashrc", "b", false) == ".bashrc.b");
  CHECK(name_for_task("v1.2", "b", true) == "v1.2.b");
}

TEST_CASE("the task that stands first keeps the path, whoever comes first", "[core][files]") {
  const story sut{{{"", wrote({{"o.txt", "1"}})}, {"", wrote({{"o.txt", "2"}})}}};
  CHECK(sut.told({0, 1})->written == files_of({{"o.txt", "1"}, {"o.b.txt", "2"}}));
  CHECK(sut.told({1, 0})->written == files_of({{"o.txt", "1"}, {"o.b.txt", "2"}}));
}

TEST_CASE("equal content counts as one thing", "[core][files]") {
  const story sut{{{"", wrote({{"o", "1"}})},
                   {"", wrote({{"o", "2"}})},
                   {"", wrote({{"o", "1"}})},
                   {"", wrote({{"o", "2"}})}}};
  CHECK(sut.told()->written == files_of({{"o", "1"}, {"o.b", "2"}}));
}

TEST_CASE("an entry of another kind or mode is another thing", "[core][files]") {
  story sut{{{"", wrote({{"o", "->x"}})}, {"", wrote({{"o", "2"}})}, {"", wrote({{"o", "2"}})}}};
  sut.acts[2].did.written["o"].mode = 0755;
  auto expected = files_of({{"o", "->x"}, {"o.b", "2"}, {"o.c", "2"}});
  expected["o.c"].mode = 0755;
  CHECK(sut.told()->written == expected);
}

TEST_CASE("a folder gives way with all below it", "[core][files]") {
  const story sut{{{"", wrote({{"d", "1"}})},
                   {"", wrote({{"d/x", "2"}, {"d/e/y", "3"}, {"d/l", "->x"}})},
                   {"", wrote({{"d/z", "4"}})}}};
  CHECK(sut.told()->written
        == files_of(
            {{"d", "1"}, {"d.b/x", "2"}, {"d.b/e/y", "3"}, {"d.b/l", "->x"}, {"d.b/z", "4"}}));
}

TEST_CASE("a file gives way to a folder that stands first", "[core][files]") {
  const story sut{{{"", wrote({{"d/x", "1"}})}, {"", wrote({{"d", "2"}})}}};
  CHECK(sut.told()->written == files_of({{"d/x", "1"}, {"d.b", "2"}}));
}

TEST_CASE("what is contested inside a folder that gave way gets both names", "[core][files]") {
  const story sut{
      {{"", wrote({{"d", "1"}})}, {"", wrote({{"d/x.c", "2"}})}, {"", wrote({{"d/x.c", "3"}})}}};
  CHECK(sut.told()->written == files_of({{"d", "1"}, {"d.b/x.c", "2"}, {"d.b/x.c.c", "3"}}));
}

TEST_CASE("folders go together, with the mode of the first", "[core][files]") {
  story sut{{{"", wrote({{"d", "/"}, {"d/x", "1"}})}, {"", wrote({{"d", "/"}, {"d/y", "2"}})}}};
  sut.acts[1].did.written["d"].mode = 0700;
  CHECK(sut.told()->written == files_of({{"d", "/"}, {"d/x", "1"}, {"d/y", "2"}}));
}

TEST_CASE("a removal gives way to what a stranger wrote, and clears the rest", "[core][files]") {
  const story sut{{{"", wrote({{"d/x", "1"}, {"d/y", "2"}, {"z", "3"}})},
                   {"a", wrote({}, {"d", "z"})},
                   {"a", wrote({{"d/x", "4"}, {"z", "5"}})}}};
  const auto out = sut.told();
  REQUIRE(out);
  CHECK(out->written == files_of({{"d/x", "4"}, {"z", "5"}}));
  CHECK(out->removed == std::vector<std::string>{"d"});
  CHECK(sut.told({0, 2, 1}) == out);
}

TEST_CASE("a folder's entry does not bring back what was removed from it", "[core][files]") {
  const story sut{{{"", wrote({{"d", "/"}})}, {"", wrote({}, {"d"})}}};
  CHECK(sut.told()->written == files_of({{"d", "/"}}));
  CHECK(sut.told()->removed == std::vector<std::string>{"d"});
}

TEST_CASE("who saw both and writes the path settles it", "[core][files]") {
  const story sut{{{"", wrote({{"o", "1"}})},
                   {"", wrote({{"o", "2"}})},
                   {"ab", wrote({{"o", "3"}})},
                   {"", wrote({{"o", "4"}})}}};
  CHECK(sut.told()->written == files_of({{"o", "3"}, {"o.d", "4"}}));
}

TEST_CASE("who saw a new name goes on from there", "[core][files]") {
  story sut{{{"", wrote({{"o", "1"}, {"d", "1"}})},
             {"", wrote({{"o", "2"}, {"d/x", "2"}, {"d/y", "2"}})},
             {"ab", wrote({{"o.b", "3"}, {"d.b/x", "4"}, {"d.b/z", "5"}})}}};
  CHECK(
      sut.told()->written
      == files_of(
          {{"o", "1"}, {"o.b", "3"}, {"d", "1"}, {"d.b/x", "4"}, {"d.b/y", "2"}, {"d.b/z", "5"}}));
  sut.acts[2].did = wrote({}, {"o.b", "d.b"});
  CHECK(sut.told()->written == files_of({{"o", "1"}, {"d", "1"}}));
  CHECK(sut.told()->removed == std::vector<std::string>{"d.b", "o.b"});
}

TEST_CASE("two who go on from one new name contradict each other there", "[core][files]") {
  const story sut{{{"", wrote({{"o", "1"}})},
                   {"", wrote({{"o", "2"}})},
                   {"ab", wrote({{"o.b", "3"}})},
                   {"ab", wrote({{"o.b", "4"}})}}};
  CHECK(sut.told()->written == files_of({{"o", "1"}, {"o.b", "3"}, {"o.d.b", "4"}}));
}

TEST_CASE("a new name that a stranger uses is a conflict that names all", "[core][files]") {
  story sut{{{"", wrote({{"o.txt", "1"}})},
             {"", wrote({{"o.txt", "2"}})},
             {"", wrote({{"o.b.txt", "3"}})}}};
  CHECK(sut.quarrel()
        == "tasks \"a\" and \"b\" both changed \"o.txt\", each in its own way, and the new name "
           "\"o.b.txt\" is taken by task \"c\"; write to different paths");
  sut.acts[2].did = wrote({{"o.b.txt", "2"}});
  CHECK(sut.told()->written == files_of({{"o.txt", "1"}, {"o.b.txt", "2"}}));
  sut.acts[2].did = wrote({{"o.b.txt/x", "2"}});
  CHECK(sut.quarrel().find("taken by task \"c\"") != std::string::npos);
}

TEST_CASE("who saw only one of two things uses no new name", "[core][files]") {
  const story sut{
      {{"", wrote({{"o", "1"}})}, {"", wrote({{"o", "2"}})}, {"b", wrote({{"o.b", "3"}})}}};
  CHECK(sut.quarrel().find("\"o.b\" is taken by task \"c\"") != std::string::npos);
}

TEST_CASE("who removed something of that name before it was new removed something else",
          "[core][files]") {
  const story sut{{{"", wrote({{"o", "1"}})}, {"", wrote({{"o", "2"}})}, {"b", wrote({}, {"o.b"})}},
                  std::make_shared<const file_map>(files_of({{"o.b", "9"}}))};
  CHECK(sut.told()->written == files_of({{"o", "1"}, {"o.b", "2"}}));
  CHECK(sut.told()->removed == std::vector<std::string>{"o.b"});
}

TEST_CASE("two new names that meet are a conflict unless the things are equal", "[core][files]") {
  std::vector<task_spec> tasks(3);
  tasks[0].name = "first";
  tasks[1].name = "y";
  tasks[2].name = "c";
  file_history sut(std::make_shared<const graph>(graph::build(tasks).value()),
                   conflict_policy::rename);
  sut.publish(task_id{0}, nullptr, wrote({{"x.y", "1"}, {"x.c", "1"}}));
  sut.publish(task_id{1}, nullptr, wrote({{"x.c/in", "2"}}));
  sut.publish(task_id{2}, nullptr, wrote({{"x.y", "3"}}));
  const auto out = sut.merge_all();
  REQUIRE_FALSE(out);
  CHECK(out.error().message.find("\"x.c.y\" is taken by \"x.y\" of task \"c\"")
        != std::string::npos);
}

TEST_CASE("a new name hides nothing of the snapshot", "[core][files]") {
  story sut{{{"", wrote({{"o", "1"}, {"d", "1"}})}, {"", wrote({{"o", "2"}})}}};
  sut.snapshot = std::make_shared<const file_map>(files_of({{"o.b", "3"}}));
  CHECK(sut.quarrel().find("the new name \"o.b\" is taken by the snapshot") != std::string::npos);
  sut.snapshot = std::make_shared<const file_map>(files_of({{"o.b/x", "3"}}));
  CHECK(sut.quarrel().find("taken by the snapshot") != std::string::npos);
  sut.snapshot = std::make_shared<const file_map>(files_of({{"o.b", "2"}, {"o.bb", "3"}}));
  CHECK(sut.told()->written == files_of({{"o", "1"}, {"o.b", "2"}, {"d", "1"}}));
  sut.snapshot = std::make_shared<const file_map>(files_of({{"o.b", "3"}}));
  sut.acts.push_back({"", wrote({}, {"o.b"})});
  CHECK(sut.told()->written == files_of({{"o", "1"}, {"o.b", "2"}, {"d", "1"}}));
}

TEST_CASE("a new name that no file system takes is a conflict", "[core][files]") {
  const std::string name(254, 'n');
  const story sut{{{"", wrote({{name, "1"}})}, {"", wrote({{name, "2"}})}}};
  CHECK(sut.quarrel().find("is too long") != std::string::npos);
}

namespace {

/// A random story over few names, so that much of it is contested; some of it under new names.
story draw_story(std::mt19937_64& dice) {
  static const std::vector<std::string> paths{"p",   "p/x", "p/x/y", "q",       "q.e",  "q/z",
                                              "p.b", "q.c", "p.b/x", "p/x.c/y", "p.c.e"};
  static const std::vector<std::string> texts{"1", "2", "/", "->t", "own"};
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(dice() % bound); };
  story out;
  out.acts.resize(2 + below(5));
  for (std::size_t i = 0; i < out.acts.size(); ++i) {
    auto& [after, did] = out.acts[i];
    for (std::size_t above = 0; above < i; ++above)
      if (below(4) == 0)
        after += static_cast<char>('a' + above);
    for (auto writes = below(4); writes > 0; --writes) {
      auto entry = entry_of(texts[below(texts.size())]);
      if (entry.size == 3)
        entry.hash.high = i + 1;
      auto with = did.written;
      with[paths[below(paths.size())]] = entry;
      if (check_file_map(with))
        did.written = std::move(with);
    }
    if (const auto& gone = paths[below(paths.size())]; below(4) == 0 && !did.written.contains(gone))
      did.removed.push_back(gone);
  }
  return out;
}

/// A random order in which each act comes after those that it follows.
std::vector<std::size_t> draw_order(const story& of, std::mt19937_64& dice) {
  std::vector<std::size_t> out;
  std::set<char> done;
  while (out.size() < of.acts.size()) {
    const auto i = static_cast<std::size_t>(dice() % of.acts.size());
    const auto& after = of.acts[i].after;
    if (!done.contains(static_cast<char>('a' + i))
        && std::all_of(after.begin(), after.end(), [&](char x) { return done.contains(x); })) {
      done.insert(static_cast<char>('a' + i));
      out.push_back(i);
    }
  }
  return out;
}

/// What only one task wrote, and nobody after it touched anything.
std::vector<file_entry> last_words(const story& of) {
  std::vector<file_entry> out;
  for (std::size_t i = 0; i < of.acts.size(); ++i) {
    const auto follows = [&](const story::act& x) {
      return x.after.find(static_cast<char>('a' + i)) != std::string::npos;
    };
    if (std::none_of(of.acts.begin(), of.acts.end(), follows))
      for (const auto& [path, entry] : of.acts[i].did.written)
        if (entry.hash.high != 0)
          out.push_back(entry);
  }
  return out;
}

} // namespace

TEST_CASE("what is seen under which name depends on no timing, and nothing is lost",
          "[core][files]") {
  std::mt19937_64 dice(20'240'611);
  std::size_t settled = 0;
  std::size_t quarrels = 0;
  for (int round = 0; round < 4000; ++round) {
    auto sut = draw_story(dice);
    INFO("round " << round);
    const auto told = sut.told();
    for (int again = 0; again < 3; ++again) {
      const auto other = sut.told(draw_order(sut, dice));
      REQUIRE(other == told);
    }
    sut.conflicts = conflict_policy::fail;
    const auto plain = sut.told();
    if (plain)
      REQUIRE(plain == told);
    if (!told) {
      ++quarrels;
      REQUIRE(told.error().code == errc::file_conflict);
      continue;
    }
    settled += plain ? 0 : 1;
    REQUIRE(check_file_map(told->written));
    std::set<std::uint64_t> kept;
    for (const auto& [path, entry] : told->written)
      kept.insert(entry.hash.high);
    for (const auto& entry : last_words(sut))
      REQUIRE(kept.contains(entry.hash.high));
  }
  CHECK(settled > 1000);
  CHECK(quarrels > 100);
}
