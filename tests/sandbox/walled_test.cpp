// Level seccomp on a node that has no namespaces: Landlock and the filter stand where they would.
#include "support/eventually.hpp"
#include "support/sealed.hpp"
#include "support/throw_away.hpp"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace maze;
using namespace maze::sandbox;
using test::sealed_fixture;

namespace {

constexpr std::uint32_t walled_uid = 60333;

/// Runs `body` with a node without namespaces and gives back what it returned; "untried: …" where there is no Landlock
/// that could stand for them.
std::string without_namespaces(const std::function<std::string(sealed_fixture&)>& body) {
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0777));
  return test::told_by_child([&]() -> std::string {
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    if (::geteuid() == 0
        && (::setresgid(walled_uid, walled_uid, walled_uid) != 0
            || ::setresuid(walled_uid, walled_uid, walled_uid) != 0))
      throw std::runtime_error("another user");
    test::forbid_namespaces();
    sealed_fixture node;
    if (node.sut->can().pid_namespaces)
      throw std::runtime_error("there are namespaces");
    if (const auto missing = test::needs_sealed(*node.sut))
      return "untried: " + *missing;
    return body(node);
  });
}

std::optional<std::string> was_untried(const std::string& told) {
  return told.starts_with("untried: ") ? std::optional(told) : std::nullopt;
}

/// What a script prints there, on both streams.
std::string told_by_script(const std::string& text) {
  return without_namespaces([&](sealed_fixture& node) {
    const auto report = node.run(node.script("exec 2>&1; " + text));
    return report.cause == exit_cause::exited ? report.standard_output.text
                                              : report.failure.message;
  });
}

} // namespace

TEST_CASE("without namespaces a sealed child still reads and writes what it may alone",
          "[sandbox][walled]") {
  const auto text = told_by_script(
      "echo x >made && cat made; mkdir -p a/b && mv made a/b/c && rm -r a && echo moved;"
      "cat /etc/shadow /etc/passwd /var/lib/dpkg/status ../taskspace/../beside; ls / /tmp ..;"
      "echo y >../beside; echo y >/tmp/x; echo y >/dev/shm/x; python3 -c 'print(6 * 7)'; "
      "echo z >/dev/null && echo nothing");
  MAZE_NEEDS(was_untried(text));
  INFO(text);
  CHECK(text.starts_with("x\nmoved\n"));
  CHECK(text.find("42\nnothing\n") != std::string::npos);
  std::istringstream lines(text);
  std::size_t refused = 0;
  for (std::string line; std::getline(lines, line);)
    refused += line.ends_with("Permission denied") ? 1 : 0;
  CHECK(refused == 9);
}

TEST_CASE("without namespaces the report card names the walls that are there",
          "[sandbox][walled]") {
  const auto text = without_namespaces([](sealed_fixture& node) {
    auto request = node.script("grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status");
    const auto known = node.sut->isolation_of(request);
    const auto report = node.run(std::move(request));
    std::string out = report.standard_output.text + (report.isolation == known ? "known" : "other");
    for (const auto each : core::all_fences())
      if (report.isolation.has(each))
        out += " " + std::string(core::to_string(each));
    return out;
  });
  MAZE_NEEDS(was_untried(text));
  CHECK(text
        == "CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
           "known no_privileges limits network landlock syscalls");
}

TEST_CASE("without namespaces nothing about files of the node's user is changed",
          "[sandbox][walled]") {
  const auto text = without_namespaces([](sealed_fixture& node) {
    const auto own = node.dir / "own";
    test::write(own, "content");
    std::filesystem::permissions(own, std::filesystem::perms(0640));
    struct stat before {};
    ::stat(own.c_str(), &before);
    auto request = node.script("chmod 777 ../own; touch ../own; mv ../own .; ln ../own .; "
                               "truncate -s 0 ../own; rm -f ../own; python3 -c \"import os\n"
                               "for f in (lambda: os.setxattr('../own', 'user.x', b'y'), lambda: "
                               "os.truncate('../own', 1), lambda: os.chmod(os.open('../own', 0), "
                               "0)):\n  try: f(); print('done')\n  except OSError: pass\"");
    // Readable is not changeable either.
    request.sandbox.readable = {own.native()};
    const auto report = node.run(std::move(request));
    struct stat after {};
    ::stat(own.c_str(), &after);
    const bool same = after.st_mode == before.st_mode && after.st_nlink == 1
                      && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec
                      && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec
                      && test::content_of(own) == "content";
    return report.standard_output.text + report.failure.message + (same ? "same" : "changed");
  });
  MAZE_NEEDS(was_untried(text));
  CHECK(text == "same");
}

