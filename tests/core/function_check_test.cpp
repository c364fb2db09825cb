#include "maze/core/function_check.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using Catch::Contains;

namespace {

/// `text.count(path: path, top: int = 10, share: float = 0.5) -> dict` and `text.words(path: path) -> list`.
library_descriptions text_library() {
  library_description text;
  text.name = "text";
  text.functions = {
      {.name = "count",
       .parameters = {{"path", "path", std::nullopt},
                      {"top", "int", value(10)},
                      {"share", "float", value(0.5)}},
       .result = "dict"},
      {.name = "words", .parameters = {{"path", "path", std::nullopt}}, .result = "list"},
      {.name = "nothing", .result = "null"}};
  return {{"text", text}};
}

/// A task that counts the words of a.txt.
task_spec counting() {
  task_spec out;
  out.name = "count";
  out.action = function_action{"text", "count"};
  out.parameters = {{"path", "any", std::nullopt}};
  out.inputs["path"] = {value("a.txt")};
  out.output = {output_form::one, {{"table", "dict"}}};
  return out;
}

error refused(const task_spec& task, const context_map& context = {}) {
  const auto fine = check_functions(std::vector{task}, text_library(), context);
  REQUIRE_FALSE(fine);
  return fine.error();
}

bool fine(const task_spec& task, const context_map& context = {}) {
  return check_functions(std::vector{task}, text_library(), context).has_value();
}

} // namespace

TEST_CASE("a task that fits its function passes, and tasks of other kinds are passed over",
          "[core][function_check]") {
  CHECK(fine(counting()));
  task_spec shell;
  shell.name = "other";
  shell.action = shell_action{"true"};
  CHECK(fine(shell));
  shell.action = python_action{python_source::code, "def f(): pass", ""};
  CHECK(fine(shell));
}

TEST_CASE("a function that no library has is not trusted", "[core][function_check]") {
  auto task = counting();
  task.action = function_action{"text", "cuont"};
  CHECK(refused(task).code == errc::untrusted_function);
  CHECK_THAT(refused(task).message,
             Contains("task 'count'") && Contains("'text'") && Contains("did you mean `count`?"));
  task.action = function_action{"text", "paint"};
  CHECK_THAT(refused(task).message, Contains("its functions are `count`, `words`"));
  task.action = function_action{"txt", "count"};
  CHECK(refused(task).code == errc::untrusted_function);
  CHECK_THAT(refused(task).message, Contains("'txt'") && Contains("did you mean `text`?"));
  CHECK_THAT(check_functions(std::vector{task}, {}, {}).error().message,
             Contains("no library at all"));
  CHECK_THAT(check_functions(std::vector{counting()}, {{"text", {}}}, {}).error().message,
             Contains("none at all"));
}

TEST_CASE("an input that is no parameter is named with the nearest one", "[core][function_check]") {
  auto task = counting();
  task.parameters.push_back({"pth", "any", std::nullopt});
  CHECK(refused(task).code == errc::invalid_payload);
  CHECK_THAT(refused(task).message,
             Contains("text.count") && Contains("'pth'") && Contains("did you mean `path`?"));
  task.action = function_action{"text", "nothing"};
  task.output.keys = {{"r", "null"}};
  CHECK_THAT(refused(task).message, Contains("none at all"));
}

TEST_CASE("a parameter gets its value from an input, the context or a default",
          "[core][function_check]") {
  auto task = counting();
  task.inputs.clear();
  task.parameters.clear();
  CHECK(refused(task).code == errc::input_missing);
  CHECK_THAT(refused(task).message, Contains("'path' of type path has no value"));
  CHECK(fine(task, {{"path", {value("b.txt"), true}}}));
  task.parameters = {{"path", "string", value("c.txt")}};
  CHECK(fine(task));
}

TEST_CASE("a value of a wrong type is refused without being shown", "[core][function_check]") {
  auto task = counting();
  task.inputs["path"] = {value(7)};
  CHECK(refused(task).code == errc::invalid_payload);
  CHECK_THAT(refused(task).message, Contains("'path' is of type path, the task's input is int"));
  task.inputs["path"] = {input_list{}};
  CHECK_THAT(refused(task).message, Contains("the task's input is list"));
  task.inputs["path"] = {reference{"split", {std::string("run")}}};
  CHECK(fine(task));
  const auto secret = refused(task, {{"top", {value("hunter2"), true}}});
  CHECK_THAT(secret.message, Contains("the context's entry is string") && !Contains("hunter2"));
  task.parameters.push_back({"top", "any", value("ten")});
  CHECK_THAT(refused(task).message, Contains("the task's default is string"));
}

