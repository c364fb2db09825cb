#include "maze/actors/warm_child.hpp"

#include "maze/io/memory_file.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <sys/mman.h>

namespace maze::actors {

namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t begun_word = 0;
constexpr std::size_t memory_word = 1;
constexpr std::size_t token_word = 2;

} // namespace

void warm_calls::unmap::operator()(volatile std::uint64_t* page) const noexcept {
  ::munmap(const_cast<std::uint64_t*>(page), page_size);
}

core::result<warm_calls> warm_calls::make() {
  auto file = io::make_fixed_file("maze-progress", page_size);
  if (!file)
    return core::fail(file.error());
  void* memory = ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
  if (memory == MAP_FAILED)
    return core::fail(io::errno_error("map a file in memory", errno));
  warm_calls out;
  out.words_.reset(static_cast<volatile std::uint64_t*>(memory));
  std::random_device random;
  out.token_ = std::uint64_t{random()} << 32 | random();
  out.words_.get()[token_word] = out.token_;
  out.page_ = std::make_shared<const io::unique_fd>(std::move(*file));
  return out;
}

core::result<void> warm_calls::sent(std::string_view message) {
  const auto view = core::call_message_view::of(message);
  if (!view)
    return core::fail(view.error());
  if (view->header().kind != core::call_kind::calls)
    return core::fail(core::errc::malformed, "a message for a child that has no calls in it",
                      "calls");
  for (std::size_t i = 0; i < view->size(); ++i)
    numbers_.push_back(static_cast<std::uint32_t>(view->entry(i).number));
  return {};
}

core::result<void> warm_calls::answered(const core::call_message_view& replies) {
  const auto wrong = [] {
    return core::fail(
        core::errc::worker_crash,
        "the child answered what it was not asked: a function wrote to a descriptor that "
        "it had not opened",
        "execute");
  };
  if (replies.size() == 0 || replies.size() > numbers_.size())
    return wrong();
  for (std::size_t i = 0; i < replies.size(); ++i)
    if (replies.entry(i).number != numbers_[i])
      return wrong();
  numbers_.erase(numbers_.begin(), numbers_.begin() + static_cast<std::ptrdiff_t>(replies.size()));
  answered_ += replies.size();
  return {};
}

std::uint64_t warm_calls::memory() const noexcept { return words_.get()[memory_word]; }

bool warm_calls::is_open(std::uint32_t number) const noexcept {
  return std::find(numbers_.begin(), numbers_.end(), number) != numbers_.end();
}

std::optional<std::uint32_t> warm_calls::culprit() const noexcept {
  // The child may write what it likes there.
  const std::uint64_t begun = words_.get()[begun_word];
  if (begun <= answered_ || begun - answered_ > numbers_.size())
    return std::nullopt;
  return numbers_[begun - answered_ - 1];
}

} // namespace maze::actors
