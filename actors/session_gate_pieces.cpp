// What a session hands out piece by piece: reports and logs.
#include "maze/actors/errors.hpp"
#include "maze/actors/session_gate.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace maze::actors {

namespace {

std::optional<std::string> text_of(const core::value& x) {
  if (const auto* plain = x.as<std::string>())
    return *plain;
  if (const auto* raw = x.as<core::bytes>())
    return std::string(reinterpret_cast<const char*>(raw->data()), raw->size());
  return std::nullopt;
}

/// The text that a command printed, from its encoded output: `{key: {exit_code, stdout, stderr}}`, or some
/// of the three as keys of their own.
std::optional<std::string> printed_text(const std::string& encoded, log_stream stream) {
  const auto output = core::decode(encoded);
  const auto* parts = output ? output->as<core::dict>() : nullptr;
  if (parts == nullptr || parts->empty())
    return std::nullopt;
  if (const auto* whole = parts->begin()->second.as<core::dict>())
    parts = whole;
  const auto text = parts->find(stream == log_stream::standard_output ? "stdout" : "stderr");
  return text == parts->end() ? std::nullopt : text_of(text->second);
}

/// What is left of a log where no node keeps a file of it.
log_piece piece_without_file(const ask_log& wanted, const attempt_place& place) {
  const auto text = printed_text(place.output, wanted.stream);
  if (!text || wanted.offset >= text->size())
    return {.bytes = {}, .next = wanted.offset, .ended = place.ended};
  log_piece out{.bytes = text->substr(wanted.offset, log_piece_max)};
  out.next = wanted.offset + out.bytes.size();
  out.ended = out.next == text->size();
  return out;
}

} // namespace

caf::result<report_part> session_gate_state::report(const of_run<ask_report_part>& msg) {
  if (msg.what.offset > 0) {
    const auto kept = std::find_if(reports_.begin(), reports_.end(), [&](const kept_report& one) {
      return one.version == msg.what.version && one.run == msg.run;
    });
    return kept == reports_.end() ? report_part{} : part_of(*kept, msg.what.offset);
  }
  auto reply = self_->make_response_promise<report_part>();
  take_report(msg.run, reply);
  return reply;
}

void session_gate_state::take_report(core::run_id run,
                                     caf::typed_response_promise<report_part> reply) {
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  const auto keep = [this, run, reply](const shared_bytes& encoded) mutable {
    reports_.push_back({++last_report_, run, encoded});
    if (reports_.size() > setup_.reports_max)
      reports_.pop_front();
    reply.deliver(part_of(reports_.back(), 0));
  };
  with_run(
      run,
      [this, fail, keep](const known_run& found) {
        self_->request(found.context, setup_.patience, ask_report{})
            .then(
                [this, fail, keep](run_report& whole) {
                  self_
                      ->request(setup_.documents, setup_.document_patience,
                                write_report{std::make_shared<const run_report>(std::move(whole))})
                      .then(keep, fail);
                },
                fail);
      },
      fail);
}

report_part session_gate_state::part_of(const kept_report& from, std::uint64_t offset) {
  report_part out{.size = from.encoded->size(), .version = from.version, .bytes = {}};
  if (offset < out.size)
    out.bytes = from.encoded->substr(offset, document_part_max);
  return out;
}

caf::result<task_log> session_gate_state::read_log_of(const of_run<ask_log>& msg) {
  auto reply = self_->make_response_promise<task_log>();
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  with_run(
      msg.run,
      [this, reply, fail, msg](const known_run& run) {
        self_->request(run.context, setup_.patience, find_attempt{msg.what.task, msg.what.number})
            .then(
                [this, reply, msg](const attempt_place& place) { read_on_node(msg, place, reply); },
                fail);
      },
      fail);
  return reply;
}

void session_gate_state::read_on_node(const of_run<ask_log>& msg, const attempt_place& place,
                                      caf::typed_response_promise<task_log> reply) {
  const failure without_file = [msg, place, reply](const caf::error& why) mutable {
    if (why && from_caf(why).code != core::errc::not_found)
      reply.deliver(why);
    else
      reply.deliver(task_log{place.number, piece_without_file(msg.what, place)});
  };
  if (place.node == core::node_id{})
    return without_file(caf::error{});
  const read_log question{.run = msg.run,
                          .task = msg.what.task,
                          .number = place.number,
                          .attempt = place.attempt,
                          .stream = msg.what.stream,
                          .offset = msg.what.offset};
  self_->request(setup_.master, setup_.patience, select_nodes{std::to_string(place.node.value)})
      .then(
          [this, question, place, reply, without_file](const node_listing& found) {
            if (found.nodes.empty())
              return without_file(caf::error{});
            self_->request(found.nodes.front().agent, setup_.patience, question)
                .then(
                    [place, reply](log_piece& piece) mutable {
                      piece.ended = piece.ended && place.ended;
                      reply.deliver(task_log{place.number, std::move(piece)});
                    },
                    without_file);
          },
          without_file);
}

} // namespace maze::actors