TEST_CASE("a reference to something of another type is refused before anything runs",
          "[core][function_check]") {
  task_spec list;
  list.name = "list";
  list.action = shell_action{"ls"};
  list.output = {output_form::one, {{"run", "dict"}}};
  auto task = counting();
  const auto check = [&](const char* path, const char* top) {
    task.inputs["path"] = {parse_reference(path).value()};
    task.inputs["top"] = {parse_reference(top).value()};
    return check_functions(std::vector{task, list, counting()}, text_library(), {});
  };
  CHECK(check("list.output.run.stdout", "list.output.run.exit_code"));
  const auto dictionary = check("list.output.run", "list.output.run.exit_code");
  REQUIRE_FALSE(dictionary);
  CHECK(dictionary.error().code == errc::invalid_payload);
  CHECK_THAT(dictionary.error().message,
             Contains("'path' is of type path, list.output.run is dict: refer to"));
  const auto text = check("list.output.run.stdout", "list.output.run.stderr");
  REQUIRE_FALSE(text);
  CHECK_THAT(text.error().message, Contains("'top' is of type int"));
  CHECK(check("list.output.run.stdout", "count.output.table.words"));
}

TEST_CASE("a whole number passes as float", "[core][function_check]") {
  auto task = counting();
  task.parameters.push_back({"share", "any", std::nullopt});
  task.inputs["share"] = {value(1)};
  CHECK(fine(task));
}

TEST_CASE("a type that a task declares for a parameter must agree with the function",
          "[core][function_check]") {
  auto task = counting();
  task.parameters[0].type = "list";
  CHECK_THAT(refused(task).message, Contains("the task declares it as list"));
  task.parameters[0].type = "string";
  CHECK(fine(task));
  task.parameters.push_back({"share", "int", std::nullopt});
  CHECK_THAT(refused(task).message, Contains("'share' is of type int, its default is float"));
}

TEST_CASE("an output that the function cannot give is refused", "[core][function_check]") {
  auto task = counting();
  task.output.keys[0].type = "int";
  CHECK(refused(task).code == errc::invalid_payload);
  CHECK_THAT(refused(task).message,
             Contains("it returns dict") && Contains("'table' as int") && Contains("write dict"));
  task.output.keys[0].type = "any";
  CHECK(fine(task));
  task.output = {output_form::many, {{"words", "int"}, {"lines", "int"}}};
  CHECK(fine(task));
  task.action = function_action{"text", "words"};
  CHECK_THAT(refused(task).message, Contains("it returns list") && Contains("outputs: many"));
}

TEST_CASE("a task gets the parameters of its function, and keeps what it said itself",
          "[core][function_check]") {
  std::vector tasks{counting(), counting(), counting()};
  tasks[0].parameters = {{"top", "any", value(3)}, {"path", "string", std::nullopt}};
  tasks[1].parameters.clear();
  tasks[2].action = shell_action{"true"};
  complete_functions(tasks, text_library());
  CHECK(tasks[0].parameters
        == std::vector<parameter>{{"path", "string", std::nullopt},
                                  {"top", "int", value(3)},
                                  {"share", "float", value(0.5)}});
  CHECK(tasks[1].parameters == text_library().at("text").functions[0].parameters);
  CHECK(tasks[2].parameters == counting().parameters);
  auto strange = std::vector{counting()};
  complete_functions(strange, {});
  CHECK(strange[0] == counting());
  strange[0].action = function_action{"text", "paint"};
  complete_functions(strange, text_library());
  CHECK(strange[0].parameters == counting().parameters);
}

TEST_CASE("a task needs what its function needs, but for what was written",
          "[core][function_check]") {
  auto libraries = text_library();
  libraries.at("text").functions[0].needs = resources{2500, byte_count{1 << 20}, 1};
  std::vector tasks{counting(), counting()};
  tasks[1].needs = {.cpu_millis = 1000, .memory = byte_count{7}};
  tasks[1].written = {.cpus = true, .memory = true};
  complete_functions(tasks, libraries);
  CHECK(tasks[0].needs == resources{2500, byte_count{1 << 20}, 1});
  CHECK(tasks[1].needs == resources{1000, byte_count{7}, 1});
}

TEST_CASE("a task that chooses its GPUs itself gets none from its function",
          "[core][function_check]") {
  auto libraries = text_library();
  libraries.at("text").functions[0].needs = resources{0, byte_count{}, 1};
  std::vector tasks{counting()};
  CHECK(check_functions(tasks, libraries, {}));
  tasks[0].environment["CUDA_VISIBLE_DEVICES"] = "0";
  const auto refused = check_functions(tasks, libraries, {});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("take CUDA_VISIBLE_DEVICES out"));
  tasks[0].written.gpus = true;
  REQUIRE(check_functions(tasks, libraries, {}));
  complete_functions(tasks, libraries);
  // A function that names no cores leaves the one of the task.
  CHECK(tasks[0].needs == resources{1000, byte_count{}, 0});
}

TEST_CASE("large libraries and pickled functions are worth a word, with a remedy",
          "[core][function_check]") {
  task_spec small = counting();
  task_spec pickled;
  pickled.name = "predict";
  pickled.action = python_action{python_source::pickle, std::string(pickle_size_large, 'A'), ""};
  const auto told =
      oversized_code(std::vector{small, pickled}, {{"text", {{1, 2}, library_size_large - 1}},
                                                   {"model", {{1, 3}, library_size_large}}});
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[0], Contains("'model' has 64 MiB") && Contains("strip --strip-debug"));
  CHECK_THAT(told[1], Contains("'predict' has 8 MiB") && Contains("as a file"));
}
