#include "maze/core/file_history.hpp"

#include "support/deltas.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using maze::test::removed;
using maze::test::wrote;

namespace {

using horizon = file_history::horizon;

file_history history_of(std::size_t size) {
  std::vector<task_spec> tasks(size);
  for (std::size_t i = 0; i < size; ++i)
    tasks[i].name = std::string(1, static_cast<char>('a' + i));
  return file_history(std::make_shared<const graph>(graph::build(std::move(tasks)).value()));
}

manifest_delta made_folder(const std::string& path) {
  manifest_delta files;
  files.written[path].kind = file_kind::directory;
  return files;
}

std::string message(const result<manifest_delta>& x) { return x ? "" : x.error().message; }

} // namespace

TEST_CASE("a later publication overrides what its ancestors wrote", "[core][files]") {
  auto sut = history_of(3);
  const auto a = sut.publish(task_id{0}, nullptr, wrote("x", 1));
  const auto b = sut.publish(task_id{1}, a, wrote("x", 2));
  const auto c = sut.publish(task_id{2}, b, wrote("y", 3));
  CHECK(sut.merge(nullptr)->written.empty());
  CHECK(sut.merge(a)->written == wrote("x", 1).written);
  CHECK(sut.merge(b)->written == wrote("x", 2).written);
  CHECK(sut.merge(c)->written.size() == 2);
  CHECK(c->size() == 1);
  CHECK(sut.publications() == 3);
}

TEST_CASE("strangers that agree are no conflict, others are one by name and path",
          "[core][files]") {
  auto sut = history_of(3);
  const auto a = sut.publish(task_id{0}, nullptr, wrote("x", 1));
  const auto b = sut.publish(task_id{1}, nullptr, wrote("x", 1));
  const auto both = sut.join({a, b});
  CHECK(both.mixed);
  CHECK(sut.merge(both.seen)->written == wrote("x", 1).written);
  sut.publish(task_id{2}, a, wrote("x", 2));
  CHECK(sut.merge(both.seen));
  const auto all = sut.merge_all();
  REQUIRE_FALSE(all);
  CHECK(all.error().code == errc::file_conflict);
  CHECK(message(all).find("tasks \"b\" and \"c\" both changed \"x\"") == 0);
}

TEST_CASE("joining what one side already holds mixes nothing", "[core][files]") {
  auto sut = history_of(3);
  const auto a = sut.publish(task_id{0}, nullptr, wrote("x", 1));
  const auto b = sut.publish(task_id{1}, a, wrote("x", 2));
  CHECK_FALSE(sut.join({nullptr, nullptr}).seen);
  const auto one = sut.join({a, nullptr, b, a});
  CHECK_FALSE(one.mixed);
  CHECK(one.seen == b);
  const auto c = sut.publish(task_id{2}, nullptr, wrote("z", 1));
  const auto first = sut.join({b, c});
  CHECK(first.mixed);
  CHECK(sut.join({c, a, b}).seen == first.seen);
}

TEST_CASE("a file where a stranger has a folder is a conflict in either order", "[core][files]") {
  for (const bool file_first : {true, false}) {
    auto sut = history_of(2);
    sut.publish(task_id{file_first ? 0U : 1U}, nullptr, wrote("d", 1));
    sut.publish(task_id{file_first ? 1U : 0U}, nullptr, wrote("d/x", 1));
    CHECK(message(sut.merge_all()).find("tasks \"a\" and \"b\" both changed \"d\"") == 0);
  }
}

TEST_CASE("strangers may write into one folder", "[core][files]") {
  auto sut = history_of(3);
  sut.publish(task_id{0}, nullptr, made_folder("d"));
  sut.publish(task_id{1}, nullptr, made_folder("d"));
  sut.publish(task_id{2}, nullptr, wrote("d/x", 1));
  CHECK(sut.merge_all()->written.size() == 2);
}

TEST_CASE("a descendant may turn a folder into a file and back", "[core][files]") {
  auto sut = history_of(3);
  const auto a = sut.publish(task_id{0}, nullptr, wrote("d/x", 1));
  const auto b = sut.publish(task_id{1}, a, wrote("d", 2));
  CHECK(sut.merge(b)->written == wrote("d", 2).written);
  const auto c = sut.publish(task_id{2}, b, wrote("d/y", 3));
  CHECK(sut.merge(c)->written == wrote("d/y", 3).written);
}

TEST_CASE("a removal goes to descendants and contradicts a stranger's content", "[core][files]") {
  auto sut = history_of(4);
  const auto a = sut.publish(task_id{0}, nullptr, wrote("d/x", 1));
  const auto b = sut.publish(task_id{1}, a, removed("d"));
  CHECK(*sut.merge(b) == removed("d"));
  const auto c = sut.publish(task_id{2}, b, wrote("d/y", 1));
  CHECK(sut.merge(c)->removed == std::vector<std::string>{"d"});
  CHECK(sut.merge(c)->written == wrote("d/y", 1).written);
  const auto d = sut.publish(task_id{3}, nullptr, wrote("d/x", 1));
  CHECK(message(sut.merge(sut.join({b, d}).seen)).find("tasks \"b\" and \"d\"") == 0);
}

TEST_CASE("two strangers may remove the same path", "[core][files]") {
  auto sut = history_of(3);
  sut.publish(task_id{0}, nullptr, removed("d"));
  sut.publish(task_id{1}, nullptr, removed("d"));
  sut.publish(task_id{2}, nullptr, removed("d/x"));
  CHECK(sut.merge_all()->removed == std::vector<std::string>{"d", "d/x"});
}

TEST_CASE("a line of publications stays one chain and a fan becomes many", "[core][files]") {
  auto sut = history_of(20);
  horizon line;
  for (std::uint64_t i = 0; i < 10; ++i)
    line = sut.publish(task_id{i}, line, wrote("n" + std::to_string(i), i));
  CHECK(line->size() == 1);
  std::vector<horizon> fan;
  for (std::uint64_t i = 10; i < 20; ++i)
    fan.push_back(sut.publish(task_id{i}, line, wrote("n" + std::to_string(i), i)));
  CHECK(sut.join(fan).seen->size() == 10);
  CHECK(sut.merge(sut.join(fan).seen)->written.size() == 20);
  CHECK(sut.merge(fan[3])->written.size() == 11);
}
