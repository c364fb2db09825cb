// Every attack of the table is tried from inside, at both levels that promise something, as root's child with a user of its own
// and as an ordinary user's: each gets the answer that its row names, and the report card tells what stopped it.
#include "support/attack_table.hpp"

#include "support/eventually.hpp"
#include "support/sealed.hpp"
#include "support/throw_away.hpp"

#include <csignal>
#include <iostream>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

using namespace maze;
using namespace maze::sandbox;
using core::sandbox_level;
using test::sealed_fixture;
using test::under;

namespace {

constexpr const char* attacker = MAZE_BIN_DIR "/maze-attack";

/// Who tries, and what stands around it.
struct scene {
  sandbox_level level = sandbox_level::seccomp;
  bool as_root = true;
  bool network = false;
  /// Whether the node can have any.
  bool namespaces = true;
};

constexpr std::uint16_t bit_of(core::fence x) {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(x));
}
/// Whether it stands is the kernel's doing, and a row that needs it cannot be shown without.
constexpr auto landlock_bit = bit_of(core::fence::landlock);
/// The first version of Landlock that keeps signals and abstract sockets in, which is what such rows are about.
constexpr int scoping_version = 6;
constexpr const char* version_row = "version of Landlock";

std::string to_string(const scene& x) {
  return fmt::format("level {}, {}, network {}{}", core::to_string(x.level),
                     x.as_root ? "root's child" : "an ordinary user's child",
                     x.network ? "on" : "off", x.namespaces ? "" : ", without namespaces");
}

/// What came of it: by names of ways, and under `card` the bits of the fences that stood.
using outcome = std::map<std::string, std::string>;

/// At level seccomp without namespaces: Landlock says no where nothing would be there, and the filter where nobody would.
test::answer walled(const test::way& x, const test::answer& sealed) {
  const std::string_view name = x.name;
  // Names of processes are in sight.
  if (name == "see_strangers")
    return {"done", 0};
  if (name == "program_in_memory" || sealed.fences == bit_of(core::fence::network))
    return {"EPERM", bit_of(core::fence::syscalls)};
  // Says so where it reached nobody, too: that the task beside it stands is looked at.
  if (name == "kill_all")
    return {"done", landlock_bit};
  if (name == "device_times")
    return {"EPERM", bit_of(core::fence::syscalls)};
  if (sealed.fences == bit_of(core::fence::root))
    return {"EACCES ENOENT", landlock_bit};
  return sealed;
}

test::answer wanted(const test::way& x, const scene& how) {
  if (!how.namespaces)
    return walled(x, how.network && *x.networked.any_of != '\0' ? x.networked : x.sealed);
  if (how.level == sandbox_level::subprocess)
    return x.subprocess;
  return how.network && *x.networked.any_of != '\0' ? x.networked : x.sealed;
}

std::vector<const test::way*> ways(const scene& how, bool limited) {
  std::vector<const test::way*> out;
  for (const auto& row : test::attack_table())
    for (const auto& way : row.ways)
      if ((way.limit != under::nothing) == limited && *wanted(way, how).any_of != '\0')
        out.push_back(&way);
  return out;
}

launch_request attack(const sealed_fixture& node, const scene& how,
                      std::vector<std::string> names) {
  names.insert(names.begin(), attacker);
  auto out = node.sealed(std::move(names));
  out.sandbox.level = how.level;
  out.sandbox.network = how.network || !out.sandbox.sealed();
  const char* const program = std::getenv("MAZE_ATTACK_PROGRAM");
  if (program != nullptr)
    out.environment.push_back(std::string("MAZE_ATTACK_PROGRAM=") + program);
  for (const char* path : {attacker, program})
    if (out.sandbox.sealed() && path != nullptr)
      out.sandbox.readable.emplace_back(path);
  return out;
}

void set_limit(core::sandbox_spec& spec, under which) {
  switch (which) {
  case under::nothing:
    break;
  case under::memory:
    spec.memory = core::byte_count{32 << 20};
    break;
  case under::processes:
    spec.processes = 20;
    break;
  case under::open_files:
    spec.open_files = 32;
    break;
  case under::file_size:
    spec.file_size = core::byte_count{1 << 20};
    break;
  case under::cpu_time:
    spec.cpu_time = std::chrono::milliseconds(300);
    break;
  }
  spec.wall_time = std::chrono::seconds(50);
}

/// What the node can hold a tree to; nothing: all of it.
std::optional<std::string> lacks(const launcher& with, under which) {
  const auto& can = with.can();
  const bool there = which == under::memory      ? can.memory_groups
                     : which == under::processes ? can.process_groups
                     : which == under::cpu_time  ? can.cpu_time_groups
                                                 : true;
  return there ? std::nullopt : std::optional<std::string>("needs a control group");
}

std::string cause_of(const exit_report& x) {
  switch (x.cause) {
  case exit_cause::exited:
    return "exited";
  case exit_cause::memory_limit:
    return "memory_limit";
  case exit_cause::cpu_limit:
    return "cpu_limit";
  case exit_cause::wall_limit:
    return "wall_limit";
  case exit_cause::setup_failed:
    return x.failure.message;
  default:
    return fmt::format("signal {}", x.signal);
  }
}

