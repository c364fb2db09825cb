#include "gateway/operation.hpp"
#include "gateway/run_files.hpp"
#include "gateway/text_parts.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/json.hpp"
#include "node/report.hpp"
#include "node/run_outcome.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::gateway {

namespace {

constexpr std::uint64_t runs_max = 1000;
/// The longest that an answer waits for the end of a run, in seconds.
constexpr std::uint64_t wait_max = 30;
constexpr std::chrono::milliseconds news_interval{200};
/// Bytes of a file in an answer that is JSON.
constexpr std::uint64_t file_text_max = std::uint64_t{256} << 10;
constexpr std::uint64_t file_text_default = std::uint64_t{64} << 10;

/// The runs that are asked for, and how many there are.
core::result<actors::run_page> page(const request& in) {
  const std::uint64_t first = in.number("first", 0);
  const std::uint64_t count = in.number("count", 100);
  actors::run_page out;
  do {
    const auto wanted = std::clamp<std::uint64_t>(count - out.rows.size(), 1, 100);
    auto part = in.session().runs(first + out.rows.size(), static_cast<std::uint32_t>(wanted));
    if (!part)
      return core::fail(part.error());
    out.total = part->total;
    if (part->rows.empty())
      break;
    std::move(part->rows.begin(), part->rows.end(), std::back_inserter(out.rows));
  } while (out.rows.size() < count);
  out.rows.resize(std::min<std::size_t>(out.rows.size(), count));
  return out;
}

outcome<ordered_json> runs(const request& in) {
  const auto told = page(in);
  if (!told)
    return refuse(told.error());
  auto list = ordered_json::array();
  for (const actors::run_row& one : told->rows)
    list.push_back(node::view_of(one));
  return ordered_json{{"total", told->total}, {"runs", std::move(list)}};
}

outcome<std::string> print_runs(const request& in) {
  const auto told = page(in);
  if (!told)
    return refuse(told.error());
  return node::show(told->rows, printed);
}

struct told_run {
  node::run_report report;
  actors::run_row row;
};

core::result<told_run> report_of(const request& in) {
  auto run = in.session().find(in.text("run"));
  if (!run)
    return core::fail(run.error());
  if (const auto patience = in.number("wait_s", 0); patience > 0) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(patience);
    const auto ended = in.session().follow(run->run, news_interval, [&](const actors::run_news&) {
      return std::chrono::steady_clock::now() < until && !in.with.ends->load();
    });
    if (!ended)
      return core::fail(ended.error());
    run = in.session().find(core::to_string(run->run));
    if (!run)
      return core::fail(run.error());
  }
  const auto told = in.session().report(run->run);
  if (!told)
    return core::fail(told.error());
  std::uint64_t total = 0;
  for (const std::uint64_t count : run->counts)
    total += count;
  auto out = node::report_of(*told, {.name = run->name,
                                     .run = core::to_string(run->run),
                                     .total = total,
                                     .started = run->accepted});
  if (told->conflict.code != core::errc::none)
    out.notes.push_back("its files are not to be had: " + core::describe(told->conflict));
  return told_run{std::move(out), std::move(*run)};
}

outcome<ordered_json> one_run(const request& in) {
  const auto told = report_of(in);
  if (!told)
    return refuse(told.error());
  auto out = node::view_of(told->report);
  out["states"] = node::view_of(told->row)["tasks"];
  // What is not at home with whoever asks; list_files has all of it.
  for (const auto* const other : {"files", "history", "out"})
    out.erase(other);
  if (const auto most = in.number("text_max", 0); most > 0)
    shorten(out, most);
  return out;
}

outcome<std::string> print_run(const request& in) {
  const auto told = report_of(in);
  if (!told)
    return refuse(told.error());
  const node::run_report& run = told->report;
  if (run.result)
    return node::result_text(*run.result);
  if (!run.failed.empty())
    return node::summary(run, node::screen{.width = 100});
  return fmt::format("run {} ({}) has no result: a workflow's `result` names one\n", run.run,
                     core::to_string(run.state));
}

