// A library that takes its time when it is loaded holds up nobody but who handed it in.

#include "support/eventually.hpp"
#include "support/functions_folder.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

using namespace maze;
using Catch::Contains;
using test::functions_folder;

namespace {

pid_t parent_of(pid_t pid) {
  const std::string status = test::read_file("/proc/" + std::to_string(pid) + "/status");
  const auto at = status.find("\nPPid:");
  return at == std::string::npos ? 0 : static_cast<pid_t>(std::stoi(status.substr(at + 6)));
}

bool descends_from(pid_t pid, pid_t ancestor) {
  while (pid > 1 && pid != ancestor)
    pid = parent_of(pid);
  return pid == ancestor;
}

/// Whether a child of the node reads a library.
bool reads_library(pid_t node) {
  for (const auto& each : std::filesystem::directory_iterator("/proc")) {
    const std::string name = each.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos
        && test::read_file(each.path() / "cmdline").find("--describe") != std::string::npos
        && descends_from(static_cast<pid_t>(std::stoi(name)), node))
      return true;
  }
  return false;
}

} // namespace

TEST_CASE_METHOD(functions_folder, "what others hand in does not wait for a library that hangs",
                 "[system][functions]") {
  const pid_t master = start_master();
  start_worker("w1");
  tasks("plain", "  t: { function: plain.add, inputs: { a: 1 } }\nresult: t.output.r\n");
  write("hangs.yaml",
        "maze: 1\nname: hangs\nlibraries: { bad: " + test::task_library("at_load_block").native()
            + " }\ndefaults: { output: { r: any } }\ntasks:\n"
              "  a: { function: bad.loaded }\n");
  test::process hanging(options({"submit", "hangs.yaml", "--wait"}));
  REQUIRE(test::eventually([&] { return reads_library(master); }));
  CHECK(good({"submit", "plain.yaml", "--wait"}) == "11\n");
  // Still at it: the other one came by.
  CHECK_FALSE(hanging.ends_within(std::chrono::milliseconds(0)));
  const auto ended = hanging.wait();
  CHECK(ended.status != 0);
  CHECK_THAT(ended.standard_error, Contains("library 'bad' cannot be used"));
}
