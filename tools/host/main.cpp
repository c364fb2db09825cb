// Calls functions of task libraries for a node; see README.md.
#include "host/options.hpp"
#include "host/service.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  const auto given = maze::host::read_options(argc, argv);
  if (!given) {
    std::fprintf(stderr, "maze-host: %s\n", given.error().message.c_str());
    return 2;
  }
  if (given->how == maze::host::mode::help) {
    const auto text = maze::host::usage();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  return maze::host::serve(*given);
}
