#include "gateway/operation.hpp"
#include "gateway/text_parts.hpp"
#include "maze/core/run_name.hpp"
#include "maze/core/task_state.hpp"
#include "maze/io/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace maze::gateway {

namespace {

constexpr std::uint64_t tasks_max = 1000;
/// Bytes of a log in one answer: what one message of the cluster holds.
constexpr std::uint64_t log_max = actors::log_piece_max;
constexpr std::uint64_t log_default = std::uint64_t{64} << 10;
/// More than a node keeps of a stream.
constexpr std::uint64_t log_kept_max = std::uint64_t{64} << 20;
/// Bytes of the end of each stream that come with a task.
constexpr std::uint64_t excerpt = std::uint64_t{4} << 10;

/// Calls `take` with the tasks of a run from `first` on, until it says no. @returns how many there are.
core::result<std::uint64_t> for_each_task(const request& in, core::run_id run, std::uint64_t first,
                                          const std::function<bool(actors::task_row&)>& take) {
  for (std::uint64_t at = first;;) {
    auto part = in.session().tasks(run, at, actors::task_page_max);
    if (!part)
      return core::fail(part.error());
    for (actors::task_row& one : part->rows)
      if (!take(one))
        return part->total;
    at += part->rows.size();
    if (part->rows.empty() || at >= part->total)
      return part->total;
  }
}

struct task_list {
  std::uint64_t total = 0;
  std::vector<actors::task_row> rows;
  node::node_names nodes;
};

core::result<node::node_names> names(const request& in) {
  const auto members = in.session().nodes();
  if (!members)
    return core::fail(members.error());
  return node::names_of(*members);
}

bool holds(const std::string& name, const std::string& part) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(name.begin(), name.end(), part.begin(), part.end(),
                     [&](char a, char b) { return small(a) == small(b); })
         != name.end();
}

/// A page of all, or of those that fit.
core::result<task_list> list(const request& in) {
  const auto run = in.session().find(in.text("run"));
  if (!run)
    return core::fail(run.error());
  auto nodes = names(in);
  if (!nodes)
    return core::fail(nodes.error());
  task_list out{.nodes = std::move(*nodes)};
  const std::uint64_t first = in.number("first", 0);
  const std::uint64_t count = in.number("count", 100);
  const std::string state = in.text("state");
  const std::string part = in.text("name");
  if (state.empty() && part.empty()) {
    const auto total = for_each_task(in, run->run, first, [&](actors::task_row& one) {
      if (out.rows.size() < count)
        out.rows.push_back(std::move(one));
      return out.rows.size() < count;
    });
    if (!total)
      return core::fail(total.error());
    out.total = *total;
    return out;
  }
  const auto total = for_each_task(in, run->run, 0, [&](actors::task_row& one) {
    const bool fits = (state.empty() || core::to_string(one.state) == state)
                      && (part.empty() || holds(one.name, part));
    if (fits && ++out.total > first && out.rows.size() < count)
      out.rows.push_back(std::move(one));
    return true;
  });
  if (!total)
    return core::fail(total.error());
  return out;
}

outcome<ordered_json> tasks(const request& in) {
  const auto told = list(in);
  if (!told)
    return refuse(told.error());
  auto rows = ordered_json::array();
  for (const actors::task_row& one : told->rows)
    rows.push_back(node::view_of(one, told->nodes));
  return ordered_json{{"total", told->total}, {"tasks", std::move(rows)}};
}

outcome<std::string> print_tasks(const request& in) {
  const auto told = list(in);
  if (!told)
    return refuse(told.error());
  std::string out = node::show(told->rows, told->nodes, printed);
  if (const auto shown = in.number("first", 0) + told->rows.size(); shown < told->total)
    out += fmt::format("… {} more\n", told->total - shown);
  return out;
}

core::result<actors::task_log> read_piece(const request& in, core::run_id run,
                                          actors::ask_log what) {
  what.task = in.text("task");
  return in.session().log(run, what);
}

