#include "maze/io/trusted_code.hpp"

#include "maze/core/printable.hpp"
#include "maze/io/files.hpp"
#include "maze/io/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <optional>

namespace maze::io {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t sum_digits = 64;

tl::unexpected<core::error> refuse(core::errc code, const std::string& entry,
                                   std::string_view why) {
  return core::fail(code, fmt::format("trusted code '{}': {}", core::printable(entry), why),
                    "trusted_code");
}

std::optional<std::uint8_t> digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F')
    return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

/// The bytes of a sum, or nothing where `text` is none.
std::optional<std::string> sum_of(std::string_view text) {
  if (text.size() != sum_digits)
    return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit(text[i]), low = digit(text[i + 1]);
    if (!high || !low)
      return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
  }
  return out;
}

core::result<std::string> sum_of_file(const fs::path& path) {
  const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file)
    return core::fail(errno_error("open", errno));
  return sha256_file(file.get());
}

} // namespace

core::result<trusted_code> trusted_code::read(std::span<const std::string> entries) {
  trusted_code out;
  for (const std::string& each : entries)
    if (auto added = out.add(each); !added)
      return core::fail(added.error());
  return out;
}

core::result<void> trusted_code::add(const std::string& entry) {
  if (auto sum = sum_of(entry)) {
    sums_.insert(*std::move(sum));
    return {};
  }
  std::error_code failed;
  const auto kind = fs::status(entry, failed).type();
  std::vector<fs::path> files;
  if (kind == fs::file_type::regular) {
    files.emplace_back(entry);
  } else if (kind == fs::file_type::directory) {
    std::error_code unknown;
    for (fs::directory_iterator at(entry, failed), end; !failed && at != end; at.increment(failed))
      if (at->is_regular_file(unknown))
        files.push_back(at->path());
    if (failed)
      return refuse(core::errc::io_error, entry, failed.message());
  } else if (kind == fs::file_type::not_found) {
    return refuse(core::errc::invalid_argument, entry,
                  "there is no such file or folder, and it is no SHA-256 of 64 digits");
  } else {
    return refuse(core::errc::invalid_argument, entry,
                  failed ? failed.message() : "it is neither file nor folder");
  }
  for (const fs::path& file : files) {
    auto sum = sum_of_file(file);
    if (!sum)
      return refuse(sum.error().code, file.native(), sum.error().message);
    sums_.insert(*std::move(sum));
  }
  return {};
}

} // namespace maze::io
