#include "maze/core/sandbox_spec.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

TEST_CASE("sandbox levels have names that read back", "[core][sandbox_spec]") {
  CHECK(to_string(sandbox_level::none) == "none");
  CHECK(to_string(sandbox_level::subprocess) == "subprocess");
  CHECK(to_string(sandbox_level::seccomp) == "seccomp");
  CHECK(to_string(sandbox_level::container) == "container");
  for (const auto level : {sandbox_level::none, sandbox_level::subprocess, sandbox_level::seccomp,
                           sandbox_level::container})
    CHECK(sandbox_level_from_string(to_string(level)) == level);
  CHECK(sandbox_level_from_string("docker") == sandbox_level::container);
  for (const auto* name : {"", "None", "unknown", "podman"})
    CHECK_FALSE(sandbox_level_from_string(name).has_value());
  CHECK(to_string(static_cast<sandbox_level>(9)) == "unknown");
}

TEST_CASE("a stronger sandbox level compares greater", "[core][sandbox_spec]") {
  CHECK(sandbox_level::none < sandbox_level::subprocess);
  CHECK(sandbox_level::subprocess < sandbox_level::seccomp);
  CHECK(sandbox_level::seccomp < sandbox_level::container);
}

TEST_CASE("what only a sealed child can have is refused below", "[core][sandbox_spec]") {
  const auto why = [](const sandbox_spec& spec) {
    const auto checked = check_sandbox(spec);
    return checked ? std::string("fine") : checked.error().message;
  };
  CHECK(why({}) == "fine");
  CHECK(why({.network = true}) == "fine");
  CHECK(why({.network = false}) == "sandbox: `network: false` needs `level: seccomp`, or more");
  CHECK(why({.readable = {"/opt"}}).find("`readable` needs") != std::string::npos);
  CHECK(why({.writable = {"/opt"}}).find("`writable` needs") != std::string::npos);
  CHECK(why({.syscalls = {"ptrace"}}).find("`syscalls` needs") != std::string::npos);
  CHECK_THAT(why({.kill_on_violation = true}),
             Catch::Contains("`violation: kill` needs `level: seccomp`")
                 && Catch::Contains("no call is refused"));
  CHECK_THAT(why({.level = sandbox_level::container, .kill_on_violation = true}),
             Catch::Contains("at level container") && Catch::Contains("can only fail"));
  const auto level = sandbox_level::seccomp;
  CHECK(why({.level = level, .kill_on_violation = true}) == "fine");
  CHECK(why({.level = level,
             .network = false,
             .readable = {"/opt/data"},
             .writable = {"/srv"},
             .syscalls = {"@ipc"}})
        == "fine");
  CHECK(why({.level = level, .syscalls = std::vector<std::string>(257, "read")}).find("257")
        != std::string::npos);
  CHECK(why({.level = level, .writable = std::vector<std::string>(33, "/a")}).find("33 paths")
        != std::string::npos);
}

TEST_CASE("a child without a sandbox can have no limits but that of its time",
          "[core][sandbox_spec]") {
  const auto none = sandbox_level::none;
  CHECK(check_sandbox({.level = none, .wall_time = std::chrono::seconds(1)}));
  CHECK(check_sandbox({.level = none}).has_value());
  const auto refused = [](sandbox_spec spec) {
    const auto below = check_sandbox(spec);
    spec.level = sandbox_level::subprocess;
    return !below && below.error().message.find("needs `level: subprocess`") != std::string::npos
           && check_sandbox(spec).has_value();
  };
  CHECK(refused({.level = none, .cpu_time = std::chrono::seconds(1)}));
  CHECK(refused({.level = none, .memory = byte_count{1 << 20}}));
  CHECK(refused({.level = none, .cpu_share = 1}));
  CHECK(refused({.level = none, .address_space = byte_count{1}}));
  CHECK(refused({.level = none, .file_size = byte_count{0}}));
  CHECK(refused({.level = none, .disk = byte_count{1}}));
  CHECK(refused({.level = none, .open_files = 1}));
  CHECK(refused({.level = none, .processes = 1}));
}

