#include "maze/actors/run_document.hpp"

#include "support/builders.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;

namespace {

constexpr core::run_id run{0x1234};

run_bundle some_bundle() {
  return {.run = run,
          .name = "work",
          .tasks = test::graph_of(test::diamond()),
          .context = {{"key", {.content = core::value("s3cret"), .secret = true}}},
          .files = {{"in.txt", {.hash = {1, 2}, .size = 3, .mode = 0755}}},
          .rules = {core::conflict_policy::rename, {"*.o"}, {"*.py"}},
          .libraries = {{"text", {{3, 4}, 4096}}},
          .calls = nullptr,
          .archives = {{"base.tar", {{5, 6}, 10240}}}};
}

} // namespace

TEST_CASE("a run's document tells a node all that its bundle says", "[actors][run_document]") {
  const auto sent = some_bundle();
  const auto seen = read_run_document(run, write_run_document(sent).value()).value();
  CHECK(seen->run == run);
  CHECK(seen->name == sent.name);
  CHECK(seen->context == sent.context);
  CHECK(seen->files == sent.files);
  CHECK(seen->rules == sent.rules);
  CHECK(seen->libraries == sent.libraries);
  CHECK(seen->archives == sent.archives);
  REQUIRE(seen->tasks->size() == sent.tasks->size());
  for (std::uint64_t i = 0; i < sent.tasks->size(); ++i)
    CHECK(seen->tasks->spec(core::task_id{i}) == sent.tasks->spec(core::task_id{i}));
}

TEST_CASE("a run's document that is not whole is refused", "[actors][run_document]") {
  const auto whole = write_run_document(some_bundle()).value();
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(read_run_document(run, std::string_view(whole).substr(0, size)));
  CHECK_FALSE(read_run_document(run, whole + 'x'));
}

TEST_CASE("a run's document has a name that leads back to its run", "[actors][run_document]") {
  CHECK(run_of_document(document_name(run)) == run);
  for (const auto* other : {"", "run/", "run/?", "blob/1", "run/1234 "})
    CHECK_FALSE(run_of_document(other));
}
