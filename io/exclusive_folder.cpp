#include "maze/io/exclusive_folder.hpp"

#include "maze/io/folders.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <random>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace maze::io {

namespace {

constexpr std::size_t random_length = 6;

std::string random_name(const std::string& prefix) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device draw;
  std::string out = prefix + '-';
  for (std::size_t i = 0; i < random_length; ++i)
    out += alphabet[draw() % alphabet.size()];
  return out;
}

/// A descriptor of its own for the same folder: locks belong to what was opened, not to who did.
core::result<unique_fd> open_again(int folder) { return open_folder(folder, "."); }

/// Whoever makes or removes a folder of this kind holds the one above locked.
core::result<unique_fd> enter_gate(int parent) {
  auto gate = open_again(parent);
  while (gate && ::flock(gate->get(), LOCK_EX) != 0)
    if (errno != EINTR)
      return core::fail(errno_error("lock of a folder", errno));
  return gate;
}

/// What cannot be looked at or removed stays for the next one.
void remove_abandoned(int parent, const std::string& prefix) {
  const auto names = names_in(parent);
  if (!names)
    return;
  for (const std::string& name : *names) {
    if (!name.starts_with(prefix + '-') || name.size() != prefix.size() + 1 + random_length)
      continue;
    const auto folder = open_folder(parent, name);
    if (folder && ::flock(folder->get(), LOCK_EX | LOCK_NB) == 0)
      static_cast<void>(remove_tree(parent, name));
  }
}

} // namespace

exclusive_folder::exclusive_folder(exclusive_folder&& other) noexcept
    : parent_(std::move(other.parent_)),
      folder_(std::move(other.folder_)),
      name_(std::exchange(other.name_, {})) {}

exclusive_folder& exclusive_folder::operator=(exclusive_folder&& other) noexcept {
  std::swap(parent_, other.parent_);
  std::swap(folder_, other.folder_);
  std::swap(name_, other.name_);
  return *this;
}

exclusive_folder::~exclusive_folder() {
  if (folder_)
    static_cast<void>(remove_tree(parent_.get(), name_));
}

core::result<exclusive_folder> exclusive_folder::make(int parent, const std::string& prefix) {
  const auto gate = enter_gate(parent);
  if (!gate)
    return core::fail(gate.error());
  remove_abandoned(parent, prefix);
  exclusive_folder out;
  std::string name = random_name(prefix);
  while (::mkdirat(parent, name.c_str(), 0700) != 0) {
    if (errno != EEXIST)
      return core::fail(errno_error(fmt::format("mkdir {}", name), errno));
    name = random_name(prefix);
  }
  auto folder = open_folder(parent, name);
  auto above = open_again(parent);
  if (!folder || !above)
    return core::fail(folder ? above.error() : folder.error());
  if (::flock(folder->get(), LOCK_EX | LOCK_NB) != 0)
    return core::fail(errno_error(fmt::format("lock of {}", name), errno));
  out.folder_ = std::move(*folder);
  out.parent_ = std::move(*above);
  out.name_ = std::move(name);
  return out;
}

} // namespace maze::io
