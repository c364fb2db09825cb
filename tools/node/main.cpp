#include "node/cluster_session.hpp"
#include "node/commands.hpp"
#include "node/options.hpp"

#include <csignal>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  using namespace maze::node;
  try {
    const auto options = read_options({argv + 1, argv + argc}, surroundings_of_this_process());
    if (!options) {
      (options.error().exit_code == 0 ? std::cout : std::cerr)
          << options.error().text << std::flush;
      return options.error().exit_code;
    }
    if (!options->values.quiet)
      for (const std::string& warning : options->warnings)
        std::cerr << "maze-node: warning: " << warning << '\n';
    // A reader that went away is an error to report, not a reason to die without cleaning up.
    std::signal(SIGPIPE, SIG_IGN);
    const int code = carry_out(*options);
    std::cout.flush();
    if (!std::cout) {
      std::cerr << "maze-node: standard output cannot be written\n";
      return code == exit_code::done ? exit_code::failed : code;
    }
    return code;
  } catch (const std::exception& bug) {
    std::cerr << "maze-node: this is a defect of maze: " << bug.what() << '\n';
    return exit_code::failed;
  }
}
