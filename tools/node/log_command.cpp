#include "node/cluster_commands.hpp"
#include "node/commands.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <thread>

namespace maze::node {

namespace {

/// Between two questions for more of a log that is still being written.
constexpr std::chrono::milliseconds follow_interval{200};

} // namespace

core::result<int> print_logs(const command_session& in) {
  const auto run = in.cluster.find(in.word(0));
  if (!run)
    return core::fail(run.error());
  actors::ask_log question{.task = in.word(1),
                           .number = in.what.flags.attempt,
                           .stream = in.what.flags.standard_error
                                         ? actors::log_stream::standard_error
                                         : actors::log_stream::standard_output};
  const bool json = in.what.values.output == output_form::json;
  std::string whole;
  for (;;) {
    const auto part = in.cluster.log(run->run, question);
    if (!part)
      return core::fail(part.error());
    const std::uint64_t before = question.offset;
    // One attempt, also when another begins meanwhile.
    question.number = part->number;
    question.offset = part->piece.next;
    if (json)
      whole += part->piece.bytes;
    else
      std::cout << part->piece.bytes << std::flush;
    if (!std::cout || part->piece.ended)
      break;
    // A piece that is not full is all there is at the moment.
    const bool more = part->piece.next - before >= actors::log_piece_max;
    if (!more && !in.what.flags.follow)
      break;
    if (part->piece.next == before)
      std::this_thread::sleep_for(follow_interval);
  }
  if (json)
    std::cout << nlohmann::json{{"task", question.task},
                                {"attempt", question.number},
                                {"stream", in.what.flags.standard_error ? "stderr" : "stdout"},
                                {"text", whole}}
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << '\n';
  return exit_code::done;
}

} // namespace maze::node
