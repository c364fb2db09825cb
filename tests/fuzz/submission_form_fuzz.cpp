#include "maze/core/submission_form.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Foreign bytes are refused, or are exactly the bytes that the decoded submission encodes to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto form = maze::core::decode_submission(bytes);
  if (form && maze::core::encode_submission(*form) != bytes)
    std::abort();
  return 0;
}
