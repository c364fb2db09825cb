#include "maze/core/file_overlay.hpp"

#include "maze/core/file_history.hpp"
#include "support/deltas.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using maze::test::removed;
using maze::test::wrote;

namespace {

manifest_delta made_folder(const std::string& path, std::uint32_t mode) {
  manifest_delta files;
  files.written[path] = {.kind = file_kind::directory, .mode = mode};
  return files;
}

/// Strangers a, b, c … that published these, in this order.
file_history history_of(const std::vector<manifest_delta>& files,
                        conflict_policy conflicts = conflict_policy::fail) {
  std::vector<task_spec> tasks(files.size());
  for (std::size_t i = 0; i < files.size(); ++i)
    tasks[i].name = std::string(1, static_cast<char>('a' + i));
  file_history out(std::make_shared<const graph>(graph::build(std::move(tasks)).value()),
                   conflicts);
  for (std::size_t i = 0; i < files.size(); ++i)
    out.publish(task_id{i}, nullptr, files[i]);
  return out;
}
file_overlay overlay_of(const file_history& history) {
  file_overlay out(history);
  for (std::uint32_t i = 0; i < history.publications(); ++i)
    out.put(i);
  return out;
}

} // namespace

TEST_CASE("strangers' changes stay side by side", "[core][files]") {
  const auto history = history_of({wrote("x", 1), wrote("x", 2), wrote("x/y", 3)});
  auto sut = overlay_of(history);
  CHECK(sut.paths().at("x").size() == 2);
  CHECK(sut.paths().at("x/y").size() == 1);
  CHECK(sut.flatten().error().code == errc::file_conflict);
  CHECK(sut.flatten(file_overlay::strictness::content).error().code == errc::file_conflict);
}

TEST_CASE("where content counts, removals and modes give way", "[core][files]") {
  const auto history = history_of({removed("d"), made_folder("d", 0700), made_folder("d", 0755),
                                   wrote("d/x", 1), removed("d/x")});
  auto sut = overlay_of(history);
  CHECK_FALSE(sut.flatten());
  const auto out = sut.flatten(file_overlay::strictness::content);
  REQUIRE(out);
  CHECK(out->removed == std::vector<std::string>{"d"});
  CHECK(out->written.at("d").mode == 0700);
  CHECK(out->written.at("d/x").hash.low == 1);
}

TEST_CASE("of contradicting publications the last one counts, if so chosen", "[core][files]") {
  const auto told = [](const std::vector<manifest_delta>& files) {
    return history_of(files, conflict_policy::last_wins).merge_all().value();
  };
  CHECK(told({wrote("x", 1), wrote("x", 2), wrote("x", 1)}) == wrote("x", 1));
  CHECK(told({wrote("x", 2), wrote("x", 1), wrote("x", 2)}) == wrote("x", 2));
  CHECK(told({wrote("d", 1), wrote("d/x", 2)}) == wrote("d/x", 2));
  CHECK(told({wrote("d/x", 2), wrote("d", 1)}) == wrote("d", 1));
  CHECK(told({wrote("d/x", 2), removed("d")}) == removed("d"));
  CHECK(told({made_folder("d", 0700), made_folder("d", 0755)}) == made_folder("d", 0755));
  const auto kept = told({removed("d"), wrote("d/x", 2)});
  CHECK(kept.removed == removed("d").removed);
  CHECK(kept.written == wrote("d/x", 2).written);
}

TEST_CASE("the last one counts whatever the descent of the others", "[core][files]") {
  std::vector<task_spec> tasks(4);
  for (std::size_t i = 0; i < tasks.size(); ++i)
    tasks[i].name = std::string(1, static_cast<char>('a' + i));
  file_history sut(std::make_shared<const graph>(graph::build(std::move(tasks)).value()),
                   conflict_policy::last_wins);
  CHECK_FALSE(sut.may_conflict());
  const auto a = sut.publish(task_id{0}, nullptr, wrote("x", 1));
  const auto b = sut.publish(task_id{1}, nullptr, wrote("x", 2));
  const auto both = sut.join({a, b});
  CHECK(*sut.merge(both.seen) == wrote("x", 2));
  sut.publish(task_id{2}, both.seen, wrote("x", 3));
  sut.publish(task_id{3}, a, wrote("x", 4));
  // What a task saw stays as it was; what comes later is none of its business.
  CHECK(*sut.merge(both.seen) == wrote("x", 2));
  CHECK(*sut.merge_all() == wrote("x", 4));
}
