#include "node/options.hpp"

#include "maze/core/printable.hpp"
#include "maze/core/suggestion.hpp"
#include "node/command_rules.hpp"
#include "node/config_file.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace maze::node {

namespace {

constexpr std::string_view program = "maze-node";

/// Set for tasks by maze itself, so that a task may start maze-node; and by its own start-up.
constexpr std::array foreign_variables{"MAZE_CONFIG", "MAZE_RUN", "MAZE_TASK", "MAZE_ATTEMPT"};
/// One variable for each input of a task.
constexpr std::string_view input_variables = "MAZE_INPUT_";

bool has_flag(const command_rule& what, const setting_rule& rule) {
  return std::find(what.keys.begin(), what.keys.end(), rule.key) != what.keys.end();
}

refusal wrong_use(const std::string& why, std::string_view subcommand) {
  return {2, fmt::format("{}: {}\nTry '{}{}{} --help'.\n", program, why, program,
                         subcommand.empty() ? "" : " ", subcommand)};
}

/// What the command line says, before anything is interpreted.
struct spoken {
  const command_rule* what = nullptr;
  std::vector<std::string> words;
  std::optional<std::string> config;
  /// Of settings, by key.
  std::map<std::string_view, std::string> flags;
  /// Of the command alone, by name; `true` for a switch.
  flag_texts own_flags;
};

struct subcommand {
  const command_rule* rule;
  CLI::App* app;
};

void declare(CLI::App& app, const flag_rule& flag, spoken& to) {
  const std::string spelled = fmt::format("--{}", flag.name);
  const std::string help(flag.help);
  const auto name = flag.name;
  if (flag.form.empty())
    app.add_flag_function(
        spelled,
        [&to, name](std::int64_t times) { to.own_flags[name] = times > 0 ? "true" : "false"; },
        help);
  else
    app.add_option_function<std::string>(
           spelled, [&to, name](const std::string& text) { to.own_flags[name] = text; }, help)
        ->type_name(std::string(flag.form));
}

void declare(CLI::App& app, const command_rule& what, spoken& to) {
  app.footer(std::string(what.examples));
  app.allow_extras();
  for (std::size_t i = 0; i < what.words.size(); ++i)
    app.add_option_function<std::string>(
           std::string(what.words[i].name),
           [&to, i](const std::string& text) {
             to.words.resize(std::max(to.words.size(), i + 1));
             to.words[i] = text;
           },
           std::string(what.words[i].help))
        ->type_name("");
  if (what.command == command::version)
    return;
  app.add_option("--config", to.config, "Read settings from FILE")->type_name("FILE");
  for (const auto& flag : what.flags)
    declare(app, flag, to);
  for (const auto& rule : setting_rules()) {
    if (!has_flag(what, rule))
      continue;
    const auto key = rule.key;
    const std::string help(rule.help);
    if (rule.repeats)
      app.add_option_function<std::vector<std::string>>(
             flag_of(rule),
             [&to, key](const std::vector<std::string>& all) {
               to.flags[key] = fmt::format("{}", fmt::join(all, ","));
             },
             help)
          ->type_name(std::string(rule.form))
          ->allow_extra_args(false);
    else if (rule.form.empty())
      app.add_flag_function(
          flag_of(rule),
          [&to, key](std::int64_t times) { to.flags[key] = times > 0 ? "true" : "false"; }, help);
    else
      app.add_option_function<std::string>(
             flag_of(rule), [&to, key](const std::string& text) { to.flags[key] = text; }, help)
          ->type_name(std::string(rule.form));
  }
}

/// Says what is wrong with the first argument that nothing asked for.
refusal unexpected(const std::string& argument, const command_rule& what) {
  if (argument.size() < 2 || argument[0] != '-')
    return wrong_use(fmt::format("unexpected argument '{}'", argument), what.name);
  std::vector<std::string> flags{"--help"};
  if (what.command != command::version)
    flags.emplace_back("--config");
  for (const auto& flag : what.flags)
    flags.push_back(fmt::format("--{}", flag.name));
  for (const auto& rule : setting_rules())
    if (has_flag(what, rule))
      flags.push_back(flag_of(rule));
  const std::vector<std::string_view> words(flags.begin(), flags.end());
  return wrong_use(fmt::format("'{}' has no flag '{}'; {}", what.name, argument,
                               core::did_you_mean(argument, words, "its flags are")),
                   what.name);
}

refusal no_command(const std::vector<std::string>& rest) {
  std::vector<std::string_view> names;
  for (const auto& rule : command_rules())
    names.push_back(rule.name);
  if (rest.empty())
    return wrong_use(fmt::format("a command is missing: {}", fmt::join(names, ", ")), "");
  if (rest.front().starts_with('-'))
    return wrong_use(
        fmt::format("'{}' must follow a command: {}", rest.front(), fmt::join(names, ", ")), "");
  return wrong_use(fmt::format("there is no command '{}'; {}", rest.front(),
                               core::did_you_mean(rest.front(), names, "the commands are")),
                   "");
}

/// CLI11 says "--jobs: 1 required N missing" and "--jobs: At Most 1 required but received 2".
std::string say(const CLI::ParseError& fault) {
  const std::string text = fault.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&fault) == nullptr)
    return text;
  const auto flag = text.substr(0, text.find(':'));
  return text.find("At Most") == std::string::npos
             ? fmt::format("flag {} needs a value", flag)
             : fmt::format("flag {} is given more than once", flag);
}

