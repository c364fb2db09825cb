#include "node/config_file.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace maze;
using namespace maze::node;
using core::errc;

namespace {

std::string faults(const std::string& text) {
  const auto out = parse_config(text, "c.yaml");
  REQUIRE(!out);
  CHECK(out.error().code == errc::invalid_argument);
  return out.error().message;
}

} // namespace

TEST_CASE("a configuration file gives texts and their places", "[tools][config_file]") {
  CHECK(parse_config("jobs: 4\n\n# more\nlog_file: 'a b.log'\n", "c.yaml")
        == config_entries{{"jobs", {"4", "c.yaml:1:7"}}, {"log_file", {"a b.log", "c.yaml:4:11"}}});
  CHECK(parse_config("", "c.yaml") == config_entries{});
  CHECK(parse_config("# nothing\n", "c.yaml") == config_entries{});
}

TEST_CASE("every fault of a configuration file is named with its place", "[tools][config_file]") {
  CHECK(faults("job: 4\n") == "c.yaml:1:1: there is no setting 'job'; did you mean `jobs`?");
  CHECK(faults("jobs: 4\nquiet: true\njobs: 5\n")
        == "c.yaml:3:1: setting 'jobs' is given twice, first at c.yaml:1:7");
  CHECK(faults("jobs: [1, 2]\nmemory:\n")
        == "c.yaml:1:1: setting 'jobs' needs one plain value\n"
           "c.yaml:2:1: setting 'memory' needs one plain value");
  CHECK(faults("? [a]\n: 1\n") == "c.yaml:1:3: a setting's name must be a plain word");
  CHECK(faults("- jobs\n")
        == "c.yaml:1:1: a configuration file consists of lines 'setting: value'");
  CHECK_THAT(faults("jobs: [\n"), Catch::StartsWith("c.yaml:") && Catch::Contains("not YAML"));
}

TEST_CASE("a configuration file that cannot be read is named", "[tools][config_file]") {
  const test::scratch_dir dir;
  const auto missing = read_config(dir.path() / "c.yaml");
  REQUIRE(!missing);
  CHECK(missing.error().code == errc::not_found);
  CHECK_THAT(missing.error().message, Catch::Contains((dir.path() / "c.yaml").string()));
  CHECK(read_config(dir.path()).error().code == errc::io_error);
  std::ofstream(dir.path() / "c.yaml") << "jobs: 4\n";
  CHECK(read_config(dir.path() / "c.yaml").value().size() == 1);
}
