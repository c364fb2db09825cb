#include "gateway/operation.hpp"
#include "node/options.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::gateway {

namespace {

outcome<ordered_json> status(const request& in) {
  const auto told = in.session().status();
  if (!told)
    return refuse(told.error());
  auto out = node::view_of(*told, in.session().cluster());
  out["gateway"] = {{"read_only", in.with.read_only}};
  return out;
}

outcome<std::string> print_status(const request& in) {
  const auto told = in.session().status();
  if (!told)
    return refuse(told.error());
  return node::show(*told, in.session().cluster(), printed);
}

outcome<ordered_json> nodes(const request& in) {
  const auto told = in.session().nodes();
  if (!told)
    return refuse(told.error());
  auto list = ordered_json::array();
  for (const actors::node_row& one : told->rows)
    list.push_back(node::view_of(one));
  return ordered_json{{"nodes", std::move(list)}};
}

outcome<std::string> print_nodes(const request& in) {
  const auto told = in.session().nodes();
  if (!told)
    return refuse(told.error());
  return node::show(*told, printed);
}

outcome<ordered_json> one_node(const request& in) {
  const auto told = in.session().nodes();
  if (!told)
    return refuse(told.error());
  const std::string wanted = in.text("node");
  const auto found = std::find_if(told->rows.begin(), told->rows.end(), [&](const auto& one) {
    return one.name == wanted || std::to_string(one.node.value) == wanted;
  });
  if (found == told->rows.end())
    return refuse(core::error{.code = core::errc::not_found,
                              .message = fmt::format("there is no node '{}'", wanted),
                              .origin = "gateway"});
  return node::view_of(*found);
}

outcome<ordered_json> drain(const request& in) {
  const auto done = in.session().drain(in.text("node"));
  if (!done)
    return refuse(done.error());
  return ordered_json{{"node", in.text("node")}, {"draining", true}};
}

outcome<ordered_json> config(const request& in) {
  node::options shown = in.with.what;
  shown.values.output = node::output_form::json;
  auto out = ordered_json::parse(node::explain(shown));
  // Flags of the gateway that are no settings of all commands.
  const auto flag = [](const std::string& value, bool given) {
    return ordered_json{{"value", value}, {"origin", given ? "flag" : "default"}};
  };
  out["read_only"] = flag(in.with.read_only ? "true" : "false", in.with.read_only);
  return out;
}

outcome<std::string> print_config(const request& in) {
  node::options shown = in.with.what;
  shown.values.output = node::output_form::table;
  return node::explain(shown);
}

} // namespace

std::vector<operation> cluster_operations() {
  const parameter node{"node", value_kind::text, true, "the name or number of a node"};
  return {
      {"cluster_status",
       "How the cluster stands",
       "Name, version, cores, memory and GPUs of the cluster, how many runs there are, in which "
       "state "
       "the tasks are of those that have not ended, and what you may do.",
       effect::reads,
       {},
       status,
       print_status},
      {"list_nodes",
       "The nodes of the cluster",
       "Each node (device, machine) with its state, what it has in all and free, what runs there, "
       "its labels and which sandboxes it offers.",
       effect::reads,
       {},
       nodes,
       print_nodes},
      {"get_node",
       "One node",
       "The same as list_nodes for one node.",
       effect::reads,
       {node},
       one_node},
      {"drain_node",
       "Give a node no new tasks",
       "The node takes no new tasks; what runs there comes to its end. There is no way back but to "
       "start the node again.",
       effect::removes,
       {node},
       drain},
      {"get_config",
       "The settings of the gateway",
       "Each setting of the gateway: its value, and whether a flag, a variable, the configuration "
       "file or the default gave it.",
       effect::reads,
       {},
       config,
       print_config,
       false},
  };
}

} // namespace maze::gateway
