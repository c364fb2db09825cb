#pragma once

#include <span>
#include <string_view>

namespace maze::io {

/// One diagnostic code of the workflow file and what it means.
struct code_meaning {
  std::string_view code;
  std::string_view meaning;
};

/// Every code that `parse_workflow` and `read_workflow` can give.
std::span<const code_meaning> workflow_codes() noexcept;

/// The codes by name; `workflow_codes()` says what each means. Programs match them, so they are never renamed.
namespace codes {
inline constexpr std::string_view file_unreadable = "file_unreadable";
inline constexpr std::string_view file_too_large = "file_too_large";
inline constexpr std::string_view not_utf8 = "not_utf8";
inline constexpr std::string_view control_character = "control_character";
inline constexpr std::string_view empty_document = "empty_document";
inline constexpr std::string_view yaml_syntax = "yaml_syntax";
inline constexpr std::string_view json_syntax = "json_syntax";
inline constexpr std::string_view tab_indentation = "tab_indentation";
inline constexpr std::string_view second_document = "second_document";
inline constexpr std::string_view anchor_refused = "anchor_refused";
inline constexpr std::string_view alias_refused = "alias_refused";
inline constexpr std::string_view tag_refused = "tag_refused";
inline constexpr std::string_view merge_key_refused = "merge_key_refused";
inline constexpr std::string_view nesting_too_deep = "nesting_too_deep";
inline constexpr std::string_view key_not_text = "key_not_text";
inline constexpr std::string_view duplicate_key = "duplicate_key";
inline constexpr std::string_view too_many_faults = "too_many_faults";
inline constexpr std::string_view ambiguous_scalar = "ambiguous_scalar";
inline constexpr std::string_view number_out_of_range = "number_out_of_range";
inline constexpr std::string_view expected_map = "expected_map";
inline constexpr std::string_view expected_list = "expected_list";
inline constexpr std::string_view expected_text = "expected_text";
inline constexpr std::string_view expected_number = "expected_number";
inline constexpr std::string_view expected_integer = "expected_integer";
inline constexpr std::string_view out_of_range = "out_of_range";
inline constexpr std::string_view nul_in_text = "nul_in_text";
inline constexpr std::string_view unknown_key = "unknown_key";
inline constexpr std::string_view missing_key = "missing_key";
inline constexpr std::string_view unsupported_version = "unsupported_version";
inline constexpr std::string_view bad_name = "bad_name";
inline constexpr std::string_view bad_variable_name = "bad_variable_name";
inline constexpr std::string_view bad_label = "bad_label";
inline constexpr std::string_view reserved_variable = "reserved_variable";
inline constexpr std::string_view bad_secret = "bad_secret";
inline constexpr std::string_view bad_path = "bad_path";
inline constexpr std::string_view bad_glob = "bad_glob";
inline constexpr std::string_view bad_pattern = "bad_pattern";
inline constexpr std::string_view unknown_choice = "unknown_choice";
inline constexpr std::string_view no_tasks = "no_tasks";
inline constexpr std::string_view task_kind_missing = "task_kind_missing";
inline constexpr std::string_view task_kind_not_single = "task_kind_not_single";
inline constexpr std::string_view key_of_other_kind = "key_of_other_kind";
inline constexpr std::string_view bad_function = "bad_function";
inline constexpr std::string_view bad_pickle = "bad_pickle";
inline constexpr std::string_view unknown_library = "unknown_library";
inline constexpr std::string_view library_unreadable = "library_unreadable";
inline constexpr std::string_view source_missing = "source_missing";
inline constexpr std::string_view image_unreadable = "image_unreadable";
inline constexpr std::string_view empty_command = "empty_command";
inline constexpr std::string_view empty_script = "empty_script";
inline constexpr std::string_view not_a_word = "not_a_word";
inline constexpr std::string_view unknown_parameter = "unknown_parameter";
inline constexpr std::string_view parameter_without_value = "parameter_without_value";
inline constexpr std::string_view output_missing = "output_missing";
inline constexpr std::string_view output_not_single = "output_not_single";
inline constexpr std::string_view unknown_type = "unknown_type";
inline constexpr std::string_view output_type_mismatch = "output_type_mismatch";
inline constexpr std::string_view type_mismatch = "type_mismatch";
inline constexpr std::string_view bad_byte_count = "bad_byte_count";
inline constexpr std::string_view bad_duration = "bad_duration";
inline constexpr std::string_view unknown_sandbox_level = "unknown_sandbox_level";
inline constexpr std::string_view bad_sandbox = "bad_sandbox";
inline constexpr std::string_view duplicate_entry = "duplicate_entry";
inline constexpr std::string_view bad_literal = "bad_literal";
inline constexpr std::string_view not_a_reference = "not_a_reference";
inline constexpr std::string_view malformed_reference = "malformed_reference";
inline constexpr std::string_view reference_in_dictionary = "reference_in_dictionary";
inline constexpr std::string_view reference_without_output = "reference_without_output";
inline constexpr std::string_view unknown_task = "unknown_task";
inline constexpr std::string_view unknown_output = "unknown_output";
inline constexpr std::string_view unknown_output_part = "unknown_output_part";
inline constexpr std::string_view self_reference = "self_reference";
inline constexpr std::string_view cycle = "cycle";
} // namespace codes

} // namespace maze::io
