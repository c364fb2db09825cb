#include "gateway/commands.hpp"
#include "gateway/line_reader.hpp"
#include "gateway/mcp.hpp"
#include "node/commands.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <iostream>
#include <mutex>
#include <unistd.h>

namespace maze::gateway {

namespace {

/// Of one message: what a workflow file may have, and more for its escapes.
constexpr std::size_t message_max = std::size_t{34} << 20;
/// Some may wait for the end of a run.
constexpr std::size_t answers_at_once = 32;

} // namespace

int serve_mcp(const node::options& what) {
  operator_desk desk({.what = what, .read_only = what.flags.gateway.read_only, .same_user = true});
  std::mutex guards_output;
  bool heard = true;
  const auto say = [&](const std::string& line) {
    const std::lock_guard hold(guards_output);
    std::cout << line << '\n' << std::flush;
    heard = heard && static_cast<bool>(std::cout);
  };
  boost::asio::thread_pool answers(answers_at_once);
  line_reader input(STDIN_FILENO, message_max);
  while (auto line = input.next()) {
    if (line->find_first_not_of(" \t\r") == std::string::npos)
      continue;
    boost::asio::post(answers, [&desk, &say, message = std::move(*line)] {
      try {
        if (const auto answer = answer_mcp(desk, message))
          say(*answer);
      } catch (const std::exception& bug) {
        std::cerr << "maze-node: this is a defect of maze: " << bug.what() << '\n';
      }
    });
  }
  // Nobody asks for more: what waits for the end of a run need not, but what was asked is answered.
  desk.with().ends->store(true);
  answers.join();
  return heard ? node::exit_code::done : node::exit_code::failed;
}

} // namespace maze::gateway
