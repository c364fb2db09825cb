#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace maze::test {

/// A tar header of 512 bytes, as ustar has it.
/// Source: POSIX.1-2017, pax, "ustar Interchange Format".
struct tar_entry {
  std::string name;
  char type = '0';
  std::string content;
  std::string target;
  /// Instead of the content's length.
  std::optional<std::uint64_t> size;
  unsigned mode = 0644;
};

/// A tar archive of these entries, as they are.
inline std::string tar_of(const std::vector<tar_entry>& entries) {
  std::string out;
  for (const auto& one : entries) {
    std::array<char, 512> header{};
    const auto text = [&](std::size_t at, const std::string& value) {
      std::memcpy(header.data() + at, value.data(), value.size());
    };
    const auto octal = [&](std::size_t at, int digits, std::uint64_t value) {
      std::array<char, 24> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "%0*llo", digits,
                    static_cast<unsigned long long>(value));
      text(at, buffer.data());
    };
    text(0, one.name);
    octal(100, 7, one.mode);
    octal(108, 7, 0);
    octal(116, 7, 0);
    octal(124, 11, one.size.value_or(one.content.size()));
    octal(136, 11, 0);
    text(148, "        ");
    header[156] = one.type;
    text(157, one.target);
    text(257, std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (const char byte : header)
      sum += static_cast<unsigned char>(byte);
    octal(148, 6, sum);
    out.append(header.data(), header.size());
    out += one.content + std::string((512 - one.content.size() % 512) % 512, '\0');
  }
  return out + std::string(1024, '\0');
}

} // namespace maze::test
