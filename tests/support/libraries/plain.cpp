// A library that does what libraries are for.
#include "maze/core/task.hpp"

#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace {

std::map<std::string, std::int64_t> count(std::string_view text, std::int64_t least) {
  std::map<std::string, std::int64_t> words;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at)
      ++words[std::string(text.substr(at, end - at))];
    at = end + 1;
  }
  std::erase_if(words, [least](const auto& each) { return each.second < least; });
  return words;
}

std::int64_t add(std::int64_t a, std::int64_t b) { return a + b; }

/// Takes a while: some 5 ns a round.
std::int64_t grind(std::int64_t x, std::int64_t rounds) {
  for (; rounds > 0; --rounds)
    x = (x * 31 + 7) % 1'000'003;
  return x;
}

void nothing() {}

int fail(const std::string& why) { throw std::out_of_range(why); }

/// Prints what could be taken for a message.
std::string print(const std::string& text) {
  std::cout << text << "MZC1" << std::endl;
  std::cerr << text;
  return text;
}

maze::core::bytes large(std::uint64_t size) { return maze::core::bytes(size); }

maze::core::value echo(maze::core::value x) { return x; }

std::string broken_text() { return "\xff"; }

std::vector<std::map<std::string, std::string>> broken_inside() { return {{}, {{"key", "\xff"}}}; }

} // namespace

MAZE_TASK_LIBRARY("plain", "1.2")
MAZE_TASK(count, "Counts the words of a text.", maze::arg("text"), maze::arg("least") = 1)
MAZE_TASK(add, "The sum.", maze::arg("a"), maze::arg("b") = 10,
          maze::core::resources{.cpu_millis = 2000})
MAZE_TASK(grind, "A number that takes long to find.", maze::arg("x"), maze::arg("rounds"))
MAZE_TASK(nothing, "Does nothing.")
MAZE_TASK(fail, "Throws.", maze::arg("why"))
MAZE_TASK(print, "Prints.", maze::arg("text"))
MAZE_TASK(large, "Zeroes.", maze::arg("size"))
MAZE_TASK(echo, "The same.", maze::arg("x"))
MAZE_TASK(broken_text, "No UTF-8.")
MAZE_TASK(broken_inside, "No UTF-8 inside.")

static const auto half = maze::add_task(
    "half", [](double x) { return x / 2; }, "Half of it.", maze::arg("x"));
