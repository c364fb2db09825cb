#pragma once

#include "host/libraries.hpp"
#include "host/reply_buffer.hpp"
#include "maze/core/call_frames.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace maze::host {

/// Calls functions, one at a time, and puts what came of them into a buffer.
class caller {
public:
  /// `begun` counts the calls that have begun, where it is not null; all must outlive this.
  caller(const loaded_libraries& libraries, std::uint64_t result_max, reply_buffer& replies,
         volatile std::uint64_t* begun)
      : libraries_(libraries), result_max_(result_max), replies_(replies), begun_(begun) {}

  /// The same functions, answering elsewhere.
  caller(const caller& functions, reply_buffer& replies)
      : libraries_(functions.libraries_),
        result_max_(functions.result_max_),
        replies_(replies),
        begun_(functions.begun_),
        defined_(functions.defined_),
        missing_(functions.missing_) {}

  /// A `define` message: from the first one on, calls name functions by the numbers that were defined. One that
  /// leads nowhere makes every call of its number fail.
  void define(std::uint32_t number, std::string_view definition);
  /// What the function prints has left when this returns. Ends the process where that is a copy which a function
  /// made of it.
  ///
  /// @param now  When the call before ended; the time of the end is given back.
  std::chrono::steady_clock::time_point call(const core::call_entry& what,
                                             std::string_view arguments,
                                             std::chrono::steady_clock::time_point now);

private:
  void run(const core::call_entry& what, std::string_view arguments);
  /// The function that a call names; null where there is none.
  [[nodiscard]] const callable* find(std::uint32_t number) const;

  const loaded_libraries& libraries_;
  std::uint64_t result_max_;
  reply_buffer& replies_;
  volatile std::uint64_t* begun_;
  /// By number; null: it leads nowhere.
  std::vector<const callable*> defined_;
  /// What those that lead nowhere were to be.
  std::map<std::uint32_t, std::string> missing_;
};

} // namespace maze::host
