#include "maze/sandbox/container_command.hpp"

#include "maze/sandbox/image_script.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fstream>

using namespace maze;
using namespace maze::sandbox;
using Catch::Contains;
using strings = std::vector<std::string>;

namespace {

const container_engine docker{.kind = engine_kind::docker,
                              .program = "/usr/bin/docker",
                              .options = {},
                              .open_files = {},
                              .processes = {}};
const container_engine podman{.kind = engine_kind::podman,
                              .program = "/usr/bin/podman",
                              .options = {"--runtime", "/usr/sbin/runc"},
                              .open_files = 20'000,
                              .processes = 500};

container_start plain() {
  container_start out;
  out.name = "maze-1";
  out.owner = "/srv/node";
  out.image.name = "python:3.11-slim";
  out.sandbox.level = core::sandbox_level::container;
  return out;
}

std::string words(const core::result<strings>& command) {
  REQUIRE(command);
  return fmt::format("{}", fmt::join(*command, " "));
}

core::result<container_image> image_named(const std::string& name) {
  launch_request out;
  out.sandbox.image = name;
  return image_of(out, "/srv/images");
}

} // namespace

TEST_CASE("a container has the limits and fences of its level by default", "[sandbox][container]") {
  auto x = plain();
  x.door = "/srv/node/arriving/maze-1";
  // It has its descriptors from a socket, its streams among them.
  x.inherited = 3;
  x.arguments = {"stay", "3"};
  CHECK(words(run_command(docker, x))
        == "/usr/bin/docker run --rm --pull=never --log-driver=none --name maze-1 "
           "--label maze.node=/srv/node --network=none --cgroupns=private "
           "--read-only "
           "--security-opt=no-new-privileges --cap-drop=ALL --no-healthcheck --memory=2147483648 "
           "--memory-swap=2147483648 --cpus=1.00 --pids-limit=101 "
           "--tmpfs=/tmp:rw,nosuid,nodev,mode=1777,size=104857600 --ulimit=core=1:1 "
           "--mount type=bind,source=/srv/node/arriving/maze-1/door,target=/run/maze/door,readonly "
           "--entrypoint /run/maze/enter python:3.11-slim at /run/maze/door stay 3");
}

TEST_CASE("a task says otherwise", "[sandbox][container]") {
  auto x = plain();
  x.user = child_user{60001, 60002};
  x.inherited = 3;
  x.mounts = {{"/srv/views/1", "/srv/views/1", true}, {"/opt/enter", "/run/maze/enter", false}};
  x.sandbox.memory = core::byte_count{std::uint64_t{256} << 20};
  x.sandbox.cpu_share = 205;
  x.sandbox.processes = 7;
  x.sandbox.temporary = core::byte_count{4096};
  x.sandbox.network = true;
  x.devices = {"/dev/nvidia0"};
  CHECK(words(run_command(podman, x))
        == "/usr/bin/podman --runtime /usr/sbin/runc run --rm --pull=never "
           "--log-driver=none --name maze-1 --label maze.node=/srv/node --network=host "
           "--hostname=maze "
           "--cgroupns=private --read-only "
           "--security-opt=no-new-privileges --cap-drop=ALL --no-healthcheck "
           "--interactive --read-only-tmpfs=false --image-volume=ignore "
           "--preserve-fds=3 --memory=268435456 --memory-swap=268435456 --cpus=2.05 "
           "--pids-limit=8 --tmpfs=/tmp:rw,nosuid,nodev,mode=1777,size=4096,notmpcopyup,U "
           "--ulimit=nofile=20000:20000 --ulimit=nproc=500:500 --ulimit=core=1:1 "
           "--user=60001:60002 --mount type=bind,source=/srv/views/1,target=/srv/views/1 "
           "--mount type=bind,source=/opt/enter,target=/run/maze/enter,readonly "
           "--device=/dev/nvidia0 "
           "--entrypoint /run/maze/enter python:3.11-slim");
}

TEST_CASE("a container that stays has root for its first process, and what that needs",
          "[sandbox][container]") {
  auto x = plain();
  x.user = child_user{60001, 60002};
  x.stays = true;
  x.inherited = 1;
  x.folders = "/srv/views";
  x.arguments = {"stay", "3", "4096", "/srv/views"};
  const auto said = words(run_command(podman, x));
  CHECK_THAT(said, Contains(" --cap-drop=ALL "));
  CHECK_THAT(said, Contains(" --user=0:0 --cap-add=SYS_ADMIN --cap-add=SETUID --cap-add=SETGID "
                            "--cap-add=SETPCAP --cap-add=KILL --security-opt=apparmor=unconfined "
                            "--mount type=tmpfs,destination=/srv/views,"));
  CHECK_THAT(said, Catch::EndsWith(" python:3.11-slim stay 3 4096 /srv/views"));
  CHECK(said.find("60001") == std::string::npos);
  x.folders.clear();
  CHECK(words(run_command(podman, x)).find("--mount") == std::string::npos);
  x.folders = "/a,b";
  CHECK(run_command(podman, x).error().code == core::errc::invalid_argument);
}

TEST_CASE("a container has no more of core files than its node", "[sandbox][container]") {
  auto engine = podman;
  engine.core = 0;
  CHECK_THAT(words(run_command(engine, plain())), Contains(" --ulimit=core=0:0 "));
}

