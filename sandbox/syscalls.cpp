#include "maze/sandbox/syscalls.hpp"

#include "maze/core/suggestion.hpp"
#include "maze/io/memory_file.hpp"
#include "maze/sandbox/syscall_lists.hpp"

#include <fmt/format.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <optional>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::sandbox {

namespace {

using core::errc;

constexpr std::string_view origin = "sandbox";

struct release_filter {
  void operator()(void* x) const noexcept { ::seccomp_release(x); }
};
using filter_context = std::unique_ptr<void, release_filter>;

core::error libseccomp_error(std::string_view what, int code) {
  return {.code = errc::io_error,
          .message = fmt::format("the system-call filter cannot be made: {}: {}", what,
                                 std::strerror(-code)),
          .origin = std::string(origin)};
}

/// The highest number that libseccomp has a name for on this machine.
int newest_known() {
  static const int newest = [] {
    int found = 0;
    for (int number = 0; number < 1024; ++number)
      if (char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number)) {
        found = number;
        std::free(name);
      }
    return found;
  }();
  return newest;
}

/// Nothing for names of other machines.
std::optional<int> number_of(std::string_view name) {
  const int number = ::seccomp_syscall_resolve_name(std::string(name).c_str());
  return number < 0 ? std::nullopt : std::optional(number);
}

std::optional<int> parse_number(std::string_view text) {
  int out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc() || end != text.data() + text.size() || out < 0 || out > newest_known())
    return std::nullopt;
  return out;
}

/// Every name that may be written, for a hint.
std::vector<std::string> all_names() {
  std::vector<std::string> out;
  for (const auto& [name, members] : syscall_sets())
    out.emplace_back(name);
  for (int number = 0; number <= newest_known(); ++number)
    if (char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number)) {
      out.emplace_back(name);
      std::free(name);
    }
  return out;
}

core::result<std::vector<int>> numbers_of(const std::string& word) {
  if (const auto set = syscall_sets().find(word); set != syscall_sets().end()) {
    std::vector<int> out;
    for (const std::string_view name : set->second)
      if (const auto number = number_of(name))
        out.push_back(*number);
    return out;
  }
  if (!word.empty() && word.front() >= '0' && word.front() <= '9') {
    if (const auto number = parse_number(word))
      return std::vector{*number};
    return core::fail(
        errc::invalid_argument,
        fmt::format("no system call has the number {}: the last one is {}", word, newest_known()),
        std::string(origin));
  }
  if (const auto number = number_of(word))
    return std::vector{*number};
  const auto names = all_names();
  const std::vector<std::string_view> known(names.begin(), names.end());
  return core::fail(errc::invalid_argument,
                    fmt::format("there is no system call '{}' on this machine; {}", word,
                                core::did_you_mean(word, known, "sets are @ipc, @numa …")),
                    std::string(origin));
}

/// Rules are added one by one; the first failure stays.
class filter_builder {
public:
  filter_builder(std::uint32_t refusal, std::uint32_t foreign) : context_(::seccomp_init(refusal)) {
    if (!context_) {
      note("seccomp_init", -ENOMEM);
      return;
    }
    note("bad architecture", ::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, foreign));
    // A binary tree: half as long for the calls that are made most, and no worse for the others.
    note("optimise", ::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }

  void allow(std::string_view name) {
    if (const auto number = number_of(name))
      allow_number(*number);
  }
  void allow_number(int number) { rule(SCMP_ACT_ALLOW, number, {}); }
  void answer(std::string_view name, int error_number) {
    if (const auto number = number_of(name))
      rule(SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error_number)), *number, {});
  }
  /// Allowed where argument `index`, seen through `mask`, is one of `values`.
  void allow_if(std::string_view name, unsigned index, std::uint64_t mask,
                std::span<const std::uint64_t> values) {
    rules_if(SCMP_ACT_ALLOW, name, index, mask, values);
  }
  /// Fails with EPERM there.
  void refuse_if(std::string_view name, unsigned index, std::uint64_t mask,
                 std::span<const std::uint64_t> values) {
    rules_if(SCMP_ACT_ERRNO(EPERM), name, index, mask, values);
  }
  /// Allowed where all of `wanted` is so.
  void allow_if_all(std::string_view name, std::span<const scmp_arg_cmp> wanted) {
    if (const auto number = number_of(name))
      rule(SCMP_ACT_ALLOW, *number, wanted);
  }

  core::result<std::string> program() {
    if (failed_)
      return core::fail(*failed_);
    auto file = io::make_memory_file("maze-filter");
    if (!file)
      return core::fail(file.error());
    note("export", ::seccomp_export_bpf(context_.get(), file->get()));
    if (failed_)
      return core::fail(*failed_);
    return io::read_all(file->get(), std::uint64_t{BPF_MAXINSNS} * sizeof(sock_filter));
  }

