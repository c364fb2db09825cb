#include "gateway/foreign_workflow.hpp"
#include "gateway/guide.hpp"
#include "gateway/operation.hpp"
#include "maze/core/reference.hpp"
#include "maze/core/run_name.hpp"
#include "maze/core/submission_form.hpp"
#include "maze/io/files.hpp"
#include "node/hand_in.hpp"
#include "node/submission.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::gateway {

namespace {

namespace fs = std::filesystem;

/// Where `workflow` of the arguments is shown to lie, in faults.
constexpr std::string_view text_name = "workflow";

/// Of a workflow file.
constexpr std::uint64_t workflow_max = std::uint64_t{16} << 20;

io::text_format format_of(const fs::path& file) {
  return file.extension() == ".json" ? io::text_format::json : io::text_format::yaml;
}

io::text_format format_of(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{' ? io::text_format::json
                                                          : io::text_format::yaml;
}

/// A workflow, and the folder that its paths are relative to.
struct described_work {
  core::workflow work;
  fs::path folder;
  /// Removes the folder in the end, where it was made for this.
  std::shared_ptr<void> keeps;
  /// The file; empty for a text.
  fs::path file;
};

outcome<described_work> read_here(const fs::path& file) {
  auto work = io::read_workflow(file);
  if (!work)
    return refuse(std::move(work.error()));
  return described_work{std::move(*work), fs::absolute(file).parent_path(), nullptr, file};
}

outcome<described_work> read_text(const std::string& text, bool same_user) {
  auto work = io::parse_workflow(text, std::string(text_name), format_of(text));
  if (!work)
    return refuse(std::move(work.error()));
  if (!same_user)
    if (auto fine = check_foreign(*work); !fine)
      return refuse(fine.error());
  if (auto fine = check_alone(*work); !fine)
    return refuse(fine.error());
  auto folder = temporary_folder::make();
  if (!folder)
    return refuse(folder.error());
  auto kept = std::make_shared<temporary_folder>(std::move(*folder));
  return described_work{std::move(*work), kept->path(), kept, {}};
}

outcome<described_work> read_archive(const std::string& bytes, const std::string& path) {
  auto folder = unpack_project(bytes);
  if (!folder)
    return refuse(folder.error());
  auto kept = std::make_shared<temporary_folder>(std::move(*folder));
  const auto file = find_workflow(kept->path(), path);
  if (!file)
    return refuse(file.error());
  // People know the file by its place in the archive.
  const auto name = file->lexically_relative(kept->path()).string();
  const auto text = io::read_file(*file, workflow_max);
  if (!text)
    return refuse(text.error());
  // What it names is looked at before anything of it is looked for.
  const auto said = io::parse_workflow(*text, name, format_of(*file));
  if (!said)
    return refuse(said.error());
  if (auto fine = check_foreign(*said); !fine)
    return refuse(fine.error());
  auto work = io::read_workflow(*file);
  if (!work) {
    for (io::diagnostic& fault : work.error())
      fault.file = name;
    return refuse(std::move(work.error()));
  }
  return described_work{std::move(*work), file->parent_path(), kept, *file};
}

outcome<described_work> read(const request& in) {
  const auto given = [&](const char* name) { return in.arguments.contains(name); };
  if (static_cast<int>(given("workflow")) + static_cast<int>(given("file"))
          + static_cast<int>(given("archive"))
      != 1)
    return refuse(core::error{
        .code = core::errc::invalid_argument,
        .message = in.with.same_user ? "give either 'workflow', its text, or 'file', its path"
                                     : "give one workflow: its text, or an archive of its folder",
        .origin = "gateway"});
  if (given("workflow") && is_archive(in.text("workflow")))
    return read_archive(in.text("workflow"), in.text("path"));
  if (given("workflow"))
    return read_text(in.text("workflow"), in.with.same_user);
  if (given("archive"))
    return read_archive(in.text("archive"), in.text("path"));
  if (!in.with.same_user)
    return refuse(core::error{.code = core::errc::permission_denied,
                              .message = "'file' is for those who run the gateway themselves: send "
                                         "the workflow, or an archive of its folder",
                              .origin = "gateway"});
  return read_here(in.text("file"));
}

outcome<ordered_json> hand_in(const request& in, described_work from) {
  const auto& values = in.with.what.values;
  const auto refuse_located = [&](core::error why) {
    return refuse(from.file.empty() ? std::move(why) : node::located(std::move(why), from.file));
  };
  auto fine =
      node::settle_sandboxes(from.work, {node::seen_from(values.sandbox_option, from.folder), {}});
  if (fine)
    fine = node::check_enforceable(from.work);
  if (!fine)
    return refuse_located(fine.error());
  auto warnings = ordered_json::array();
  for (const std::string& each : from.work.warnings)
    warnings.push_back(each);
  node::hand_in_options how{.folder = from.folder,
                            .warn = [&](const std::string& each) { warnings.push_back(each); }};
  if (const std::string id = in.text("id"); !id.empty()) {
    if (id.size() > core::client_id_max)
      return refuse(core::error{.code = core::errc::invalid_argument,
                                .message = fmt::format("'id' has {} bytes, at most {} are allowed",
                                                       id.size(), core::client_id_max),
                                .origin = "gateway"});
    how.id = id;
  }
  const std::string name = from.work.name;
  const auto run = node::hand_in({in.session(), in.cluster->address}, std::move(from.work), how);
  if (!run)
    return refuse_located(run.error());
  return ordered_json{
      {"run", core::to_string(*run)}, {"name", name}, {"warnings", std::move(warnings)}};
}

outcome<ordered_json> submit(const request& in) {
  auto work = read(in);
  if (!work)
    return tl::unexpected(std::move(work.error()));
  return hand_in(in, std::move(*work));
}

outcome<ordered_json> validate(const request& in) {
  const auto work = read(in);
  if (!work)
    return tl::unexpected(work.error());
  auto warnings = ordered_json::array();
  for (const std::string& each : work->work.warnings)
    warnings.push_back(each);
  return ordered_json{{"valid", true},
                      {"name", work->work.name},
                      {"tasks", work->work.tasks.size()},
                      {"warnings", std::move(warnings)}};
}

outcome<ordered_json> guide(const request&) { return ordered_json{{"guide", workflow_guide()}}; }

outcome<std::string> print_guide(const request&) { return std::string(workflow_guide()); }

/// A workflow of one task, whose result is that task's.
outcome<ordered_json> submit_one(const request& in) {
  const std::string name = in.arguments.contains("name") ? in.text("name") : "task";
  nlohmann::json task = in.arguments.at("task");
  const bool prints = task.contains("command") || task.contains("shell");
  nlohmann::json work{{"maze", 1}, {"name", name}};
  if (prints && !task.contains("output") && !task.contains("outputs"))
    task["output"] = {{"run", "dict"}};
  if (const auto output = task.find("output"); output != task.end() && output->is_object()
                                               && output->size() == 1
                                               && core::is_name(output->items().begin().key()))
    work["result"] = fmt::format("{}.output.{}", name, output->items().begin().key());
  work["tasks"] = {{name, std::move(task)}};
  auto read = read_text(work.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                        in.with.same_user);
  if (!read) {
    if (read.error().faults.empty())
      return tl::unexpected(std::move(read.error()));
    // There is no text of theirs that lines could be counted in.
    for (io::diagnostic& fault : read.error().faults)
      fault.file = "task", fault.line = fault.column = 0;
    return refuse(std::move(read.error().faults));
  }
  auto out = hand_in(in, std::move(*read));
  if (out)
    (*out)["task"] = name;
  return out;
}

} // namespace

std::vector<operation> submit_operations() {
  const parameter workflow{"workflow", value_kind::text, false,
                           "the text of a workflow file, YAML or JSON"};
  const parameter file{"file", value_kind::text, false,
                       "or the path of one on this machine, whose folder holds what it names"};
  const parameter archive{"archive", value_kind::text, false, "or a tar archive of its folder"};
  const parameter path{"path", value_kind::text, false,
                       "the workflow file in the archive; needed where it holds several"};
  const parameter id{"id", value_kind::text, false,
                     "the same id again gives the same run: for submits that may be repeated"};
  return {
      {"submit_workflow",
       "Hand a workflow in",
       "Starts a run of a workflow in YAML or JSON: workflow_guide says how to write one. Returns "
       "the "
       "id of the run; get_run waits for its end.",
       effect::adds,
       {workflow, file, archive, path, id},
       submit},
      {"submit_task",
       "Run one task",
       "Starts a run of one task. Its output is the result: what it prints and its status, unless "
       "it "
       "declares another.",
       effect::adds,
       {{"task", value_kind::object, true,
         "the keys of a task in a workflow, as workflow_guide has them, for example {\"shell\": "
         "\"nvidia-smi\", \"labels\": {\"node\": \"w1\"}} or {\"code\": \"def f(n): return n + "
         "1\", \"inputs\": {\"n\": 1}, \"output\": {\"r\": \"int\"}}"},
        {"name", value_kind::text, false, "what it is called (task)"},
        id},
       submit_one},
      {"validate_workflow",
       "Check a workflow",
       "Every fault of it with line, field and remedy; nothing is run.",
       effect::reads,
       {workflow, file, archive, path},
       validate,
       nullptr,
       false},
      {"workflow_guide",
       "How to write a workflow",
       "All that is needed for most workflows, with two examples: read it before you write one.",
       effect::reads,
       {},
       guide,
       print_guide,
       false},
  };
}

} // namespace maze::gateway