tl::expected<spoken, refusal> listen(const std::vector<std::string>& arguments) {
  spoken out;
  CLI::App app("Runs workflows of tasks in their own processes.", std::string(program));
  app.footer("'maze-node COMMAND --help' shows the flags and examples of a command.\n"
             "Every setting can also stand in the configuration file (log_level: debug) or in a\n"
             "variable (MAZE_LOG_LEVEL=debug); flags win over variables, those over the file.\n"
             "Exit codes: 0 done, 1 the run failed, 2 wrong use or invalid file, 3 no cluster or\n"
             "not allowed, 4 cancelled, 5 timed out, 130 interrupted.");
  app.allow_extras();
  // At most one, so that the name of a command can be a file's name after another command.
  app.require_subcommand(0, 1);
  std::vector<subcommand> subcommands;
  for (const auto& rule : command_rules()) {
    auto* sub = app.add_subcommand(std::string(rule.name), std::string(rule.help));
    declare(*sub, rule, out);
    subcommands.push_back({&rule, sub});
  }
  const auto chosen = [&]() -> const subcommand* {
    for (const auto& sub : subcommands)
      if (sub.app->parsed())
        return &sub;
    return nullptr;
  };
  // CLI11 takes the last argument first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& fault) {
    std::ostringstream help;
    std::ostringstream ignored;
    if (app.exit(fault, help, ignored) == 0)
      return tl::unexpected(refusal{0, help.str()});
    const auto* sub = chosen();
    return tl::unexpected(wrong_use(say(fault), sub == nullptr ? "" : sub->rule->name));
  }
  const auto rest = app.remaining();
  const auto* sub = chosen();
  if (sub == nullptr || !rest.empty())
    return tl::unexpected(no_command(rest));
  for (const auto& extra : sub->app->remaining())
    if (extra != "--")
      return tl::unexpected(unexpected(extra, *sub->rule));
  for (std::size_t i = 0; i < sub->rule->words.size(); ++i)
    if (const auto& word = sub->rule->words[i];
        !word.missing.empty() && (out.words.size() <= i || out.words[i].empty()))
      return tl::unexpected(wrong_use(std::string(word.missing), sub->rule->name));
  out.what = sub->rule;
  return out;
}

