#include "maze/io/workflow_links.hpp"

#include "maze/core/graph.hpp"
#include "maze/core/output_type.hpp"
#include "maze/core/suggestion.hpp"
#include "maze/io/value_types.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace maze::io {

namespace {

/// One task that another waits for, and where that was written.
struct edge {
  std::size_t to = 0;
  std::size_t offset = 0;
  const std::string* field = nullptr;
};

class link_checker {
public:
  link_checker(findings& found, const std::vector<read_task_result>& tasks)
      : found_(found), tasks_(tasks), edges_(tasks.size()) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      by_name_.try_emplace(tasks[i].spec.name, i);
      names_.push_back(tasks[i].spec.name);
    }
  }

  void task(std::size_t index) {
    for (const auto& site : tasks_[index].sites.lookalikes)
      lookalike(site);
    for (const auto& site : tasks_[index].sites.references)
      if (const auto target = reference(site))
        depend(index, {*target, site.offset, &site.field});
    for (const auto& site : tasks_[index].after) {
      const auto known = by_name_.find(site.name);
      if (known == by_name_.end())
        report(codes::unknown_task, site.offset, site.field,
               fmt::format("no task is named {}", site.name), suggest(site.name));
      else
        depend(index, {known->second, site.offset, &site.field});
    }
  }

  /// The task that the reference leads to, if it exists.
  std::optional<std::size_t> reference(const reference_site& site);
  void cycles();

private:
  void lookalike(const named_site& site);
  void report_lookalike(const named_site& site, std::string_view task, std::string_view meant);
  /// Looks through all names, so it stops when more findings than are shown have asked.
  std::string suggest(std::string_view name) {
    return ++suggestions_ > findings::count_max ? std::string()
                                                : core::did_you_mean(name, names_, "the tasks are");
  }
  void check_path(const reference_site& site, const read_task_result& target);
  void unknown_output(const reference_site& site, const core::task_output& output);
  void check_part(const reference_site& site, const core::path_step& step);
  void check_inside(const reference_site& site, const core::output_spec& declared);
  void check_end(const reference_site& site, std::string_view part, std::string_view type,
                 std::size_t depth);
  void check_type(const reference_site& site, std::string_view actual);
  void depend(std::size_t from, const edge& needed);
  void report_cycle(const std::vector<std::size_t>& cycle, const edge& first);

  void report(std::string_view code, std::size_t offset, const std::string& field,
              std::string message, std::string remedy) {
    found_.report({code, offset, field, std::move(message), std::move(remedy)});
  }

  findings& found_;
  const std::vector<read_task_result>& tasks_;
  std::vector<std::vector<edge>> edges_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<std::string_view> names_;
  std::size_t suggestions_ = 0;
};

bool is_command_part(std::string_view name) { return !core::command_part_types(name).empty(); }

void link_checker::lookalike(const named_site& site) {
  const std::string_view text = site.name;
  const auto dot = text.find('.');
  const auto known = by_name_.find(text.substr(0, dot));
  if (known == by_name_.end() || !tasks_[known->second].output_known)
    return;
  const auto& target = tasks_[known->second].spec;
  const auto& [form, keys] = target.output;
  const auto rest = text.substr(dot + 1);
  if (form == core::output_form::many || core::is_function(target)) {
    constexpr std::string_view misspelt = "outputs.";
    const auto meant = rest.starts_with(misspelt) ? rest.substr(misspelt.size()) : rest;
    if (target.output.find(meant.substr(0, meant.find_first_of(".["))) != nullptr)
      report_lookalike(site, known->first, meant);
    return;
  }
  const std::string_view key = keys.front().key;
  const bool key_first =
      rest.starts_with(key)
      && (rest.size() == key.size()
          || (rest[key.size()] == '.' && is_command_part(rest.substr(key.size() + 1))));
  if (!key_first && !is_command_part(rest))
    return;
  report_lookalike(site, known->first,
                   key_first ? std::string(rest) : fmt::format("{}.{}", key, rest));
}

void link_checker::report_lookalike(const named_site& site, std::string_view task,
                                    std::string_view meant) {
  report(
      codes::reference_without_output, site.offset, site.field,
      fmt::format("{} reads as a reference to the task {}, but lacks `.output`", site.name, task),
      fmt::format("write {}.output.{}; for the text itself {{literal: \"{}\"}}", task, meant,
                  site.name));
}

std::string step_text(const core::path_step& step) {
  if (const auto* key = std::get_if<std::string>(&step))
    return *key;
  return fmt::format("[{}]", std::get<std::uint64_t>(step));
}

std::optional<std::size_t> link_checker::reference(const reference_site& site) {
  const auto known = by_name_.find(site.target.task);
  if (known == by_name_.end()) {
    const auto text = core::to_string(site.target);
    report(codes::unknown_task, site.offset, site.field,
           fmt::format("{} refers to the task {}, which does not exist", text, site.target.task),
           fmt::format("{}; for the text itself write {{literal: \"{}\"}}",
                       suggest(site.target.task), text));
    return std::nullopt;
  }
  if (tasks_[known->second].output_known)
    check_path(site, tasks_[known->second]);
  return known->second;
}

void link_checker::check_path(const reference_site& site, const read_task_result& target) {
  const auto& path = site.target.path;
  if (path.empty()) {
    check_type(site, "dict");
    return;
  }
  const auto& [form, keys] = target.spec.output;
  const auto* key = std::get_if<std::string>(&path[0]);
  const auto* declared = key == nullptr ? nullptr : target.spec.output.find(*key);
  if (declared == nullptr)
    unknown_output(site, target.spec.output);
  else if (core::is_function(target.spec))
    check_inside(site, *declared);
  else if (form == core::output_form::many)
    check_end(site, declared->key, core::command_part_type(declared->key, declared->type), 1);
  else if (path.size() == 1)
    check_type(site, "dict");
  else
    check_part(site, path[1]);
}

