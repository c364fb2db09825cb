#include "host/end_guard.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <pthread.h>
#include <sys/mman.h>

namespace maze::host {

namespace {

/// Handlers are given nothing but a number, so what they need stands here.
reply_buffer* guarded = nullptr;
volatile std::sig_atomic_t copied = 0;

constexpr std::array fatal{SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
constexpr std::size_t stack_size = 64 * 1024;

void flush_once() noexcept {
  reply_buffer* replies = guarded;
  guarded = nullptr;
  if (copied == 0 && replies != nullptr)
    replies->flush();
}

void on_fatal(int number) {
  flush_once();
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  ::sigaction(number, &plain, nullptr);
  // Blocked until the handler returns; then it ends the process as if there had been no handler.
  ::raise(number);
}

} // namespace

void become_host(reply_buffer& replies) noexcept {
  guarded = &replies;
  copied = 0;
}

bool is_copy() noexcept { return copied != 0; }

void guard_replies(reply_buffer& replies) {
  guarded = &replies;
  std::atexit([] { flush_once(); });
  ::pthread_atfork(nullptr, nullptr, [] { copied = 1; });
  // Of its own, as a stack that ran over has no room for a handler.
  void* memory =
      ::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) {
    const stack_t stack{.ss_sp = memory, .ss_flags = 0, .ss_size = stack_size};
    ::sigaltstack(&stack, nullptr);
  }
  for (const int number : fatal) {
    struct sigaction action {};
    action.sa_handler = on_fatal;
    action.sa_flags = SA_ONSTACK;
    ::sigaction(number, &action, nullptr);
  }
}

} // namespace maze::host