TEST_CASE("limits and names of a sandbox have bounds", "[core][sandbox_spec]") {
  CHECK_FALSE(check_sandbox({.memory = byte_count{0}}));
  CHECK_FALSE(check_sandbox({.memory = byte_count{sandbox_memory_min - 1}}));
  CHECK_FALSE(check_sandbox({.processes = sandbox_processes_max + 1}));
  CHECK(check_sandbox({.processes = sandbox_processes_max}));
  for (const char* name : {"HOME", "MAZE_RUN", "MAZE_INPUT_x", "CUDA_VISIBLE_DEVICES"})
    CHECK_FALSE(check_sandbox({.variables = {name}}));
  CHECK_FALSE(check_sandbox({.cpu_share = 0}));
  CHECK_FALSE(check_sandbox({.cpu_share = cpu_share_max + 1}));
  CHECK(check_sandbox({.cpu_share = cpu_share_max}));
  CHECK(check_sandbox({.variables = {"HTTP_PROXY"}, .imports = std::vector<std::string>{}}));
  for (const char* name : {"", "a-b", "1a", "A=B", "os.path"}) {
    INFO(name);
    CHECK_FALSE(check_sandbox({.variables = {name}}));
    CHECK_FALSE(check_sandbox({.imports = std::vector<std::string>{name}}));
  }
  CHECK_FALSE(check_sandbox({.variables = std::vector<std::string>(257, "A")}));
}

TEST_CASE("paths of a sandbox are absolute and plain", "[core][sandbox_spec]") {
  for (const char* path : {"", "/", "opt", "./opt", "/opt/", "/opt/../etc", "/..", "/opt/./x",
                           "//opt", "/opt//x", "/proc", "/proc/self/root", "/dev", "/dev/shm"}) {
    INFO(path);
    CHECK_FALSE(check_sandbox({.level = sandbox_level::seccomp, .readable = {path}}));
  }
  CHECK_FALSE(
      check_sandbox({.level = sandbox_level::seccomp, .readable = {std::string("/a\0b", 4)}}));
  for (const char* path :
       {"/opt", "/opt/..x", "/a/.b/c d", "/etc", "/dev/nvidia0", "/tmp", "/process"})
    CHECK(check_sandbox({.level = sandbox_level::seccomp, .readable = {path}}));
}

TEST_CASE("a child without paths of the machine is sealed and names none", "[core][sandbox_spec]") {
  const auto level = sandbox_level::seccomp;
  CHECK(check_sandbox({.level = level, .filesystem = false}));
  CHECK_FALSE(check_sandbox({.level = level, .filesystem = false, .readable = {"/opt"}}));
  CHECK_FALSE(check_sandbox({.filesystem = false}));
  CHECK(check_sandbox({.filesystem = true}));
}

TEST_CASE("a node gives less where it must and a task lets it", "[core][sandbox_spec]") {
  const sandbox_offer all{.sealed = true, .cpu_shares = true};
  sandbox_spec spec{.level = sandbox_level::seccomp,
                    .memory = byte_count{1 << 20},
                    .cpu_share = 50,
                    .network = false,
                    .readable = {"/opt"},
                    .syscalls = {"@ipc"},
                    .kill_on_violation = true};
  CHECK(degraded(spec, {}) == spec);
  spec.degrade = true;
  CHECK(degraded(spec, all) == spec);
  const auto less = degraded(spec, {});
  CHECK(less.level == sandbox_level::subprocess);
  CHECK(less.memory == spec.memory);
  CHECK_FALSE(less.cpu_share);
  CHECK(check_sandbox(less));
  const auto shared = degraded(spec, {.sealed = true});
  CHECK(shared.level == sandbox_level::seccomp);
  CHECK(shared.readable == spec.readable);
  CHECK_FALSE(shared.cpu_share);
  CHECK(degraded({.level = sandbox_level::container, .degrade = true}, all).level
        == sandbox_level::seccomp);
  CHECK(degraded({.level = sandbox_level::none, .degrade = true}, {}).level == sandbox_level::none);
}

