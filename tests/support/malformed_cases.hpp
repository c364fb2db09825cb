#pragma once

#include "maze/io/workflow_file.hpp"

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace maze::test {

/// One diagnostic that a malformed workflow must give.
struct expected_diagnostic {
  std::string code;
  std::string field;
  /// Must appear in the message or in the remedy.
  std::string fragment;
  bool whole_file = false;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// One malformed workflow; the format of the files is described in tests/io/malformed/yaml_text.cases.
struct malformed_case {
  std::string name;
  std::string frame;
  std::string text;
  io::text_format format = io::text_format::yaml;
  std::vector<expected_diagnostic> expected;
};

namespace detail {

inline void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

inline void insert_bytes(std::string& text) {
  replace_all(text, "␉", "\t");
  replace_all(text, "␤", "\n");
  replace_all(text, "␀", std::string_view("\0", 1));
  constexpr std::string_view open = "⟦";
  constexpr std::string_view close = "⟧";
  for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
    const auto digits = text.substr(at + open.size(), 2);
    text.replace(at, open.size() + 2 + close.size(), 1,
                 static_cast<char>(std::stoi(digits, nullptr, 16)));
  }
}

/// Takes the marks out of the text and gives each diagnostic the place of its mark.
inline void take_marks(malformed_case& out) {
  constexpr std::string_view mark = "»";
  for (auto& one : out.expected) {
    if (one.whole_file)
      continue;
    const auto at = out.text.find(mark);
    if (at == std::string::npos)
      throw std::runtime_error("fewer marks than diagnostics: " + out.name);
    out.text.erase(at, mark.size());
    one.line = 1;
    one.column = 1;
    for (std::size_t i = 0; i < at; ++i) {
      const auto byte = static_cast<unsigned char>(out.text[i]);
      if (byte == '\n') {
        ++one.line;
        one.column = 1;
      } else if ((byte & 0xC0U) != 0x80U) {
        ++one.column;
      }
    }
  }
  if (out.text.find(mark) != std::string::npos)
    throw std::runtime_error("more marks than diagnostics: " + out.name);
}

inline void put_into_frame(malformed_case& out) {
  const bool json = out.format == io::text_format::json;
  if (out.frame == "task")
    out.text = json ? "{\"maze\": 1, \"name\": \"w\", \"tasks\": {\n" + out.text + "\n}}"
                    : "maze: 1\nname: w\ntasks:\n" + out.text;
  else if (out.frame == "top")
    out.text =
        json ? "{\"maze\": 1, \"name\": \"w\", \"tasks\": {\"a\": {\"command\": [\"ls\"], "
               "\"output\": {\"r\": \"dict\"}}},\n"
                   + out.text + "\n}"
             : "maze: 1\nname: w\ntasks: {a: {command: [ls], output: {r: dict}}}\n" + out.text;
  else if (out.frame != "file")
    throw std::runtime_error("unknown frame: " + out.frame);
}

inline void finish(malformed_case& out) {
  while (out.text.ends_with('\n'))
    out.text.pop_back();
  if (out.expected.empty())
    throw std::runtime_error("nothing is expected: " + out.name);
  put_into_frame(out);
  insert_bytes(out.text);
  take_marks(out);
}

/// `> <code> <field> | <fragment>`
inline expected_diagnostic read_expectation(std::string_view line) {
  expected_diagnostic out;
  out.whole_file = line.starts_with(">0");
  line.remove_prefix(out.whole_file ? 3 : 2);
  const auto code_end = line.find(' ');
  const auto bar = line.rfind(" | ");
  if (code_end == std::string_view::npos || bar == std::string_view::npos)
    throw std::runtime_error("no expectation: " + std::string(line));
  out.code = line.substr(0, code_end);
  out.field = line.substr(code_end + 1, bar - code_end - 1);
  if (out.field == "-")
    out.field.clear();
  out.fragment = line.substr(bar + 3);
  return out;
}

} // namespace detail

/// Reads one file of cases; throws where the file itself is wrong.
inline std::vector<malformed_case> read_malformed_cases(const std::string& path,
                                                        io::text_format format) {
  std::ifstream file(path);
  if (!file)
    throw std::runtime_error("cannot read " + path);
  std::vector<malformed_case> out;
  bool in_text = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("=== ")) {
      const auto colon = line.find(": ");
      out.push_back(
          {.name = line.substr(colon + 2), .frame = line.substr(4, colon - 4), .format = format});
      in_text = false;
    } else if (!out.empty() && !in_text && line.starts_with('>')) {
      out.back().expected.push_back(detail::read_expectation(line));
    } else if (!out.empty()) {
      in_text = true;
      out.back().text += line + "\n";
    }
  }
  for (auto& one : out)
    detail::finish(one);
  return out;
}

/// All cases of tests/io/malformed.
inline std::vector<malformed_case> all_malformed_cases() {
  const std::string folder = MAZE_SOURCE_DIR "/tests/io/malformed/";
  std::vector<malformed_case> out;
  for (const auto* name :
       {"yaml_text", "yaml_words", "yaml_keys", "yaml_tasks", "yaml_functions", "yaml_files"})
    for (auto& one : read_malformed_cases(folder + name + ".cases", io::text_format::yaml))
      out.push_back(std::move(one));
  for (auto& one : read_malformed_cases(folder + "json.cases", io::text_format::json))
    out.push_back(std::move(one));
  return out;
}

} // namespace maze::test
