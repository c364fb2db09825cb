#include "maze/sandbox/syscalls.hpp"

#include <catch2/catch.hpp>

#include <linux/filter.h>

using namespace maze;
using namespace maze::sandbox;

TEST_CASE("a policy becomes a program, the same policy the same one", "[sandbox][syscalls]") {
  const auto plain = compile_syscalls({});
  REQUIRE(plain);
  CHECK(plain->size() % sizeof(sock_filter) == 0);
  CHECK(plain->size() / sizeof(sock_filter) > 50);
  CHECK(compile_syscalls({}).value() == *plain);
  CHECK(compile_syscalls({.network = true}).value() != *plain);
  CHECK(compile_syscalls({.more = {"@ipc"}}).value() != *plain);
  CHECK(compile_syscalls({.told = true}).value() != *plain);
  // What is allowed anyway may be asked for.
  CHECK(compile_syscalls({.more = {"read", "0"}}).value() == *plain);
}

TEST_CASE("names and numbers of system calls that there are not are refused with a hint",
          "[sandbox][syscalls]") {
  const auto why = [](std::string word) {
    const auto checked = check_syscalls({"read", std::move(word)});
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == core::errc::invalid_argument);
    return checked.error().message;
  };
  CHECK(why("ptrase").find("did you mean `ptrace`") != std::string::npos);
  CHECK(why("@ipcs").find("`@ipc`") != std::string::npos);
  CHECK(why("100000").find("has the number 100000") != std::string::npos);
  CHECK(why("99999999999999999999").find("has the number") != std::string::npos);
  CHECK(why("").find("''") != std::string::npos);
  CHECK(check_syscalls({"ptrace", "@debug", "101"}));
  for (const auto& [name, members] : syscall_sets())
    CHECK(check_syscalls({std::string(name)}));
}

TEST_CASE("some calls are allowed with some arguments alone", "[sandbox][syscalls]") {
  CHECK(is_allowed_in_part("socket"));
  CHECK(is_allowed_in_part("ioctl"));
  CHECK_FALSE(is_allowed_in_part("unshare"));
  CHECK_FALSE(is_allowed_in_part("read"));
}

TEST_CASE("calls are called as the machine does, or by their number", "[sandbox][syscalls]") {
  CHECK(check_syscalls({syscall_name(0)}));
  CHECK(syscall_name(1900) == "1900");
  CHECK(syscall_name(-5) == "-5");
}

TEST_CASE("a policy is compiled once", "[sandbox][syscalls]") {
  syscall_filters sut;
  const auto first = sut.get({});
  REQUIRE(first);
  CHECK(sut.get({}).value() == *first);
  CHECK(sut.get({.network = true}).value() != *first);
  CHECK_FALSE(sut.get({.more = {"nonsense"}}));
}