TEST_CASE("an image that is named as archives are comes with the run, unless it lies on the node",
          "[core][sandbox_spec]") {
  sandbox_spec spec{.level = sandbox_level::container};
  CHECK(carried_archive(spec) == nullptr);
  for (const char* image : {"a.tar", "../b/a.tar.gz", "a.tgz", "a.tar.xz", "a.tar.zst"}) {
    INFO(image);
    spec.image = image;
    CHECK(is_archive(image));
    REQUIRE(carried_archive(spec) != nullptr);
    CHECK(*carried_archive(spec) == image);
  }
  for (const char* image : {"/srv/a.tar", "/srv/a", "debian:12", "a.tar:1"}) {
    INFO(image);
    spec.image = image;
    CHECK(is_archive(image) == (*image == '/'));
    CHECK(carried_archive(spec) == nullptr);
  }
  spec = {.level = sandbox_level::seccomp, .image = "a.tar"};
  CHECK(carried_archive(spec) == nullptr);
}

TEST_CASE("an image is for a container, by a name or a path that is one", "[core][sandbox_spec]") {
  const auto level = sandbox_level::container;
  CHECK(check_sandbox({.level = level}));
  CHECK(check_sandbox({.level = level, .syscalls = {"@ipc"}}));
  CHECK(check_sandbox({.level = level, .temporary = byte_count{1}}));
  for (const char* image : {"debian:12", "docker.io/library/python:3.11-slim",
                            "/srv/images/base.tar", "../images/base.tar", "localhost:5000/x_y"})
    CHECK(check_sandbox({.level = level, .image = image}));
  const std::string long_name(1025, 'a');
  for (const std::string& image :
       {std::string("--privileged"), std::string(), std::string("a b"), std::string("a b.tar"),
        std::string("Debian"), std::string("/srv/../x.tar"), std::string("a\nb"),
        std::string("$(id)"), std::string("docker-archive:/srv/x"), std::string("oci:x"),
        std::string("localhost/maze:0123"), long_name}) {
    INFO(image);
    CHECK(check_sandbox({.level = level, .image = image}).error().message.find("`image`")
          != std::string::npos);
  }
  CHECK(check_sandbox({.level = level, .image = "/srv/../x.tar"})
            .error()
            .message.ends_with("write it without \"//\", \".\", \"..\" and a slash at its end"));
  CHECK(check_sandbox({.level = level, .image = "a b.tar"})
            .error()
            .message.ends_with("it may hold letters, digits and ._-/:@+, and begin with no dash"));
  for (const sandbox_spec& spec :
       {sandbox_spec{.level = sandbox_level::seccomp, .image = "debian"},
        sandbox_spec{.level = sandbox_level::seccomp, .temporary = byte_count{1}},
        sandbox_spec{.level = sandbox_level::seccomp, .reuse = true}})
    CHECK(check_sandbox(spec).error().message.find("needs `level: container`")
          != std::string::npos);
}

TEST_CASE("a node without an engine gives a container's task the next level below, where the task "
          "lets it",
          "[core][sandbox_spec]") {
  const sandbox_spec spec{.level = sandbox_level::container,
                          .network = true,
                          .image = "debian",
                          .temporary = byte_count{1},
                          .reuse = true,
                          .degrade = true};
  CHECK(degraded(spec, {.container = true}) == spec);
  const auto less = degraded(spec, {.sealed = true});
  CHECK(less.level == sandbox_level::seccomp);
  CHECK(less.network == true);
  CHECK(check_sandbox(less));
  CHECK(check_sandbox(degraded(spec, {})));
}

TEST_CASE("a sealed child has no network unless it asks for one", "[core][sandbox_spec]") {
  CHECK(sandbox_spec{}.has_network());
  CHECK_FALSE(sandbox_spec{.level = sandbox_level::seccomp}.has_network());
  CHECK(sandbox_spec{.level = sandbox_level::seccomp, .network = true}.has_network());
}

TEST_CASE("what a node must offer is what not every node can give", "[core][sandbox]") {
  CHECK(needed_offer(sandbox_spec{.memory = byte_count{1 << 30}}) == sandbox_offer{});
  CHECK(needed_offer(sandbox_spec{.level = sandbox_level::seccomp, .cpu_share = 50})
        == sandbox_offer{.sealed = true, .cpu_shares = true});
  CHECK(needed_offer(sandbox_spec{.level = sandbox_level::container})
        == sandbox_offer{.container = true});
  // Whoever is happy with less still needs its variables, which no node can make up.
  CHECK(needed_offer(sandbox_spec{.level = sandbox_level::seccomp,
                                  .cpu_share = 50,
                                  .variables = {"TOKEN"},
                                  .degrade = true})
        == sandbox_offer{.variables = {"TOKEN"}});
}