void note_card(outcome& to, const std::string& name, const core::isolation& card) {
  to["card of " + name] = std::to_string(card.began ? card.fences | 1U << 15 : 0);
}

/// All ways that need no limit, in one child, with another task beside it.
outcome play_together(sealed_fixture& node, const scene& how) {
  // Others may be at the same elsewhere.
  const auto socket = fmt::format("maze-attack-{}", ::getpid());
  const test::abstract_listener outside(socket);
  launch_id other = 0;
  const auto beside = node.launch(attack(node, how, {"found"}), &other);
  const auto up = [&] { return std::filesystem::exists(node.taskspace / "found"); };
  if (!test::eventually(up))
    throw std::runtime_error("the task beside the attacker did not begin");
  std::vector<std::string> names;
  for (const auto* each : ways(how, false))
    names.emplace_back(each->name);
  auto request = attack(node, how, names);
  request.environment.push_back("MAZE_ATTACK_SOCKET=" + socket);
  const auto report = node.run(std::move(request));
  outcome out;
  if (report.cause != exit_cause::exited || report.exit_code != 0)
    throw std::runtime_error(fmt::format("the attacker ended: {}", cause_of(report)));
  std::istringstream lines(report.standard_output.text);
  for (std::string name, answer; lines >> name >> answer;)
    out[name] = answer;
  note_card(out, "all", report.isolation);
  node.sut->stop(other, std::chrono::milliseconds(0));
  node.wait_until([&] { return beside->has_value(); });
  out["task beside"] = (*beside)->cause == exit_cause::stopped ? "stands" : cause_of(**beside);
  return out;
}

/// Each way that is to get past a limit, in a child with that limit.
outcome play_limits(sealed_fixture& node, const scene& how) {
  outcome out;
  for (const auto* each : ways(how, true)) {
    if (const auto missing = lacks(*node.sut, each->limit)) {
      out[each->name] = "untried: " + *missing;
      continue;
    }
    auto request = attack(node, how, {each->name});
    set_limit(request.sandbox, each->limit);
    const auto report = node.run(std::move(request));
    out[each->name] = cause_of(report);
    std::istringstream line(report.standard_output.text);
    std::string name, answer;
    if (report.cause == exit_cause::exited && line >> name >> answer)
      out[each->name] = answer;
    note_card(out, each->name, report.isolation);
  }
  return out;
}

/// In a child of the test: with the user and, below level seccomp, with the throw-away machine that `how` wants.
outcome play(const scene& how, outcome (*act)(sealed_fixture&, const scene&)) {
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0777));
  const auto program = (outer / "owned").native();
  std::filesystem::copy_file(attacker, program);
  if (::chmod(program.c_str(), 06755) != 0)
    throw std::runtime_error("chmod");
  const auto text = test::told_by_child([&] {
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    ::setenv("MAZE_ATTACK_PROGRAM", program.c_str(), 1);
    if (how.level == sandbox_level::subprocess)
      test::enter_throw_away_machine(outer.path().native());
    constexpr std::uint32_t uid = 60333;
    if (!how.as_root && ::geteuid() == 0
        && (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0))
      throw std::runtime_error("another user");
    if (!how.namespaces)
      test::forbid_namespaces();
    sealed_fixture node;
    std::string out =
        std::string(version_row) + "\t" + std::to_string(node.sut->can().landlock) + "\n";
    if (!how.namespaces && node.sut->can().pid_namespaces)
      throw std::runtime_error("there are namespaces");
    if (const auto missing = test::needs_sealed(*node.sut);
        missing && how.level >= sandbox_level::seccomp)
      return "untried\t" + *missing + "\n";
    for (const auto& [name, answer] : act(node, how))
      out += name + "\t" + answer + "\n";
    return out;
  });
  outcome out;
  std::istringstream lines(text);
  for (std::string name, answer; std::getline(lines, name, '\t') && std::getline(lines, answer);)
    out[name] = answer;
  return out;
}

bool is_one_of(const std::string& answer, const std::string& any_of) {
  return (" " + any_of + " ").find(" " + answer + " ") != std::string::npos;
}

void check(const scene& how, const outcome& found, bool limited) {
  for (const auto& row : test::attack_table())
    for (const auto& way : row.ways) {
      const auto expected = wanted(way, how);
      if ((way.limit != under::nothing) != limited || *expected.any_of == '\0')
        continue;
      INFO(row.number << ": " << row.what << ": " << way.name);
      REQUIRE(found.count(way.name) == 1);
      const auto& answer = found.at(way.name);
      if (answer.starts_with("untried")) {
        std::cout << "not shown here: " << row.number << " " << way.name << ": " << answer << "\n";
        continue;
      }
      const auto card =
          std::stoul(found.at(std::string("card of ") + (limited ? way.name : "all")));
      if (expected.fences == landlock_bit && std::stoi(found.at(version_row)) < scoping_version) {
        std::cout << "not shown here: " << row.number << " " << way.name
                  << ": needs Landlock of version " << scoping_version << "\n";
        continue;
      }
      INFO("got " << answer << ", wanted one of " << expected.any_of);
      CHECK(is_one_of(answer, expected.any_of));
      CHECK((card & expected.fences) == expected.fences);
    }
}

} // namespace

