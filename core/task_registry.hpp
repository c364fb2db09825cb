#pragma once

#include "maze/core/call_frames.hpp"
#include "maze/core/library.hpp"
#include "maze/core/misfit.hpp"
#include "maze/core/value_source.hpp"
#include "maze/core/value_target.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// The arguments of one call, given by position or by name.
class task_arguments {
public:
  /// `defaults` are encoded values in the order of the parameters, empty where there is none. Throws `misfit` for
  /// what is neither list nor dictionary, for too many, for unknown names and for missing ones. Refers to
  /// all it was given.
  task_arguments(const function_signature& function, const std::vector<std::string>& defaults,
                 std::string_view encoded);

  /// Where to read the argument for the parameter `index`; asked for in the order of the parameters, and read whole
  /// before the next.
  value_source& next(std::size_t index);
  /// Throws unless everything was read.
  void finish();
  /// Throws `x` again, as what is wrong with this parameter.
  [[noreturn]] void refuse(std::size_t index, const misfit& x) const;

private:
  void take_names();

  const function_signature& function_;
  const std::vector<std::string>& defaults_;
  value_source given_;
  /// How many are given by position.
  std::size_t by_position_ = 0;
  /// Encoded arguments by parameter, where they are given by name.
  std::vector<std::string_view> by_name_;
  std::optional<value_source> single_;
};

/// How far a call has come: faults on the way mean different things.
enum class call_phase : std::uint8_t { arguments, function, result };

/// One call as the code made for a function sees it.
struct task_call {
  /// Throws as `task_arguments` does.
  task_call(const function_signature& called, const std::vector<std::string>& defaults,
            std::string_view encoded, std::uint64_t result_max)
      : function(called),
        arguments(called, defaults, encoded),
        result(value_limits{.size_max = result_max}) {}

  const function_signature& function;
  task_arguments arguments;
  value_target result;
  call_phase phase = call_phase::arguments;
};

/// A function that tasks may call.
struct task_definition {
  function_signature signature;
  /// As `task_arguments` takes them.
  std::vector<std::string> defaults;
  /// Reads the arguments, calls the function, writes its result; throws what it throws, and `misfit`.
  std::function<void(task_call&)> run;
};

/// The functions of one task library.
///
/// @note Not thread-safe; `call` may run in one thread at a time.
class task_registry {
public:
  /// What the library calls itself.
  void name(std::string name, std::string version);
  /// Functions are kept in the order of their names. One whose name is taken goes before that which had it, with a warning
  /// in the description. A name that no task can use is kept as a fault, as nobody could catch an exception where functions
  /// are registered.
  void add(task_definition x);
  /// Keeps the first fault of the registration.
  void refuse(std::string fault);

  /// Fails with `invalid_argument` where something registered was wrong.
  [[nodiscard]] result<library_description> describe(std::string compiler) const;
  [[nodiscard]] std::size_t size() const noexcept { return functions_.size(); }

  /// Calls a function and hands out what came of it, once. Nothing that the function throws gets out: it becomes a
  /// `user_exception`; arguments and results that do not fit become `invalid_payload` or `limit_exceeded`.
  /// @pre function < size()
  void call(std::uint32_t function, std::string_view arguments, std::uint64_t result_max,
            void (*take)(void* context, call_outcome outcome, std::string_view payload),
            void* context) const;

private:
  [[nodiscard]] std::string origin_of(const function_signature& x) const;

  std::string name_;
  std::string version_;
  std::vector<std::unique_ptr<const task_definition>> functions_;
  std::vector<std::string> warnings_;
  std::optional<std::string> fault_;
};

/// The functions of the program or shared object that this is linked into.
task_registry& tasks_of_this_library();

} // namespace maze::core
