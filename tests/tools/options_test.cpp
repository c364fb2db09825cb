#include "node/options.hpp"

#include "node/command_rules.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>

using namespace maze;
using namespace maze::node;
using Catch::Contains;
using Catch::StartsWith;

namespace {

surroundings home() { return {.environment = {{"HOME", "/home/ada"}, {"PATH", "/bin"}}}; }

options accepted(const std::vector<std::string>& arguments, const surroundings& around = home()) {
  auto out = read_options(arguments, around);
  if (!out)
    FAIL(out.error().text);
  return *out;
}

/// The message without the program's name, after a check of exit code and hint.
std::string refused(const std::vector<std::string>& arguments,
                    const surroundings& around = home()) {
  const auto out = read_options(arguments, around);
  REQUIRE(!out);
  CHECK(out.error().exit_code == 2);
  const auto& text = out.error().text;
  CHECK_THAT(text, StartsWith("maze-node: ") && Contains("\nTry 'maze-node"));
  return text.substr(11, text.rfind("\nTry '") - 11);
}

std::string origin(const options& what, std::string_view key) {
  for (const auto& set : what.effective)
    if (set.key == key)
      return set.origin;
  return "absent";
}

} // namespace

TEST_CASE("a bare run has the defaults", "[tools][options]") {
  const auto sut = accepted({"run", "flow.yaml"});
  CHECK(sut.command == command::run);
  CHECK(sut.file == "flow.yaml");
  CHECK(sut.values == settings{.dir = "/home/ada/.local/state/maze"});
  for (const auto& set : sut.effective)
    CHECK(set.origin == "default");
}

TEST_CASE("root keeps its state in /var/lib and gives slots users", "[tools][options]") {
  auto around = home();
  around.is_root = true;
  const auto sut = accepted({"run", "flow.yaml"}, around);
  CHECK(sut.values.dir == "/var/lib/maze");
  CHECK(sut.values.task_user == task_user::slot);
}

TEST_CASE("every flag of run is understood", "[tools][options]") {
  const auto sut =
      accepted({"run",       "--out",       "o",       "--keep",      "--dir",      "/d",
                "flow.yaml", "--output",    "json",    "--jobs",      "3",          "--cpus=2.5",
                "--memory",  "8GiB",        "--gpus",  "2",           "--progress", "never",
                "--color",   "always",      "--quiet", "--log-level", "debug",      "--log-file",
                "l.log",     "--task-user", "slot",    "--sandbox",   "seccomp"});
  CHECK(sut.file == "flow.yaml");
  CHECK(sut.values
        == settings{.out = "o",
                    .keep = true,
                    .dir = "/d",
                    .output = output_form::json,
                    .jobs = 3,
                    .cpu_millis = 2500,
                    .memory = core::byte_count{std::uint64_t{8} << 30},
                    .gpus = 2,
                    .progress = when::never,
                    .color = when::always,
                    .quiet = true,
                    .log_level = io::log_level::debug,
                    .log_file = "l.log",
                    .task_user = task_user::slot,
                    .sandbox = core::sandbox_level::seccomp});
}