TEST_CASE("no attack of the table gets through at level seccomp", "[sandbox][attacks]") {
  const scene how{sandbox_level::seccomp, GENERATE(true, false), GENERATE(false, true)};
  INFO(to_string(how));
  if (how.as_root)
    MAZE_NEEDS(test::needs_root());
  const auto found = play(how, play_together);
  MAZE_NEEDS(found.count("untried") != 0 ? std::optional(found.at("untried")) : std::nullopt);
  check(how, found, false);
  CHECK(found.at("task beside") == "stands");
}

TEST_CASE("no attack of the table gets through where Landlock stands for namespaces",
          "[sandbox][attacks]") {
  const scene how{sandbox_level::seccomp, false, GENERATE(false, true), false};
  INFO(to_string(how));
  const auto found = play(how, play_together);
  MAZE_NEEDS(found.count("untried") != 0 ? std::optional(found.at("untried")) : std::nullopt);
  check(how, found, false);
  CHECK(found.at("task beside") == "stands");
}

TEST_CASE("attacks of the table end at level subprocess as their rows say", "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_root());
  const scene how{sandbox_level::subprocess, GENERATE(true, false), true};
  INFO(to_string(how));
  const auto found = play(how, play_together);
  check(how, found, false);
  CHECK(found.at("task beside") == "stands");
}

TEST_CASE("no attack of the table gets past a limit", "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_root());
  const scene how{GENERATE(sandbox_level::subprocess, sandbox_level::seccomp), true, false};
  INFO(to_string(how));
  const auto found = play(how, play_limits);
  MAZE_NEEDS(found.count("untried") != 0 ? std::optional(found.at("untried")) : std::nullopt);
  check(how, found, true);
}

TEST_CASE("the terminal of a node is no child's", "[sandbox][attacks]") {
  const auto level = GENERATE(sandbox_level::subprocess, sandbox_level::seccomp);
  const auto text = test::told_by_child([&]() -> std::string {
    // The node has a terminal that controls its session.
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (::setsid() < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0)
      return "no terminal";
    const int terminal = ::open(::ptsname(master), O_RDWR | O_CLOEXEC);
    if (terminal < 0 || ::ioctl(terminal, TIOCSCTTY, 0) != 0 || ::open("/dev/tty", O_RDWR) < 0)
      return "no terminal";
    sealed_fixture node;
    if (level >= sandbox_level::seccomp && test::needs_sealed(*node.sut))
      return "no level";
    auto request = attack(node, {level, ::geteuid() == 0, false}, {"terminal", "tiocsti"});
    return node.run(std::move(request)).standard_output.text;
  });
  MAZE_NEEDS(text.starts_with("no ") ? std::optional(text) : std::nullopt);
  CHECK(text
        == (level == sandbox_level::seccomp ? "terminal ENOENT\ntiocsti EPERM\n"
                                            : "terminal ENXIO\ntiocsti ENOTTY\n"));
}

TEST_CASE("a sealed tree is gone when its node is", "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*test::launcher_fixture().sut));
  const test::scratch_dir outer;
  const auto mark = "MAZE_TEST_MARK=" + outer.path().native();
  const pid_t node = ::fork();
  if (node == 0) {
    sealed_fixture doomed;
    auto request = doomed.script("setsid sleep 1000 & (trap '' TERM; sleep 1000) & wait");
    request.environment.push_back(mark);
    const auto place = doomed.launch(std::move(request));
    doomed.wait_until([&] { return place->has_value(); });
    ::_exit(0);
  }
  REQUIRE(test::eventually([&] { return test::processes_with(mark).size() >= 3; }));
  const io::unique_fd guardian(
      static_cast<int>(::syscall(SYS_pidfd_open, test::children_of(node).at(0), 0)));
  ::kill(node, SIGKILL);
  ::waitpid(node, nullptr, 0);
  pollfd gone{guardian.get(), POLLIN, 0};
  REQUIRE(::poll(&gone, 1, 60000) == 1);
  CHECK(test::processes_with(mark).empty());
}

TEST_CASE_METHOD(sealed_fixture, "a child that makes maze-init its tracer ends as what it is",
                 "[sandbox][attacks]") {
  const auto level =
      GENERATE(sandbox_level::none, sandbox_level::subprocess, sandbox_level::seccomp);
  if (level >= sandbox_level::seccomp)
    MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = attack(*this, {level, ::geteuid() == 0, false}, {"tracee"});
  if (request.sandbox.sealed())
    request.sandbox.syscalls = {"@debug"};
  const auto mark = "MAZE_TEST_MARK=" + dir.path().native();
  request.environment.push_back(mark);
  const auto report = run(std::move(request));
  // It never ended by itself: a stop is no end, and nobody would ever let it go on.
  CHECK(report.cause == exit_cause::signalled);
  CHECK(report.signal == SIGKILL);
  CHECK(test::processes_with(mark).empty());
}