outcome<ordered_json> cancel_run(const request& in) {
  const auto run = in.session().find(in.text("run"));
  if (!run)
    return refuse(run.error());
  const auto done = in.session().cancel(run->run, {.code = core::errc::cancelled,
                                                   .message = "cancelled through the gateway",
                                                   .origin = "user"});
  if (!done)
    return refuse(done.error());
  return ordered_json{{"run", core::to_string(run->run)}, {"cancelled", *done}};
}

outcome<ordered_json> forget(const request& in) {
  const auto run = in.session().find(in.text("run"));
  if (!run)
    return refuse(run.error());
  const auto done = in.session().forget({.runs = {run->run}, .all = false});
  if (!done)
    return refuse(done.error());
  return ordered_json{
      {"forgotten", ordered_json::array({core::to_string(run->run)})},
      {"removed", {{"files", done->freed.blobs}, {"bytes", done->freed.bytes}}},
      {"later", {{"files", done->freed.later_blobs}, {"bytes", done->freed.later_bytes}}}};
}

outcome<ordered_json> files(const request& in) {
  const auto told = published_by(in);
  if (!told)
    return refuse(told.error());
  if (in.flag("history"))
    return ordered_json{{"history", node::view_of_history(*told)}};
  return ordered_json{{"files", node::view_of_files(*told)}};
}

outcome<std::string> print_files(const request& in) {
  const auto told = published_by(in);
  if (!told)
    return refuse(told.error());
  return in.flag("history") ? node::show_history(*told, printed) : node::show_files(*told, printed);
}

outcome<ordered_json> one_file(const request& in) {
  auto file = open_file(in);
  if (!file)
    return refuse(file.error());
  const auto offset = in.number("offset", 0);
  auto text = read_part(*file, offset, in.number("max", file_text_default));
  if (!text)
    return refuse(text.error());
  const auto next = std::min(offset, file->size) + text->size();
  return ordered_json{{"path", in.text("path")},
                      {"size", file->size},
                      {"text", std::move(*text)},
                      {"next", next},
                      {"ended", next == file->size}};
}

} // namespace

std::vector<operation> run_operations() {
  const parameter run{"run", value_kind::text, true,
                      "a run: its id or the beginning of it, a workflow's name, or 'last'"};
  const parameter first{"first", value_kind::number, false, "how many are passed over (0)"};
  const parameter count{"count", value_kind::number, false, "how many at most (100; up to 1000)",
                        runs_max};
  const parameter short_texts{"text_max", value_kind::number, false,
                              "cut texts in it that have more bytes than this"};
  const parameter history{"history", value_kind::flag, false, "every version and who wrote it"};
  return {
      {"list_runs",
       "The runs of the cluster",
       "The youngest first: id, name, state, and how many of its tasks are in which state.",
       effect::reads,
       {first, count},
       runs,
       print_runs},
      {"get_run",
       "One run and its result",
       "State, result, and what failed and why. With wait_s it answers once the run has ended, or "
       "after that time: ask again while `state` is accepted or running.",
       effect::reads,
       {run,
        short_texts,
        {"wait_s", value_kind::number, false, "seconds to wait for its end (0; up to 30)",
         wait_max}},
       one_run,
       print_run},
      {"cancel_run",
       "Cancel a run",
       "Stops its tasks; what they published stays. `cancelled` is false where it had ended.",
       effect::removes,
       {run},
       cancel_run},
      {"forget_run",
       "Forget a run that has ended",
       "Drops the run, its logs, and the files that no other run needs.",
       effect::removes,
       {run},
       forget},
      {"list_files",
       "The files of a run",
       "What its tasks published: path, size and hash (XXH3-128).",
       effect::reads,
       {run, history},
       files,
       print_files},
      {"read_file",
       "One file of a run, as text",
       "UTF-8 from byte `offset` on; ask again with the `next` of the answer until `ended`.",
       effect::reads,
       {run,
        {"path", value_kind::text, true, "as list_files has it"},
        {"offset", value_kind::number, false, "where to begin, in bytes (0)"},
        {"max", value_kind::number, false, "how many bytes at most (65536; up to 262144)",
         file_text_max}},
       one_file},
  };
}

} // namespace maze::gateway