void link_checker::unknown_output(const reference_site& site, const core::task_output& output) {
  const auto name = step_text(site.target.path[0]);
  std::vector<std::string_view> keys;
  for (const auto& one : output.keys)
    keys.push_back(one.key);
  report(codes::unknown_output, site.offset, site.field,
         fmt::format("the task {} has no output {}", site.target.task, name),
         keys.size() > 1 ? core::did_you_mean(name, keys, "its outputs are")
                         : fmt::format("its output is {0}: write {1}.output.{0}", keys.front(),
                                       site.target.task));
}

/// @param depth  Steps of the path that lead to the part, which nothing lies inside of.
void link_checker::check_end(const reference_site& site, std::string_view part,
                             std::string_view type, std::size_t depth) {
  if (site.target.path.size() == depth)
    check_type(site, type);
  else
    report(codes::unknown_output_part, site.offset, site.field,
           fmt::format("{} is of type {}, there is nothing inside it", part, type),
           fmt::format("end the reference behind {}", part));
}

void link_checker::check_part(const reference_site& site, const core::path_step& step) {
  const auto name = step_text(step);
  if (is_command_part(name))
    return check_end(site, name, core::command_part_type(name), 2);
  report(codes::unknown_output_part, site.offset, site.field,
         fmt::format("the output of a command has no part {}", name),
         core::did_you_mean(name, core::command_parts, "its parts are"));
}

/// What lies inside of what a function gives shows only when it was called.
void link_checker::check_inside(const reference_site& site, const core::output_spec& declared) {
  if (site.target.path.size() == 1)
    return check_type(site, declared.type);
  const bool by_key = std::holds_alternative<std::string>(site.target.path[1]);
  const std::string_view holder = by_key ? "dict" : "list";
  if (declared.type == "any" || declared.type == holder)
    return;
  report(codes::unknown_output_part, site.offset, site.field,
         fmt::format("{} is of type {}, there is no {} inside it", declared.key, declared.type,
                     step_text(site.target.path[1])),
         fmt::format("end the reference behind {}, or declare the output as {}", declared.key,
                     holder));
}

void link_checker::check_type(const reference_site& site, std::string_view actual) {
  const auto text = core::to_string(site.target);
  if (site.wanted == "word") {
    if (actual == "dict" || actual == "list")
      report(codes::not_a_word, site.offset, site.field,
             fmt::format("{} is a {} and cannot be one word of a command", text,
                         actual == "dict" ? "dictionary" : "list"),
             actual == "dict"
                 ? "refer to its exit_code, stdout or stderr, or to what else lies in it"
                 : "refer to one of its elements");
    if (actual == "bytes")
      report(codes::not_a_word, site.offset, site.field,
             fmt::format("{} is of type bytes and cannot be one word of a command", text),
             "declare it as string where it is text");
    return;
  }
  if (!core::type_may_be(actual, site.wanted))
    report(codes::type_mismatch, site.offset, site.field,
           fmt::format("the parameter is of type {}, {} is {}", site.wanted, text, actual),
           fmt::format("declare the parameter as {}, or refer to something else", actual));
}

void link_checker::depend(std::size_t from, const edge& needed) {
  if (needed.to == from)
    report(codes::self_reference, needed.offset, *needed.field,
           fmt::format("the task {} waits for itself", tasks_[from].spec.name),
           "refer to another task, or remove this");
  else
    edges_[from].push_back(needed);
}

void link_checker::report_cycle(const std::vector<std::size_t>& cycle, const edge& first) {
  std::string path;
  for (const auto task : cycle)
    path += (path.empty() ? "" : " -> ") + tasks_[task].spec.name;
  report(codes::cycle, first.offset, *first.field,
         fmt::format("tasks wait for each other: {}", path), "remove one of these dependencies");
}

void link_checker::cycles() {
  std::vector<std::vector<std::size_t>> graph(edges_.size());
  for (std::size_t i = 0; i < edges_.size(); ++i)
    for (const auto& edge : edges_[i])
      graph[i].push_back(edge.to);
  // Each round takes the edges of one cycle out of the graph, so every round finds another one.
  for (std::size_t round = 0; round < findings::count_max; ++round) {
    auto cycle = core::find_cycle(graph);
    if (!cycle)
      return;
    cycle->pop_back();
    std::rotate(cycle->begin(), std::min_element(cycle->begin(), cycle->end()), cycle->end());
    cycle->push_back(cycle->front());
    const auto from = (*cycle)[0];
    const auto to = (*cycle)[1];
    const auto written = std::find_if(edges_[from].begin(), edges_[from].end(),
                                      [to](const edge& x) { return x.to == to; });
    report_cycle(*cycle, *written);
    for (std::size_t i = 0; i + 1 < cycle->size(); ++i)
      std::erase(graph[(*cycle)[i]], (*cycle)[i + 1]);
  }
}

} // namespace

void check_links(findings& found, const std::vector<read_task_result>& tasks,
                 const std::optional<reference_site>& result) {
  link_checker check(found, tasks);
  for (std::size_t i = 0; i < tasks.size(); ++i)
    check.task(i);
  if (result)
    check.reference(*result);
  check.cycles();
}

} // namespace maze::io