TEST_CASE("a flag wins over a variable, that over the file, that over the default",
          "[tools][options]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "c.yaml";
  std::ofstream(file) << "jobs: 1\ncpus: 1\nmemory: 1GB\n";
  auto around = home();
  around.environment["MAZE_JOBS"] = "2";
  around.environment["MAZE_CPUS"] = "2";
  const auto sut = accepted({"config", "--config", file.string(), "--jobs", "3"}, around);
  CHECK(sut.values.jobs == 3u);
  CHECK(sut.values.cpu_millis == 2000u);
  CHECK(sut.values.memory == core::byte_count{1'000'000'000});
  CHECK(origin(sut, "jobs") == "flag --jobs");
  CHECK(origin(sut, "cpus") == "variable MAZE_CPUS");
  CHECK(origin(sut, "memory") == file.string() + ":3:9");
  CHECK(origin(sut, "quiet") == "default");
}

TEST_CASE("a switch can be turned off again by a stronger source", "[tools][options]") {
  auto around = home();
  around.environment["MAZE_KEEP"] = "true";
  CHECK(accepted({"run", "f"}, around).values.keep);
  CHECK(!accepted({"run", "f", "--keep=false"}, around).values.keep);
}

TEST_CASE("the configuration file is found where XDG says", "[tools][options]") {
  const test::scratch_dir dir;
  std::filesystem::create_directories(dir.path() / "maze");
  std::ofstream(dir.path() / "maze" / "config.yaml") << "quiet: true\n";
  auto around = home();
  CHECK(!accepted({"run", "f"}, around).values.quiet);
  around.environment["XDG_CONFIG_HOME"] = dir.path().string();
  CHECK(accepted({"run", "f"}, around).values.quiet);
  around.environment["XDG_CONFIG_HOME"] = "relative";
  CHECK(!accepted({"run", "f"}, around).values.quiet);
  around.environment["MAZE_CONFIG"] = (dir.path() / "maze" / "config.yaml").string();
  CHECK(accepted({"run", "f"}, around).values.quiet);
}

TEST_CASE("NO_COLOR turns colours off unless a flag says otherwise", "[tools][options]") {
  auto around = home();
  around.environment["NO_COLOR"] = "1";
  CHECK(accepted({"run", "f"}, around).values.color == when::never);
  CHECK(accepted({"run", "f", "--color", "always"}, around).values.color == when::always);
}

TEST_CASE("what does not exist is refused by name, with what may be meant", "[tools][options]") {
  const std::string names =
      "run, validate, functions, doctor, start, join-file, stop, status, submit, "
      "runs, tasks, logs, result, "
      "files, cancel, forget, nodes, drain, serve, mcp, config, version";
  CHECK(refused({}) == "a command is missing: " + names);
  CHECK(refused({"rnu", "f"}) == "there is no command 'rnu'; did you mean `run`?");
  CHECK(refused({"run", "f", "--ouput", "json"})
        == "'run' has no flag '--ouput'; did you mean `--output`?");
  CHECK_THAT(refused({"validate", "f", "--jobs", "2"}),
             StartsWith("'validate' has no flag '--jobs'"));
  CHECK(refused({"--jobs", "2", "run", "f"}) == "'--jobs' must follow a command: " + names);
}

TEST_CASE("a variable that maze does not know is a warning with the one that may be meant",
          "[tools][options]") {
  auto around = home();
  around.environment["MAZE_JOB"] = "2";
  const auto sut = accepted({"run", "f"}, around);
  CHECK(sut.file == "f");
  CHECK(!sut.values.jobs);
  CHECK(sut.warnings
        == std::vector<std::string>{
            "maze has no variable MAZE_JOB and ignores it; did you mean `MAZE_JOBS`?"});
  around = home();
  around.environment["MAZE_HARNESS_ROUND"] = "2";
  CHECK(accepted({"run", "f"}, around).warnings
        == std::vector<std::string>{"maze has no variable MAZE_HARNESS_ROUND and ignores it; "
                                    "'maze-node config' lists its settings"});
}

TEST_CASE("variables that maze sets for a task are no fault", "[tools][options]") {
  auto around = home();
  for (const auto* name : {"MAZE_RUN", "MAZE_TASK", "MAZE_ATTEMPT", "MAZE_INPUT_shard"})
    around.environment[name] = "1";
  CHECK(accepted({"run", "f"}, around).file == "f");
  CHECK(accepted({"run", "f"}, around).warnings.empty());
}

TEST_CASE("wrong arguments are told apart", "[tools][options]") {
  CHECK(refused({"run"}) == "a workflow file is missing");
  CHECK(refused({"run", "f", "g"}) == "unexpected argument 'g'");
  CHECK(refused({"run", "f", "--jobs"}) == "flag --jobs needs a value");
  CHECK(refused({"run", "f", "--jobs", "1", "--jobs", "2"})
        == "flag --jobs is given more than once");
  CHECK(refused({"run", "f", "run"}) == "unexpected argument 'run'");
  CHECK(accepted({"run", "config"}).file == "config");
  CHECK(accepted({"run", "--", "-f"}).file == "-f");
}

TEST_CASE("a wrong value names its origin and what is allowed", "[tools][options]") {
  CHECK(refused({"run", "f", "--jobs", "0"})
        == "flag --jobs: '0' is not a whole number from 1 to 4294967295");
  CHECK(refused({"run", "f", "--jobs", "3x"})
        == "flag --jobs: '3x' is not a whole number from 1 to 4294967295");
  CHECK(refused({"run", "f", "--cpus", "0"})
        == "flag --cpus: '0' is not a number of cores such as 4 or 0.5, at least 0.001");
  for (const auto* wrong : {"nan", "inf", "-1", "1e9", "5000000", ""})
    CHECK_THAT(refused({"run", "f", std::string("--cpus=") + wrong}), Contains("--cpus"));
  CHECK_THAT(refused({"run", "f", "--memory", "8Gb"}), StartsWith("flag --memory: "));
  CHECK(refused({"run", "f", "--color", "red"})
        == "flag --color: 'red' is not auto, always or never");
  CHECK(refused({"run", "f", "--output", "xml"}) == "flag --output: 'xml' is not table or json");
  CHECK(refused({"run", "f", "--log-level", "loud"})
        == "flag --log-level: 'loud' is not debug, info, warning, error or off");
  CHECK(refused({"run", "f", "--task-user", "root"})
        == "flag --task-user: 'root' is not same or slot");
  CHECK(refused({"run", "f", "--out", ""}) == "flag --out: a path must not be empty");
  auto around = home();
  around.environment["MAZE_QUIET"] = "yes";
  CHECK(refused({"run", "f"}, around) == "variable MAZE_QUIET: 'yes' is not true or false");
  const test::scratch_dir dir;
  const auto file = (dir.path() / "c.yaml").string();
  std::ofstream(file) << "# comment\nlog_level: loud\n";
  CHECK(refused({"run", "f", "--config", file})
        == file + ":2:12: 'loud' is not debug, info, warning, error or off");
}

TEST_CASE("without a home the state needs a folder", "[tools][options]") {
  CHECK_THAT(refused({"run", "f"}, {}), StartsWith("there is no folder for the state"));
  CHECK(accepted({"run", "f", "--dir", "d"}, {}).values.dir == "d");
  // What runs elsewhere with its paths may lack the folders on the way.
  CHECK(accepted({"run", "f", "--dir", "/tmp/../d"}, {}).values.dir == "/d");
}

TEST_CASE("version works whatever the surroundings say", "[tools][options]") {
  auto around = home();
  around.environment["MAZE_JOB"] = "x";
  around.environment["MAZE_CONFIG"] = "/no/such/file";
  CHECK(accepted({"version"}, around).command == command::version);
}

TEST_CASE("help is no error and shows examples", "[tools][options]") {
  const auto top = read_options({"--help"}, home());
  REQUIRE(!top);
  CHECK(top.error().exit_code == 0);
  CHECK_THAT(top.error().text, Contains("validate") && Contains("Exit codes: 0 done"));
  for (const command_rule& rule : command_rules()) {
    const std::string name(rule.name);
    const auto help = read_options({name, "--help"}, home());
    REQUIRE(!help);
    CHECK(help.error().exit_code == 0);
    CHECK_THAT(help.error().text,
               Contains("Example") && Contains(fmt::format("maze-node {}", name)));
  }
}

TEST_CASE("each value is explained with its origin", "[tools][options]") {
  CHECK_THAT(explain(accepted({"config", "--jobs", "3"})),
             Contains("jobs            3                            flag --jobs\n")
                 && Contains("memory          -                            default\n"));
  const auto json = nlohmann::json::parse(explain(accepted({"config", "--output", "json"})));
  CHECK(json["output"]["value"] == "json");
  CHECK(json["output"]["origin"] == "flag --output");
  CHECK(json.size() == setting_rules().size());
}

TEST_CASE("what people type first is understood", "[tools][options]") {
  const auto version = read_options({"--version"}, {});
  REQUIRE(version);
  CHECK(version->command == command::version);
  const auto help = read_options({"help"}, {});
  REQUIRE_FALSE(help);
  CHECK(help.error().exit_code == 0);
  CHECK(help.error().text == read_options({"--help"}, {}).error().text);
}

TEST_CASE("a cluster is started with what its node offers", "[tools][options]") {
  const auto sut =
      accepted({"start", "--detach", "--name", "lab", "--resources", "cpus=2.5,memory=8GB,gpus=2",
                "--label", "room=b", "--label", "rack=7", "--listen", "tcp:127.0.0.1:0"});
  CHECK(sut.command == command::start);
  CHECK(sut.flags.detach);
  CHECK(sut.values.name == "lab");
  CHECK(sut.values.cpu_millis == 2500u);
  CHECK(sut.values.memory == core::byte_count{8'000'000'000});
  CHECK(sut.values.gpus == 2u);
  CHECK(accepted({"start", "--libraries", "/opt/tasks"}).values.libraries == "/opt/tasks");
  CHECK(accepted({"start", "--pass-env", "HTTP_PROXY,LC_ALL"}).values.pass_env
        == std::vector<std::string>{"HTTP_PROXY", "LC_ALL"});
  CHECK(accepted({"start", "--trusted-code", "/opt/tasks", "--trusted-code", "a.so,b.so"})
            .values.trusted_code
        == std::vector<std::string>{"/opt/tasks", "a.so", "b.so"});
  CHECK(accepted({"start", "--trusted-code", "none"}).values.trusted_code
        == std::vector<std::string>{});
  CHECK_FALSE(accepted({"start"}).values.trusted_code);
  for (const char* list : {"", ",", "a.so,none"})
    CHECK_THAT(refused({"start", "--trusted-code", list}), Contains("none alone"));
  CHECK(accepted({"start", "--gpus", "0"}).values.gpus == 0u);
  CHECK(sut.values.labels == std::map<std::string, std::string>{{"room", "b"}, {"rack", "7"}});
  REQUIRE(sut.values.listen.size() == 1);
  CHECK(io::to_string(sut.values.listen[0]) == "tcp:127.0.0.1:0");
  CHECK(accepted({"start", "--role", "worker", "--join", "f"}).flags.role == start_role::worker);
  CHECK(accepted({"start", "--resources", "cpus=4", "--cpus", "1"}).values.cpu_millis == 1000u);
}

TEST_CASE("sandboxes, their bounds and permissions are said by flag", "[tools][options]") {
  const auto sut =
      accepted({"start", "--sandbox-option", "memory=1GiB", "--sandbox-option", "processes=9",
                "--sandbox-limit", "memory=2GiB,level=seccomp", "--permit", "network_access"});
  CHECK(sut.values.sandbox_option.values.memory == core::byte_count{1U << 30});
  CHECK(sut.values.sandbox_option.values.processes == 9u);
  CHECK(sut.values.sandbox_limit.values.level == core::sandbox_level::seccomp);
  CHECK(core::to_string(sut.values.permit) == "network_access");
  CHECK(accepted({"start", "--image-age", "1d"}).values.image_age == std::chrono::hours(24));
  CHECK_THAT(refused({"start", "--image-age", "1ms"}), Contains("from 1s to 365d"));
  CHECK(accepted({"start", "--image-dir", "/x"}).values.image_dir == "/x");
  CHECK(accepted({"start"}).values.image_size == core::byte_count{std::uint64_t{16} << 30});
  CHECK(accepted({"run", "w.yaml", "--image-size", "1GiB"}).values.image_size
        == core::byte_count{1U << 30});
  CHECK(accepted({"start"}).values.permit == core::permission_set::all());
  CHECK(accepted({"start", "--permit", "all"}).values.permit == core::permission_set::all());
  CHECK(accepted({"start", "--permit", "none"}).values.permit.empty());
  for (const char* command : {"run", "submit"})
    CHECK(accepted({command, "w.yaml", "--sandbox-option", "level=seccomp"})
              .values.sandbox_option.values.level
          == core::sandbox_level::seccomp);
  CHECK_THAT(refused({"run", "w.yaml", "--sandbox-option", "memroy=1"}),
             StartsWith("flag --sandbox-option: ") && Contains("memory"));
  CHECK_THAT(refused({"start", "--sandbox-limit", "readable=[/a],level=seccomp"}),
             StartsWith("flag --sandbox-limit: ") && Contains("cannot be a bound"));
  CHECK_THAT(refused({"start", "--permit", "root"}),
             StartsWith("flag --permit: ") && Contains("system_commands"));
}

TEST_CASE("what a start cannot mean is refused by name", "[tools][options]") {
  CHECK(refused({"start", "--role", "boss"})
        == "flag --role: 'boss' is not both, master or worker");
  CHECK_THAT(refused({"start", "--name", "a/b"}), StartsWith("flag --name: "));
  CHECK(refused({"start", "--resources", "cpus"})
        == "flag --resources: 'cpus' is not of the form cpus=4,memory=8GB");
  CHECK(refused({"start", "--resources", "disks=1"})
        == "flag --resources: 'disks' is not cpus, memory or gpus");
  CHECK(refused({"start", "--gpus", "1025"})
        == "flag --gpus: '1025' is not a whole number from 0 to 1024");
  CHECK_THAT(refused({"start", "--resources", "gpus=-1"}), Contains("from 0 to 1024"));
  CHECK_THAT(refused({"start", "--label", "room"}), StartsWith("flag --label: "));
  CHECK_THAT(refused({"start", "--label", "a=1", "--label", "a=2"}), Contains("twice"));
  CHECK_THAT(refused({"start", "--label", "node=w1"}), Contains("--name"));
  CHECK(refused({"start", "--pass-env", "A=B"})
        == "flag --pass-env: 'A=B' is not the name of a variable: letters, digits and `_`");
  CHECK_THAT(refused({"start", "--listen", "everywhere"}), StartsWith("flag --listen: "));
  CHECK(refused({"start", "x"}) == "unexpected argument 'x'");
}

TEST_CASE("commands that ask a cluster take what they ask about", "[tools][options]") {
  const auto logs = accepted({"logs", "last", "count", "--stderr", "--attempt", "2", "--follow"});
  CHECK(logs.words == std::vector<std::string>{"last", "count"});
  CHECK(logs.flags.standard_error);
  CHECK(logs.flags.attempt == 2);
  CHECK(logs.flags.follow);
  CHECK(accepted({"cancel", "last"}).words.size() == 1);
  CHECK(accepted({"submit", "f.yaml", "--wait", "--id", "x"}).flags.id == "x");
  auto around = home();
  around.environment["MAZE_CLUSTER"] = "lab";
  CHECK(accepted({"status"}, around).values.cluster == "lab");
  CHECK(refused({"logs", "last"}) == "a task is missing");
  CHECK_THAT(refused({"tasks"}), StartsWith("a run is missing"));
  CHECK(refused({"logs", "last", "a", "--attempt", "0"})
        == "flag --attempt: '0' is not a whole number from 1 to 4294967295");
  CHECK_THAT(refused({"submit", "f", "--id", ""}), StartsWith("flag --id: "));
}

TEST_CASE("the flags of nodes and join files are checked", "[tools][options]") {
  CHECK(accepted({"run", "f.yaml", "--workers", "2"}).flags.workers == 2);
  CHECK_THAT(refused({"run", "f.yaml", "--workers", "0"}), StartsWith("flag --workers: '0'"));
  const auto worker = accepted({"start", "--role", "worker", "--until-eof", "--lease", "800ms"});
  CHECK(worker.flags.role == start_role::worker);
  CHECK(worker.flags.until_eof);
  CHECK(worker.values.lease == std::chrono::milliseconds(800));
  CHECK(accepted({"start"}).values.lease == std::chrono::seconds(5));
  CHECK_THAT(refused({"start", "--lease", "1ms"}), Contains("a time from 100ms to 1h"));
  const auto file = accepted({"join-file", "w1", "--for", "client", "--address", "tcp:gate:4242",
                              "--days", "3", "--file", "x"});
  CHECK(file.words == std::vector<std::string>{"w1"});
  CHECK(file.flags.join_file.role == io::node_role::client);
  CHECK(file.flags.join_file.days == 3);
  CHECK(file.flags.join_file.file == "x");
  CHECK(file.flags.join_file.permitted == core::permission_set::all());
  const auto anna = accepted({"join-file", "anna", "--permit", "network_access,read_files"});
  CHECK(core::to_string(anna.flags.join_file.permitted) == "read_files, network_access");
  CHECK(accepted({"join-file", "a", "--permit", "none"}).flags.join_file.permitted.empty());
  const auto carl = accepted({"join-file", "carl", "--as", "analyst", "--roles", "analyst=none"});
  CHECK(carl.flags.join_file.as == "analyst");
  CHECK(carl.values.roles.at("analyst").empty());
  CHECK_THAT(refused({"join-file", "a", "--as", "x", "--permit", "all"}), Contains("exclude"));
  CHECK_THAT(refused({"join-file", "a", "--roles", "x"}), StartsWith("flag --roles: "));
  CHECK_THAT(refused({"join-file", "a", "--permit", "root"}),
             StartsWith("flag --permit: 'root' is not a permission") && Contains("read_files"));
  REQUIRE(file.flags.join_file.addresses.size() == 1);
  CHECK(io::to_string(file.flags.join_file.addresses.front()) == "tcp:gate:4242");
  CHECK_THAT(refused({"join-file"}), StartsWith("a name for the node or client is missing"));
  CHECK_THAT(refused({"join-file", "a", "--for", "master"}), StartsWith("flag --for: 'master'"));
  CHECK_THAT(refused({"join-file", "a", "--address", "unix:/x"}), StartsWith("flag --address: "));
}
