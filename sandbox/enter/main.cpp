// maze-enter: the first process of a container. It reads from its standard input how the task begins, begins it, and ends
// everything when the task has ended or when nobody holds the other end of its standard input any more: then the node is gone,
// or has given the task up.
//
// maze-enter stay LINE TEMPORARY FOLDER [SHOWN...]: the first process of a container that serves one task after the other.
// maze-enter at SOCKET [stay …]: the same where the engine hands no descriptor on; they come from the socket.
// maze-enter door FOLDER COUNT PROGRAM...: on the node, begins the program of such an engine, and hands them to its container.
// maze-enter pass LINE REPORT INPUT UID GID own|none: on the node, the stand-in for a task in such a container.

#include "maze/sandbox/enter/door.hpp"
#include "maze/sandbox/enter/pass.hpp"
#include "maze/sandbox/enter/stay.hpp"
#include "maze/sandbox/enter/supervise.hpp"

#include <charconv>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using namespace maze::sandbox::enter;

int wrong(std::string_view text) {
  static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()));
  return cannot_begin;
}

template <class T>
T number(std::string_view text) {
  T out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() == 7 && words[0] == "pass")
    return pass({.uid = number<unsigned>(words[4]),
                 .gid = number<unsigned>(words[5]),
                 .folder = words[6] == "own",
                 .line = number<int>(words[1]),
                 .report = number<int>(words[2]),
                 .input = number<int>(words[3])});
  if (words.size() >= 4 && words[0] == "door")
    return hand_over(argv[2], number<int>(words[2]), argv + 4);
  if (::getpid() != 1)
    return wrong("maze-enter is the first process of a container\n");
  if (words.size() >= 2 && words[0] == "at") {
    if (!take_over(argv[2]))
      return wrong("maze-enter: nobody is at the door\n");
    argv += 2;
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.size() >= 4 && words[0] == "stay")
    return stay(number<int>(words[1]), argv[4], number<unsigned long long>(words[2]),
                {words.begin() + 4, words.end()});
  if (!words.empty())
    return wrong("maze-enter: no such words\n");
  const auto how = read_block(STDIN_FILENO);
  if (!how || how->argv.empty())
    return cannot_begin;
  return supervise(*how, {.input = STDIN_FILENO, .line = -1, .furnish = {}});
}
