#include "maze/core/printable.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/export.hpp"
#include "node/cluster_commands.hpp"
#include "node/commands.hpp"
#include "node/passing_store.hpp"
#include "node/run_outcome.hpp"

#include <fmt/format.h>

#include <iostream>

namespace maze::node {

core::result<int> print_result(const command_session& in) {
  const auto run = in.cluster.find(in.word(0));
  if (!run)
    return core::fail(run.error());
  const auto told = in.cluster.report(run->run);
  if (!told)
    return core::fail(told.error());
  std::uint64_t total = 0;
  for (const std::uint64_t count : run->counts)
    total += count;
  const run_report report = report_of(*told, {.name = run->name,
                                              .run = core::to_string(run->run),
                                              .total = total,
                                              .started = run->accepted});
  if (in.what.values.output == output_form::json)
    std::cout << json_report(report);
  else if (report.result)
    std::cout << result_text(*report.result);
  if (report.result && !core::is_terminal(told->state)) {
    std::cerr << fmt::format("maze-node: run {} still goes on\n", core::to_string(run->run));
    return exit_code::done;
  }
  if (!report.result && in.what.values.output != output_form::json)
    std::cerr << fmt::format("maze-node: run {} ({}) has no result{}\n", core::to_string(run->run),
                             core::to_string(told->state),
                             core::is_terminal(told->state) ? "" : " yet");
  if (!core::is_terminal(told->state))
    return exit_code::failed;
  return exit_code_of(*told);
}

core::result<int> print_files(const command_session& in) {
  const auto run = in.cluster.find(in.word(0));
  if (!run)
    return core::fail(run.error());
  auto told = in.cluster.report(run->run);
  if (!told)
    return core::fail(told.error());
  if (!in.what.flags.history && told->conflict.code != core::errc::none)
    return core::fail(told->conflict);
  if (in.what.values.out) {
    if (auto fine = check_destination(in.what.values); !fine)
      return core::fail(fine.error());
    auto written = bring_home(in, *told, run->collect, *in.what.values.out);
    if (!written)
      return core::fail(written.error());
    if (written->size() < told->published.size() && !in.what.values.quiet)
      std::cerr << fmt::format("maze-node: {} of {} paths came to {}: those that `collect` names\n",
                               written->size(), told->published.size(),
                               core::printable(in.what.values.out->native()));
    told->published = std::move(*written);
  }
  std::cout << (in.what.flags.history ? show_history(*told, in.form())
                                      : show_files(*told, in.form()));
  return exit_code::done;
}

core::result<core::file_map> bring_home(const command_session& in, const actors::run_report& report,
                                        const std::vector<std::string>& globs,
                                        const std::filesystem::path& destination) {
  if (report.conflict.code != core::errc::none)
    return core::fail(report.conflict);
  auto store = passing_store::open();
  if (!store)
    return core::fail(store.error());
  if (auto came = downloader_from(in.address)(blobs_of(report.published), store->blobs()); !came)
    return core::fail(came.error());
  return io::export_files(report.published, globs, store->blobs(), destination);
}

} // namespace maze::node
