// What of libraries and pickled functions a cluster's owner lets its nodes load.

#include "support/functions_folder.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using Catch::Contains;
using test::functions_folder;

namespace {

struct careful_cluster : functions_folder {
  careful_cluster() {
    tasks("plain", "  t: { function: plain.add, inputs: { a: 1 } }\nresult: t.output.r\n");
    tasks("warm", "  t: { function: plain.add, child: warm, inputs: { a: 1 } }\n");
    tasks("hostile", "  t: { function: hostile.good, inputs: { x: 1 } }\n");
    tasks("pickled", "  t: { pickle: gASVFAAAAAAAAACMCGJ1aWx0aW5zlIwDYWJzlJOULg== }\n");
    tasks("source", "  t: { code: \"def f(): return 7\" }\n");
  }
  std::string plain = test::task_library("plain").native();
  /// What failed and why, of a workflow whose run nobody refuses.
  std::string failed(const std::string& file) {
    const auto error = failing_json({"submit", file, "--wait"}, 1)["failed"][0]["error"];
    return error["class"].get<std::string>() + ": " + error["message"].get<std::string>();
  }
};

} // namespace

TEST_CASE_METHOD(careful_cluster, "a cluster takes only the libraries and pickles that it trusts",
                 "[system][functions]") {
  start_master({"--trusted-code", plain});
  start_worker("w1");
  CHECK(good({"submit", "plain.yaml", "--wait"}) == "11\n");
  for (const char* file : {"hostile.yaml", "pickled.yaml"}) {
    const auto refused = node({"submit", file});
    CHECK(refused.status != 0);
    CHECK_THAT(refused.standard_error,
               Contains("task 't'") && Contains("SHA-256") && Contains("--trusted-code"));
  }
  good({"submit", "source.yaml", "--wait"});
  CHECK(good_json({"runs"})["runs"].size() == 2);
}

TEST_CASE_METHOD(careful_cluster, "a node loads only what it trusts itself",
                 "[system][functions]") {
  start_master();
  start_worker("w1", {"--trusted-code", "none"});
  for (const char* file : {"plain.yaml", "warm.yaml", "pickled.yaml"})
    CHECK_THAT(failed(file), Contains("untrusted_function: ") && Contains("--trusted-code"));
  good({"submit", "source.yaml", "--wait"});
}

TEST_CASE_METHOD(careful_cluster, "a list of trusted code that cannot be read starts no node",
                 "[system][functions]") {
  const auto ended = node({"start", "--name", "lab", "--detach", "--dir", (folder / "m").string(),
                           "--trusted-code", "nowhere/at-all.so"});
  CHECK(ended.status != 0);
  CHECK_THAT(ended.standard_error, Contains("nowhere/at-all.so"));
}