TEST_CASE("an engine that makes groups by itself makes them in one of the node's",
          "[sandbox][container]") {
  auto engine = podman;
  auto x = plain();
  x.group = "maze-1-groups";
  CHECK(words(run_command(engine, x)).find("--cgroup-parent") == std::string::npos);
  engine.options = {"--cgroup-manager", "cgroupfs"};
  CHECK_THAT(words(run_command(engine, x)), Contains(" --cgroup-parent=/maze-1-groups "));
  CHECK(container_prefix(7, "word") == "maze-7-word-");
}

TEST_CASE("what an engine cannot do is refused before it is asked", "[sandbox][container]") {
  auto x = plain();
  x.door = "/a,b";
  CHECK(run_command(docker, x).error().code == core::errc::invalid_argument);
  for (const char* path : {"/a,readonly=false", "/a\"b", "/a\nb"}) {
    x.mounts = {{path, "/x", false}};
    const auto odd = run_command(podman, x);
    REQUIRE_FALSE(odd);
    CHECK(odd.error().code == core::errc::invalid_argument);
  }
}

TEST_CASE("an archive is another image whenever it changes", "[sandbox][container]") {
  CHECK(image_named("debian:12")->name == "debian:12");
  CHECK(image_named("debian:12")->archive.empty());
  CHECK(image_of({}, "/srv/images")->name == "python:3.11-slim");
  const test::scratch_dir dir;
  const std::string path = dir / "base.tar";
  CHECK(image_named(path).error().code == core::errc::not_found);
  std::ofstream(path) << "one";
  const auto first = image_named(path).value();
  CHECK(first.archive == path);
  CHECK(first.written == path);
  CHECK(image_named(path)->name == first.name);
  CHECK_THAT(first.name, Catch::StartsWith(image_prefix("/srv/images")));
  std::ofstream(path) << "another";
  CHECK(image_named(path)->name != first.name);
}

TEST_CASE("an archive that came with the run is another image than any of the node",
          "[sandbox][container]") {
  launch_request request;
  request.sandbox.image = "base.tar";
  CHECK(image_of(request, "/srv/images").error().code == core::errc::not_found);
  request.archive = image_archive{.path = "/srv/node/store/ab/cd", .version = "abcd-7"};
  const auto image = image_of(request, "/srv/images").value();
  CHECK(image.name == image_prefix("/srv/images") + "run-abcd-7");
  CHECK(image.archive == "/srv/node/store/ab/cd");
  CHECK(image.written == "base.tar");
}

TEST_CASE("words reach a program through a shell as they are", "[sandbox][container]") {
  const strings odd{"/usr/bin/printf",     "%s|", "",    "a b", "it's",
                    "$HOME `id` \"x\" \\", "*",   "a\nb"};
  const auto printed = test::run({.argv = {"/bin/sh", "-c", shell_words(odd)}});
  CHECK(printed.standard_output == "|a b|it's|$HOME `id` \"x\" \\|*|a\nb|");
}

TEST_CASE("the scripts around a container do what they are for", "[sandbox][container]") {
  const test::scratch_dir dir;
  // An engine that tells what it is asked, and lists some containers.
  const auto fake = dir / "engine";
  std::ofstream(fake) << "#!/bin/sh\necho \"$*\" >>" << (dir / "asked").native()
                      << "\ncase \"$*\" in *' ps '*) echo maze-old-1 /srv/node; echo maze-new-1 "
                         "/srv/node; echo maze-else-1 /; "
                         "echo maze-gone-1 /nowhere ;; *stuck-1) exit 1 ;; esac\n";
  std::filesystem::permissions(fake, std::filesystem::perms(0755));
  const container_engine engine{.kind = engine_kind::podman,
                                .program = fake,
                                .options = {"-g"},
                                .open_files = {},
                                .processes = {}};
  const auto asked = [&](const std::string& script) {
    std::filesystem::remove(dir / "asked");
    const auto ended = test::run({.argv = {"/bin/sh", "-c", script + "\ntrue"}});
    CHECK(ended.status == 0);
    CHECK(ended.standard_output.empty());
    return test::read_file(dir / "asked");
  };
  const auto removed = [](const std::string& name, int times) {
    std::string out = "-g inspect --type container --format {{.Id}} " + name + "\n";
    for (int i = 0; i < times; ++i)
      out += "-g rm --force " + name + "\n";
    return out;
  };
  CHECK(asked(sweep_script(engine, "/srv/node", "maze-new-"))
        == "-g ps --all --filter label=maze.node --format {{.Names}} {{index .Labels "
           "\"maze.node\"}}\n"
               + removed("maze-old-1", 1) + removed("maze-gone-1", 1));
  // It looks again until nothing is left, for the engine may have failed.
  const auto listed = std::string("-g ps --all --quiet --filter label=maze.node=/srv/a b\n");
  const auto farewell = asked(farewell_script(engine, "/srv/a b", "maze-1-groups"));
  CHECK_THAT(farewell, Catch::StartsWith(listed + "-g rm --force maze-old-1 "));
  CHECK_THAT(farewell.substr(listed.size()), Contains(listed));
  CHECK(asked(removal_script(engine, {"maze-1"})) == removed("maze-1", 1));
  // The first time podman only sees that nothing is left of it.
  CHECK(asked(removal_script(engine, {"stuck-1"})) == removed("stuck-1", 2));
}
