#include "maze/io/workflow_file.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

/// The first byte chooses the language: `j` is JSON, anything else YAML; the rest is the workflow.
/// Whatever the text, the reader ends with a workflow or with diagnostics that have their promised form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace maze;
  if (size == 0)
    return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto format = data[0] == 'j' ? io::text_format::json : io::text_format::yaml;
  const auto workflow = io::parse_workflow(text, "w", format);
  if (workflow) {
    if (workflow->name.empty() || workflow->tasks.empty())
      std::abort();
    return 0;
  }
  const auto& told = workflow.error();
  if (told.empty() || told.size() > 100)
    std::abort();
  std::uint32_t line = 0;
  for (const auto& one : told) {
    const bool placed = one.line > 0 && one.column > 0;
    const bool whole = one.line == 0 && one.column == 0;
    if (one.code.empty() || one.message.empty() || !(placed || whole) || (placed && one.line < line)
        || to_string(one).empty())
      std::abort();
    line = placed ? one.line : line;
  }
  return 0;
}