private:
  void rules_if(std::uint32_t action, std::string_view name, unsigned index, std::uint64_t mask,
                std::span<const std::uint64_t> values) {
    const auto number = number_of(name);
    for (const std::uint64_t value : values)
      if (number) {
        const scmp_arg_cmp wanted{index, SCMP_CMP_MASKED_EQ, mask, value};
        rule(action, *number, {&wanted, 1});
      }
  }
  void rule(std::uint32_t action, int number, std::span<const scmp_arg_cmp> wanted) {
    const int code = ::seccomp_rule_add_array(context_.get(), action, number,
                                              static_cast<unsigned>(wanted.size()), wanted.data());
    // What is allowed anyway may be asked for once more, and what would be refused in any case refused.
    if (code != -EEXIST && code != -EACCES)
      note(fmt::format("call {}", number), code);
  }
  void note(std::string_view what, int code) {
    if (code < 0 && !failed_)
      failed_ = libseccomp_error(what, code);
  }

  filter_context context_;
  std::optional<core::error> failed_;
};

/// Answers ENOSYS to numbers beyond `newest` before the program is asked: an older filter must not tell a newer program
/// that it may not do what it only wants to try.
std::string with_unknown_answered(const std::string& program, std::uint32_t arch,
                                  std::uint32_t newest) {
  constexpr std::uint32_t x32_bit = 0x40000000;
  const std::array<sock_filter, 6> head{{
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, arch)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, arch},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JGE | BPF_K, 2, 0, x32_bit},
      {BPF_JMP | BPF_JGT | BPF_K, 0, 1, newest},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
  }};
  std::string out(sizeof head, '\0');
  std::memcpy(out.data(), head.data(), sizeof head);
  return out + program;
}

bool is_in(std::span<const std::string_view> list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Whether the call is allowed whatever its arguments.
bool is_allowed(std::string_view name, const syscall_policy& policy) {
  if (!policy.walled)
    return true;
  return !is_in(syscall_lists::beyond_landlock, name)
         && (policy.own_user || !is_in(syscall_lists::of_file_status, name));
}

/// Of itself alone, and pairs of sockets that can be connected to nobody else.
void allow_within_walls(filter_builder& to) {
  constexpr std::uint64_t word = 0xffffffff;
  constexpr std::uint64_t none = 0;
  to.allow_if_all("setpriority", std::array{scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, word, none},
                                            scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, word, none}});
  to.allow_if("sched_setaffinity", 0, word, {&none, 1});
  constexpr std::uint64_t type = 0xf;
  constexpr std::array<std::uint64_t, 2> connected{SOCK_STREAM, SOCK_SEQPACKET};
  to.allow_if("socketpair", 1, type, connected);
}

/// What namespaces would make harmless fails, whatever else is said: it is no violation elsewhere.
void refuse_beyond_walls(filter_builder& to, const syscall_policy& policy) {
  constexpr std::uint64_t word = 0xffffffff;
  to.refuse_if("socket", 0, word, syscall_lists::local_families);
  to.answer("inotify_add_watch", EPERM);
  if (!policy.own_user)
    for (const std::string_view name : syscall_lists::of_file_status)
      to.answer(name, EPERM);
}

