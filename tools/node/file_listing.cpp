#include "node/file_listing.hpp"

#include "maze/io/json.hpp"

#include <array>
#include <utility>

namespace maze::node {

nlohmann::ordered_json file_report_json(const core::file_report& report) {
  using core::file_difference;
  if (report.mode == core::file_report_mode::none)
    return nullptr;
  nlohmann::ordered_json out{{"mode", core::to_string(report.mode)}, {"complete", report.complete}};
  for (const auto& [what, key] :
       std::array{std::pair{file_difference::undeclared_read, "undeclared_reads"},
                  std::pair{file_difference::undeclared_write, "undeclared_writes"},
                  std::pair{file_difference::undeclared_removal, "undeclared_removals"},
                  std::pair{file_difference::unused_read, "unused_reads"}}) {
    auto& list = out[key] = nlohmann::ordered_json::array();
    for (const core::file_finding& one : report.findings)
      if (one.what == what)
        list.push_back(io::file_name_to_text(one.path));
  }
  out["more"] = report.more;
  auto withheld = nlohmann::ordered_json::array();
  for (const std::string& path : report.withheld.paths)
    withheld.push_back(io::file_name_to_text(path));
  out["withheld"] = {{"total", report.withheld.total}, {"paths", std::move(withheld)}};
  return out;
}

} // namespace maze::node
