#pragma once

#include <cstddef>
#include <cstdint>

/// What a task library and the program that loads it know of each other: plain C, described in
/// tools/host/README.md. No C++ type and no exception crosses it, so both may come from different compilers.
namespace maze::core {

/// `MAZETASK`, the first byte lowest.
inline constexpr std::uint64_t library_magic = 0x4b534154455a414dULL;
/// Changes when a library of before could no longer be called. Fields may be added at the end without.
inline constexpr std::uint32_t library_abi_version = 2;
/// The one symbol that a task library exports.
inline constexpr const char* library_symbol = "maze_task_library";

extern "C" {

/// One call, made by the program.
struct library_call {
  /// Of this struct.
  std::uint32_t size;
  /// The function's position in the library's description.
  std::uint32_t function;
  /// Encoded arguments, good until the call returns.
  const char* arguments;
  std::size_t arguments_size;
  /// Bytes that the encoded result may take.
  std::uint64_t result_max;
  void* context;
  /// Called once, before the call returns: `outcome` and the bytes as in a message of replies, good until it
  /// returns.
  void (*take)(void* context, std::uint32_t outcome, const char* bytes, std::size_t size);
};

/// What the library says of itself; lives as long as the library is loaded.
struct library_table {
  std::uint64_t magic;
  std::uint32_t abi_version;
  /// Of this struct.
  std::uint32_t size;
  /// The compiler that made it, ending in NUL.
  const char* build;
  /// An encoded `library_set` of one library.
  const char* description;
  std::size_t description_size;
  /// Why it cannot be used, ending in NUL; null where it can.
  const char* fault;
  std::uint32_t functions;
  std::uint32_t reserved;
  /// Gives back 0; 1 where there is no such function, and then `take` was not called.
  std::int32_t (*call)(const library_call* what);
};

/// The type of `maze_task_library`.
using library_entry = const library_table*();
}

} // namespace maze::core