/// Names the variables that look like maze's and are none: typing errors would go unnoticed, and other
/// programs may set such for themselves.
std::vector<std::string> odd_variables(const surroundings& around) {
  std::vector<std::string> known(foreign_variables.begin(), foreign_variables.end());
  for (const auto& rule : setting_rules())
    known.push_back(variable_of(rule));
  const std::vector<std::string_view> words(known.begin(), known.end());
  std::vector<std::string> out;
  for (const auto& [name, text] : around.environment)
    if (name.starts_with("MAZE_") && !name.starts_with(input_variables)
        && std::find(known.begin(), known.end(), name) == known.end())
      out.push_back(fmt::format("maze has no variable {} and ignores it; {}", core::printable(name),
                                core::nearest(name, words)
                                    ? core::did_you_mean(name, words, {})
                                    : "'maze-node config' lists its settings"));
  return out;
}

core::result<config_entries> find_config(const spoken& said, const surroundings& around) {
  if (said.config)
    return read_config(*said.config);
  if (const auto named = around.environment.find("MAZE_CONFIG");
      named != around.environment.end() && !named->second.empty())
    return read_config(named->second);
  const auto usual = default_config_file(around);
  std::error_code ignored;
  if (usual.empty() || !std::filesystem::exists(usual, ignored))
    return config_entries{};
  return read_config(usual);
}

/// The text of a setting from the strongest source that has one.
effective_setting settle(const setting_rule& rule, const spoken& said, const config_entries& file,
                         const surroundings& around) {
  const std::string key(rule.key);
  if (const auto flag = said.flags.find(rule.key); flag != said.flags.end())
    return {key, flag->second, "flag " + flag_of(rule)};
  const auto variable = variable_of(rule);
  if (const auto found = around.environment.find(variable); found != around.environment.end())
    return {key, found->second, "variable " + variable};
  if (const auto entry = file.find(rule.key); entry != file.end())
    return {key, entry->second.text, entry->second.place};
  return {key, default_text(rule, around), "default"};
}

core::result<void> fill(options& out, const spoken& said, const surroundings& around) {
  out.warnings = odd_variables(around);
  const auto file = find_config(said, around);
  if (!file)
    return core::fail(file.error());
  for (const auto& rule : setting_rules()) {
    auto set = settle(rule, said, *file, around);
    const bool left_open = set.origin == "default" && set.text.empty();
    if (!left_open)
      if (auto read = rule.read(out.values, set.text); !read)
        return core::fail(core::errc::invalid_argument,
                          fmt::format("{}: {}", set.origin, read.error().message));
    out.effective.push_back(std::move(set));
  }
  if (out.values.dir.empty())
    return core::fail(core::errc::invalid_argument,
                      "there is no folder for the state: neither HOME nor XDG_STATE_HOME is set; "
                      "give one with --dir");
  return {};
}

} // namespace

std::string_view origin_of(const options& what, std::string_view key) {
  const auto found = std::find_if(what.effective.begin(), what.effective.end(),
                                  [&](const effective_setting& one) { return one.key == key; });
  return found == what.effective.end() ? std::string_view("default") : found->origin;
}

bool is_given(const options& what, std::string_view key) {
  return origin_of(what, key) != "default";
}

tl::expected<options, refusal> read_options(const std::vector<std::string>& arguments,
                                            const surroundings& around) {
  // What people type first, whatever the grammar.
  if (arguments == std::vector<std::string>{"help"})
    return read_options({"--help"}, around);
  if (arguments == std::vector<std::string>{"--version"})
    return read_options({"version"}, around);
  const auto said = listen(arguments);
  if (!said)
    return tl::unexpected(said.error());
  options out{.command = said->what->command, .words = said->words};
  if (!out.words.empty())
    out.file = out.words.front();
  auto flags = read_flags(said->own_flags);
  if (!flags)
    return tl::unexpected(wrong_use(flags.error().message, said->what->name));
  out.flags = *flags;
  if (out.command == command::version)
    return out;
  if (const auto filled = fill(out, *said, around); !filled)
    return tl::unexpected(wrong_use(filled.error().message, said->what->name));
  return out;
}

} // namespace maze::node
