#include "maze/actors/function_child.hpp"
#include "maze/actors/lane_host.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/descriptor.hpp"
#include "maze/core/function_call.hpp"
#include "maze/core/task_codec.hpp"

#include <caf/send.hpp>

// Tasks of a graph whose functions are called in warm children: each is a lane for one call.
namespace maze::actors {

namespace {

/// What tasks must have in common that share a child.
std::string kind_of(const core::task_spec& spec) {
  core::binary_writer out;
  out(std::holds_alternative<core::python_action>(spec.action), spec.sandbox, spec.needs,
      spec.child, spec.child_calls_max);
  return std::move(out).bytes();
}

} // namespace

void lane_host_state::choose_plan(lane& x) {
  const run_bundle& bundle = x.files->bundle();
  if (!x.is_task()) {
    x.plan = bundle.calls;
    return;
  }
  const core::task_spec& own = bundle.tasks->spec(x.order.task);
  const std::string kind = kind_of(own);
  const auto [at, fresh] = task_functions_.try_emplace({bundle.run, kind});
  task_functions& found = at->second;
  if (fresh) {
    found.plan->sandbox = own.sandbox;
    found.plan->needs = own.needs;
    found.plan->child = own.child;
    found.plan->child_calls_max = own.child_calls_max;
    for (std::uint64_t i = 0; i < bundle.tasks->size(); ++i) {
      const core::task_spec& each = bundle.tasks->spec(core::task_id{i});
      if (!core::is_kept(each.child) || !core::is_function(each) || kind_of(each) != kind)
        continue;
      const auto place = static_cast<std::uint32_t>(found.plan->functions.size());
      if (found.places.emplace(core::descriptor(each.action, bundle.libraries), place).second)
        found.plan->functions.push_back({each.name, each.action});
    }
  }
  x.plan = found.plan;
  x.function = found.places.at(core::descriptor(own.action, bundle.libraries));
}

core::permission_set lane_host_state::permissions_of(const lane& x) {
  return x.is_task() ? core::needed_permissions(x.files->bundle().tasks->spec(x.order.task))
                     : core::needed_permissions(*x.plan);
}

core::result<std::string> lane_host_state::call_of_task(const lane& x) const {
  const run_bundle& bundle = x.files->bundle();
  const core::task_spec& spec = bundle.tasks->spec(x.order.task);
  auto call = core::resolve_encoded_call(spec, bundle.context, x.order.outputs);
  if (!call)
    return core::fail(call.error());
  auto arguments = core::encode_arguments(spec, *call);
  if (!arguments)
    return core::fail(arguments.error());
  return core::call_message(core::call_kind::calls, 0, x.function, *arguments);
}

void lane_host_state::begin_task(lane& x) {
  const core::attempt_id token = x.order.attempt;
  auto message = call_of_task(x);
  if (!message) {
    lose_task(x, message.error());
    return end(token, true);
  }
  x.phases.at(core::phase::execute).began = clock::now() - x.order.arrived;
  x.isolation = children_.at(x.child).isolation;
  self_->send(x.order.context, attempt_entered{token, core::phase::execute});
  call(children_.at(x.child), *message);
}

void lane_host_state::finish_task(core::attempt_id task, bool returned, std::string_view payload) {
  lane& x = lanes_.at(task);
  x.phases.at(core::phase::execute).ended = clock::now() - x.order.arrived;
  const core::task_spec& spec = x.files->bundle().tasks->spec(x.order.task);
  core::result<std::string> output;
  if (returned) {
    output = core::outcome_of_function(spec, payload);
  } else if (auto told = core::from_binary<core::error>(payload, "error")) {
    output = core::fail(std::move(*told));
  } else {
    output = core::fail(told.error());
  }
  if (output) {
    publish_attempt done{.attempt = task, .output = std::move(*output), .files = {}};
    done.phases = x.phases;
    done.isolation = x.isolation;
    self_->send(x.order.context, std::move(done));
  } else {
    lose_task(x, output.error());
  }
  end(task, true);
}

void lane_host_state::lose_task(const lane& x, core::error reason) {
  for (std::string* text : {&reason.message, &reason.evidence})
    *text = setup_.log->secrets().redact(*text);
  attempt_lost lost{x.order.attempt, std::move(reason), {}};
  lost.phases = x.phases;
  lost.isolation = x.isolation;
  self_->send(x.order.context, std::move(lost));
}

} // namespace maze::actors