void allow_by_arguments(filter_builder& to, const syscall_policy& policy) {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  // The kernel looks at 32 bits of these, so what lies above must not make a difference.
  constexpr std::uint64_t word = 0xffffffff;
  constexpr std::uint64_t none = 0;
  to.allow_if("clone", 0, syscall_lists::refused_clone_flags, {&none, 1});
  to.answer("clone3", ENOSYS);
  if (policy.walled) {
    allow_within_walls(to);
    refuse_beyond_walls(to, policy);
  } else {
    to.allow_if("socket", 0, word, syscall_lists::local_families);
  }
  if (policy.network) {
    to.allow_if("socket", 0, word, syscall_lists::internet_families);
    to.allow_if_all("socket", std::array{scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, word, AF_NETLINK},
                                         scmp_arg_cmp{2, SCMP_CMP_MASKED_EQ, word, NETLINK_ROUTE}});
  }
  // No limit of memory counts huge pages.
  to.allow_if("mmap", 3, MAP_HUGETLB, {&none, 1});
  to.allow_if("memfd_create", 1, MFD_HUGETLB, {&none, 1});
  // Of itself, which is what programs do that lower their limits before they start others.
  to.allow_if("prlimit64", 0, word, {&none, 1});
  to.allow_if("mknod", 1, S_IFMT, syscall_lists::node_types);
  to.allow_if("mknodat", 2, S_IFMT, syscall_lists::node_types);
  to.allow_if("ioctl", 1, word, syscall_lists::ioctls);
  if (policy.gpus) {
    // Of the driver's own type, whatever their size; of unified memory small numbers without a type, and two beyond.
    to.allow_if("ioctl", 1, 0xff00, syscall_lists::gpu_types);
    to.allow_if("ioctl", 1, 0xffffff00, {&none, 1});
    to.allow_if("ioctl", 1, word, syscall_lists::unified_memory);
  }
  to.allow_if("prctl", 0, word, syscall_lists::prctls);
  to.allow_if("personality", 0, all, syscall_lists::personalities);
}

} // namespace

bool is_allowed_in_part(std::string_view name) {
  constexpr std::array<std::string_view, 13> names{
      "clone",        "socket",    "setpriority", "sched_setaffinity", "socketpair", "mmap",
      "memfd_create", "prlimit64", "mknod",       "mknodat",           "ioctl",      "prctl",
      "personality"};
  return is_in(names, name);
}

core::result<void> check_syscalls(const std::vector<std::string>& more) {
  for (const std::string& word : more)
    if (auto numbers = numbers_of(word); !numbers)
      return core::fail(numbers.error());
  return {};
}

std::string syscall_name(int number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), &std::free);
  return name ? std::string(name.get()) : std::to_string(number);
}

core::result<std::string> compile_syscalls(const syscall_policy& policy) {
  const std::uint32_t arch = ::seccomp_arch_native();
  // clone has its flags elsewhere on some others.
  if (arch != SCMP_ARCH_X86_64 && arch != SCMP_ARCH_AARCH64)
    return core::fail(errc::unsupported_operation,
                      "there is no list of system calls for this processor: x86_64 and aarch64 "
                      "have one",
                      std::string(origin));
  filter_builder builder(policy.told ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EPERM),
                         policy.told ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS);
  // First: what is allowed whatever its arguments needs no rule about them.
  for (const std::string& word : policy.more) {
    auto numbers = numbers_of(word);
    if (!numbers)
      return core::fail(numbers.error());
    for (const int number : *numbers)
      builder.allow_number(number);
  }
  for (const std::string_view name : syscall_lists::ordinary)
    if (is_allowed(name, policy))
      builder.allow(name);
  allow_by_arguments(builder, policy);
  auto program = builder.program();
  if (!program)
    return core::fail(program.error());
  return with_unknown_answered(*program, arch, static_cast<std::uint32_t>(newest_known()));
}

core::result<std::shared_ptr<const io::unique_fd>>
syscall_filters::get(const syscall_policy& policy) {
  const std::lock_guard lock(mutex_);
  if (const auto found = made_.find(policy); found != made_.end())
    return found->second;
  const auto program = compile_syscalls(policy);
  if (!program)
    return core::fail(program.error());
  auto file = io::make_sealed_file("maze-filter", *program);
  if (!file)
    return core::fail(file.error());
  auto out = std::make_shared<const io::unique_fd>(std::move(*file));
  if (made_.size() < kept_max)
    made_.emplace(policy, out);
  return out;
}

} // namespace maze::sandbox
