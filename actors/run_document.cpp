#include "maze/actors/run_document.hpp"

#include "maze/core/run_name.hpp"
#include "maze/core/submission_form.hpp"

namespace maze::actors {

std::string document_name(core::run_id run) { return "run/" + core::to_string(run); }

std::optional<core::run_id> run_of_document(std::string_view name) {
  constexpr std::string_view front = "run/";
  if (!name.starts_with(front))
    return std::nullopt;
  const auto run = core::parse_run_id(name.substr(front.size()));
  return run ? std::optional(*run) : std::nullopt;
}

core::result<std::string> write_run_document(const run_bundle& bundle) {
  core::submission_form form{.client_id = core::to_string(bundle.run),
                             .name = bundle.name,
                             .context = bundle.context,
                             .files = bundle.files,
                             .rules = bundle.rules,
                             .libraries = bundle.libraries,
                             .calls = {},
                             .archives = bundle.archives};
  if (bundle.calls)
    form.calls = *bundle.calls;
  form.tasks.reserve(bundle.tasks->size());
  for (std::uint64_t i = 0; i < bundle.tasks->size(); ++i)
    form.tasks.push_back(bundle.tasks->spec(core::task_id{i}));
  return core::encode_submission(form);
}

core::result<run_bundle_ptr> read_run_document(core::run_id run, std::string_view document) {
  auto form = core::decode_submission(document);
  if (!form)
    return core::fail(form.error());
  auto tasks = core::graph::build(std::move(form->tasks));
  if (!tasks)
    return core::fail(tasks.error());
  std::shared_ptr<const core::call_plan> calls;
  if (form->calls)
    calls = std::make_shared<const core::call_plan>(std::move(*form->calls));
  return std::make_shared<const run_bundle>(
      run_bundle{.run = run,
                 .name = std::move(form->name),
                 .tasks = std::make_shared<const core::graph>(std::move(*tasks)),
                 .context = std::move(form->context),
                 .files = std::move(form->files),
                 .rules = std::move(form->rules),
                 .libraries = std::move(form->libraries),
                 .calls = std::move(calls),
                 .archives = std::move(form->archives)});
}

} // namespace maze::actors
