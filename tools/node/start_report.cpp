#include "node/start_report.hpp"

#include "maze/core/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iostream>

namespace maze::node {

std::optional<int> start_report::enter() {
  if (!what_.flags.detach)
    return std::nullopt;
  apart_ = true;
  return parent_.enter();
}

int start_report::refuse(const core::error& why, int code) {
  const std::string text = fmt::format("maze-node: {}\n", core::describe(why));
  if (apart_)
    parent_.failed(code, text);
  else
    std::cerr << text;
  return code;
}

void start_report::ready(const std::string& sentence, const nlohmann::json& facts) {
  std::string text;
  if (what_.values.output == output_form::json)
    text = facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  else if (!what_.values.quiet)
    text = sentence + "\n";
  if (what_.flags.detach)
    parent_.ready(text);
  else
    std::cout << text << std::flush;
}

} // namespace maze::node