/// Reads a stream as far as it goes, and keeps its last `most` bytes.
core::result<actors::task_log> read_end(const request& in, core::run_id run,
                                        actors::ask_log question, std::uint64_t most) {
  std::string kept;
  for (;;) {
    auto part = read_piece(in, run, question);
    if (!part)
      return core::fail(part.error());
    kept += part->piece.bytes;
    kept.erase(0, kept.size() - std::min<std::size_t>(kept.size(), most));
    const bool full = part->piece.next - question.offset >= actors::log_piece_max;
    question.number = part->number;
    question.offset = part->piece.next;
    if (!full || part->piece.ended) {
      // A character that lost its beginning says nothing.
      while (kept.size() == most && !kept.empty()
             && (static_cast<unsigned char>(kept.front()) & 0xc0) == 0x80)
        kept.erase(0, 1), --most;
      part->piece.bytes = std::move(kept);
      return part;
    }
  }
}

/// Of the last attempt; null where nothing is kept of it.
ordered_json end_of_log(const request& in, core::run_id run, actors::log_stream stream) {
  const auto told = read_end(in, run, {.stream = stream}, excerpt);
  return told ? ordered_json(told->piece.bytes) : ordered_json();
}

/// A task with all that is known of it.
outcome<ordered_json> one_task(const request& in) {
  const auto run = in.session().find(in.text("run"));
  if (!run)
    return refuse(run.error());
  const std::string name = in.text("task");
  const auto nodes = names(in);
  if (!nodes)
    return refuse(nodes.error());
  std::optional<actors::task_row> row;
  const auto looked = for_each_task(in, run->run, 0, [&](actors::task_row& one) {
    if (one.name == name)
      row = std::move(one);
    return !row;
  });
  if (!looked)
    return refuse(looked.error());
  if (!row)
    return refuse(core::error{
        .code = core::errc::not_found,
        .message = fmt::format("run {} has no task '{}'", core::to_string(run->run), name),
        .origin = "gateway"});
  ordered_json out{{"run", core::to_string(run->run)},
                   {"task", node::view_of(*row, *nodes)},
                   {"output", nullptr},
                   {"evidence", nullptr}};
  if (in.flag("logs")) {
    out["stdout"] = end_of_log(in, run->run, actors::log_stream::standard_output);
    out["stderr"] = end_of_log(in, run->run, actors::log_stream::standard_error);
  }
  if (row->state == core::task_state::completed) {
    const auto encoded = in.session().output(run->run, name);
    if (!encoded)
      return refuse(encoded.error());
    if (const auto value = core::decode(*encoded))
      if (const auto text = io::to_json(*value))
        out["output"] = ordered_json::parse(*text);
  } else if (row->reason != core::errc::none) {
    const auto told = in.session().report(run->run);
    if (!told)
      return refuse(told.error());
    for (const actors::task_outcome& one : told->not_completed)
      if (one.task == name)
        out["evidence"] = one.reason.evidence;
  }
  if (const auto most = in.number("text_max", 0); most > 0)
    shorten(out, most);
  return out;
}

struct log_answer {
  actors::task_log told;
  actors::ask_log asked;
};

/// Cuts a piece to `most` bytes, and so that what is a character is not told in halves: the rest comes with the next one.
void keep_whole_characters(actors::log_piece& piece, std::uint64_t most) {
  std::size_t kept = std::min<std::size_t>(piece.bytes.size(), most);
  const bool all = kept == piece.bytes.size();
  if (!all || !piece.ended)
    kept -= unfinished(std::string_view(piece.bytes).substr(0, kept));
  if (kept == piece.bytes.size())
    return;
  piece.next -= piece.bytes.size() - kept;
  piece.bytes.resize(kept);
  piece.ended = false;
}

actors::ask_log question_of(const request& in) {
  return {.number = static_cast<std::uint32_t>(in.number("attempt", 0)),
          .stream = in.text("stream") == "stderr" ? actors::log_stream::standard_error
                                                  : actors::log_stream::standard_output,
          .offset = in.number("offset", 0)};
}

core::result<log_answer> log_of(const request& in) {
  const auto run = in.session().find(in.text("run"));
  if (!run)
    return core::fail(run.error());
  const actors::ask_log question = question_of(in);
  const auto most = std::max<std::uint64_t>(in.number("max", log_default), 4);
  const bool from_end = in.arguments.contains("tail");
  if (from_end && in.arguments.contains("offset"))
    return core::fail(
        core::errc::invalid_argument,
        "read_log: 'tail' is told from the end, and 'offset' from the beginning: give "
        "one of them",
        "gateway");
  auto told = from_end ? read_end(in, run->run, question, in.number("tail", 0))
                       : read_piece(in, run->run, question);
  if (!told)
    return core::fail(told.error());
  if (!from_end)
    keep_whole_characters(told->piece, most);
  return log_answer{std::move(*told), question};
}

