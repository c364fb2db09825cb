#include "maze/actors/code_trust.hpp"

#include "maze/io/base64.hpp"
#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using core::errc;

namespace {

struct trust_fixture {
  test::scratch_dir folder;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  core::library_ref good = put("good");
  core::library_ref bad = put("bad");
  io::trusted_code trusted =
      io::trusted_code::read(std::vector{io::hex(io::sha256_bytes("good").value())}).value();

  core::library_ref put(std::string_view content) {
    const auto blob = blobs->put_bytes(content).value();
    return {blob.hash, blob.size};
  }
  core::result<void> check(const core::task_action& action) {
    return check_trusted(action, {{"good", good}, {"bad", bad}}, *blobs, &trusted);
  }
};

core::python_action pickled(std::string_view content) {
  return {core::python_source::pickle, io::to_base64(content), ""};
}

} // namespace

TEST_CASE_METHOD(trust_fixture, "only what somebody vouches for is loaded", "[actors][trust]") {
  CHECK(check(core::function_action{"good", "f"}));
  const auto refused = check(core::function_action{"bad", "f"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::untrusted_function);
  CHECK_THAT(refused.error().message, Contains("'bad'") && Contains("--trusted-code")
                                          && Contains(io::hex(io::sha256_bytes("bad").value())));
  CHECK(check(pickled("good")));
  CHECK(check(pickled("bad")).error().code == errc::untrusted_function);
  CHECK(check_trusted("good", {{9, 9}, 1}, *blobs, &trusted).error().code == errc::object_lost);
  CHECK(check(core::python_action{core::python_source::pickle, "?", ""}).error().code
        == errc::malformed);
}

TEST_CASE_METHOD(trust_fixture, "no variable of a task brings other code into a trusted function",
                 "[actors][trust]") {
  core::task_spec task;
  task.action = core::function_action{"good", "f"};
  const auto checked = [&] { return check_trusted(task, {{"good", good}}, *blobs, &trusted); };
  task.environment = {{"LANG", "C"}};
  CHECK(checked());
  for (const char* name : {"LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "GLIBC_TUNABLES"}) {
    task.environment = {{name, "x"}};
    REQUIRE_FALSE(checked());
    CHECK(checked().error().code == errc::untrusted_function);
    CHECK_THAT(checked().error().message, Contains(name) && Contains("`env`"));
  }
  CHECK(check_trusted(task, {{"good", good}}, *blobs, nullptr));
  task.action = core::shell_action{"ls"};
  CHECK(checked());
}

TEST_CASE_METHOD(trust_fixture, "what is not loaded unread is no matter of trust",
                 "[actors][trust]") {
  CHECK(check(core::shell_action{"ls"}));
  CHECK(check(core::python_action{core::python_source::code, "def f(): pass", ""}));
  // Others say that there is none.
  CHECK(check(core::function_action{"absent", "f"}));
}

TEST_CASE_METHOD(trust_fixture, "without a list everything is loaded", "[actors][trust]") {
  CHECK(check_trusted("bad", bad, *blobs, nullptr));
  CHECK(check_trusted(pickled("bad"), {}, *blobs, nullptr));
}