TEST_CASE("without namespaces no process of the node's user is reached", "[sandbox][walled]") {
  const auto text = without_namespaces([](sealed_fixture& node) {
    const auto self = std::to_string(::getpid());
    const auto report = node.run(node.sealed(
        {"/usr/bin/python3", "-c",
         "import os, signal, socket\n"
         "def tried(name, call):\n"
         "  try: call(); print(name)\n"
         "  except OSError: pass\n"
         "node = "
             + self
             + "\n"
               "tried('killed', lambda: os.kill(node, signal.SIGCONT))\n"
               "tried('reniced', lambda: os.setpriority(os.PRIO_PROCESS, node, 19))\n"
               "tried('all reniced', lambda: os.setpriority(os.PRIO_USER, 0, 19))\n"
               "tried('moved', lambda: os.sched_setaffinity(node, {0}))\n"
               "tried('read', lambda: open(f'/proc/{node}/environ').read())\n"
               "tried('written', lambda: open(f'/proc/{node}/oom_score_adj', 'w').write('1000'))\n"
               "tried('local socket', lambda: socket.socket(socket.AF_UNIX))\n"
               "tried('datagrams', lambda: socket.socketpair(type=socket.SOCK_DGRAM))\n"
               "tried('internet', lambda: socket.socket())\n"
               "a, b = socket.socketpair()\n"
               "a.send(b'x')\n"
               "os.setpriority(os.PRIO_PROCESS, 0, 19)\n"
               "print('own', b.recv(1).decode())\n"}));
    return report.standard_output.text + report.standard_error.text + report.failure.message;
  });
  MAZE_NEEDS(was_untried(text));
  CHECK(text == "own x\n");
}

TEST_CASE("without namespaces a sealed tree is gone all the same", "[sandbox][walled]") {
  const test::scratch_dir own;
  const auto mark = "MAZE_TEST_MARK=" + own.path().native();
  const bool stopped = GENERATE(false, true);
  const auto text = without_namespaces([&](sealed_fixture& node) {
    auto request = node.script("setsid sleep 1000 & setsid bash -c 'trap \"\" TERM; sleep 1000' & "
                               "disown; touch up; "
                               + std::string(stopped ? "sleep 1000" : "exit 0"));
    request.environment.push_back(mark);
    launch_id id = 0;
    const auto place = node.launch(std::move(request), &id);
    if (stopped && test::eventually([&] { return std::filesystem::exists(node.taskspace / "up"); }))
      node.sut->stop(id, std::chrono::milliseconds(0));
    node.wait_until([&] { return place->has_value(); });
    return std::string((*place)->cause == (stopped ? exit_cause::stopped : exit_cause::exited)
                           ? "ended"
                           : (*place)->failure.message);
  });
  MAZE_NEEDS(was_untried(text));
  CHECK(text == "ended");
  CHECK(test::processes_with(mark).empty());
}

TEST_CASE("without namespaces more system calls are refused by name", "[sandbox][walled]") {
  const auto text = without_namespaces([](sealed_fixture& node) {
    auto request = node.script("touch ran");
    request.sandbox.syscalls = {"@ipc"};
    const auto report = node.run(std::move(request));
    return std::string(report.cause == exit_cause::setup_failed ? "refused: " : "ran: ")
           + report.failure.message;
  });
  MAZE_NEEDS(was_untried(text));
  CHECK(text.starts_with("refused: "));
  CHECK(text.find("`syscalls`") != std::string::npos);
}

TEST_CASE("without namespaces what is asked for is there, a network too", "[sandbox][walled]") {
  const auto text = without_namespaces([](sealed_fixture& node) {
    for (const char* name : {"data", "cache"})
      std::filesystem::create_directory(node.dir / name);
    test::write(node.dir / "data/model", "weights");
    auto request = node.script("cat ../data/model; echo x >../cache/y && echo wrote; echo x "
                               ">../data/y || echo not; python3 -c 'import socket; "
                               "socket.socket(); print(1)'");
    request.sandbox.readable = {(node.dir / "data").native()};
    request.sandbox.writable = {(node.dir / "cache").native()};
    request.sandbox.network = true;
    const auto report = node.run(std::move(request));
    return report.standard_output.text + report.failure.message
           + (report.isolation.has(core::fence::network) ? "offline" : "online");
  });
  MAZE_NEEDS(was_untried(text));
  CHECK(text == "weightswrote\nnot\n1\nonline");
}