outcome<ordered_json> log(const request& in) {
  const auto told = log_of(in);
  if (!told)
    return refuse(told.error());
  return ordered_json{
      {"task", in.text("task")},
      {"attempt", told->told.number},
      {"stream", told->asked.stream == actors::log_stream::standard_error ? "stderr" : "stdout"},
      {"text", told->told.piece.bytes},
      {"next", told->told.piece.next},
      {"ended", told->told.piece.ended}};
}

/// All that there is, where no part of it is asked for.
outcome<std::string> print_log(const request& in) {
  const bool part = in.arguments.contains("offset") || in.arguments.contains("max")
                    || in.arguments.contains("tail");
  if (!part) {
    const auto run = in.session().find(in.text("run"));
    if (!run)
      return refuse(run.error());
    auto whole = read_end(in, run->run, question_of(in), log_kept_max);
    if (!whole)
      return refuse(whole.error());
    return std::move(whole->piece.bytes);
  }
  auto told = log_of(in);
  if (!told)
    return refuse(told.error());
  return std::move(told->told.piece.bytes);
}

outcome<ordered_json> cancel_task(const request& in) {
  const auto run = in.session().find(in.text("run"));
  if (!run)
    return refuse(run.error());
  const auto done = in.session().cancel_task(run->run, in.text("task"),
                                             {.code = core::errc::cancelled,
                                              .message = "cancelled through the gateway",
                                              .origin = "user"});
  if (!done)
    return refuse(done.error());
  return ordered_json{
      {"run", core::to_string(run->run)}, {"task", in.text("task")}, {"cancelled", *done}};
}

} // namespace

std::vector<operation> task_operations() {
  std::vector<std::string_view> states;
  for (const core::task_state state : core::all_task_states())
    states.push_back(core::to_string(state));
  const parameter short_texts{"text_max", value_kind::number, false,
                              "cut texts in it that have more bytes than this"};
  const parameter run{"run", value_kind::text, true,
                      "a run: its id or the beginning of it, a workflow's name, or 'last'"};
  const parameter task{"task", value_kind::text, true, "the name of a task of the run"};
  return {
      {"list_tasks",
       "The tasks of a run",
       "In the order of the workflow: state, node, attempts, times, sandbox, and why one ended "
       "badly.",
       effect::reads,
       {run,
        {"state", value_kind::text, false,
         "only those in this state, for example running or failed", 0, states},
        {"name", value_kind::text, false, "only those whose name has this in it"},
        {"first", value_kind::number, false, "how many are passed over (0)"},
        {"count", value_kind::number, false, "how many at most (100; up to 1000)", tasks_max}},
       tasks,
       print_tasks},
      {"get_task",
       "One task and its result",
       "What list_tasks says of it, its output, the evidence of a failure (a traceback, the end of "
       "standard error), and with `logs` the end of what it printed.",
       effect::reads,
       {run,
        task,
        short_texts,
        {"logs", value_kind::flag, false, "also `stdout` and `stderr`: their last 4096 bytes"}},
       one_task},
      {"read_log",
       "What a task prints, while it runs or later",
       "From byte `offset` on; ask again with the `next` of the answer until `ended`.",
       effect::reads,
       {run,
        task,
        {"stream",
         value_kind::text,
         false,
         "stdout (the default) or stderr",
         0,
         {"stdout", "stderr"}},
        {"attempt", value_kind::number, false, "the number of an attempt; the last one without it",
         0xffffffff},
        {"offset", value_kind::number, false, "where to begin, in bytes (0)"},
        {"tail", value_kind::number, false,
         "instead of offset: only so many bytes of the end (up to 262144)", log_max},
        {"max", value_kind::number, false, "how many bytes at most (65536; up to 262144)",
         log_max}},
       log,
       print_log},
      {"cancel_task",
       "Cancel one task, and what depends on it",
       "`cancelled` is false where it had ended.",
       effect::removes,
       {run, task},
       cancel_task},
  };
}

} // namespace maze::gateway
