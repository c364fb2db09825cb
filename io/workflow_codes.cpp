#include "maze/io/workflow_codes.hpp"

#include <array>

namespace maze::io {

namespace {

constexpr auto meanings = std::to_array<code_meaning>({
    {codes::file_unreadable, "the file could not be read"},
    {codes::file_too_large, "the file is larger than 16 MiB"},
    {codes::not_utf8, "the text is not UTF-8"},
    {codes::control_character, "a control character stands in the text"},
    {codes::empty_document, "the file holds nothing"},
    {codes::yaml_syntax, "the text is not YAML"},
    {codes::json_syntax, "the text is not JSON"},
    {codes::tab_indentation, "a line is indented with a tab"},
    {codes::second_document, "a second YAML document follows"},
    {codes::anchor_refused, "a YAML anchor"},
    {codes::alias_refused, "a YAML alias, often a glob without quotes"},
    {codes::tag_refused, "a YAML tag"},
    {codes::merge_key_refused, "the YAML merge key <<"},
    {codes::nesting_too_deep, "maps and lists lie too deep inside each other"},
    {codes::key_not_text, "a key is a list, a map or absent"},
    {codes::duplicate_key, "a key stands twice in one map"},
    {codes::too_many_faults, "more faults than are shown"},
    {codes::ambiguous_scalar, "a bare word that YAML readers understand differently"},
    {codes::number_out_of_range, "a number does not fit 64 bits"},
    {codes::expected_map, "something else stands where a map belongs"},
    {codes::expected_list, "something else stands where a list belongs"},
    {codes::expected_text, "something else stands where text belongs"},
    {codes::expected_number, "something else stands where a number belongs"},
    {codes::expected_integer, "something else stands where a whole number belongs"},
    {codes::out_of_range, "a number is outside its bounds"},
    {codes::nul_in_text, "a NUL character in text that a process gets"},
    {codes::unknown_key, "a key that has no meaning here"},
    {codes::unsupported_key, "a key that this version cannot act on"},
    {codes::missing_key, "a required key is absent"},
    {codes::unsupported_version, "a version of the format that this program does not read"},
    {codes::bad_name, "a name with characters that names may not have"},
    {codes::bad_variable_name, "no possible name of an environment variable"},
    {codes::reserved_variable, "a variable that maze itself sets for the task"},
    {codes::bad_secret, "a secret that is not {secret: env:NAME}"},
    {codes::bad_path, "a path that is empty, absolute or leaves the taskspace"},
    {codes::bad_glob, "a pattern that is empty, absolute or leaves the taskspace"},
    {codes::bad_pattern, "a pattern of sync that could not fit anything"},
    {codes::unknown_choice, "another word stands where one of a few belongs"},
    {codes::no_tasks, "the workflow has no task"},
    {codes::task_kind_missing, "a task says neither command nor shell"},
    {codes::task_kind_not_single, "a task says more than one thing to run"},
    {codes::unsupported_task_type, "a kind of task that this version cannot run"},
    {codes::empty_command, "a command without a program"},
    {codes::empty_script, "a shell script without text"},
    {codes::not_a_word, "something that cannot be one word of a command"},
    {codes::unknown_parameter, "a command names a parameter that its task does not have"},
    {codes::parameter_without_value,
     "a parameter that neither inputs, context nor default give a value"},
    {codes::output_missing, "a task without an output"},
    {codes::output_not_single, "more than one output without `outputs: many`"},
    {codes::unknown_type, "no type of values has this name"},
    {codes::output_type_mismatch, "an output type that this kind of task cannot have"},
    {codes::type_mismatch, "a value that is not of its parameter's type"},
    {codes::bad_byte_count, "a size that cannot be read"},
    {codes::bad_duration, "a duration that cannot be read"},
    {codes::unknown_sandbox_level, "no sandbox level has this name"},
    {codes::duplicate_entry, "a list names one thing twice"},
    {codes::bad_literal, "the key literal beside other keys"},
    {codes::not_a_reference, "something else stands where a reference belongs"},
    {codes::malformed_reference, "text that starts as a reference and does not go on as one"},
    {codes::reference_in_dictionary,
     "a reference inside a dictionary, where it would not be followed"},
    {codes::reference_without_output, "text that would be a reference if it said .output"},
    {codes::unknown_task, "no task has this name"},
    {codes::unknown_output, "the task does not declare this output"},
    {codes::unknown_output_part, "a command's output has no such part"},
    {codes::self_reference, "a task that waits for itself"},
    {codes::cycle, "tasks that wait for each other"},
});

} // namespace

std::span<const code_meaning> workflow_codes() noexcept { return meanings; }

} // namespace maze::io
