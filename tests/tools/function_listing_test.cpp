#include "node/function_listing.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace maze;

namespace {

node::found_library text_library() {
  core::function_signature count{.name = "count",
                                 .description = "Counts words.\nAnd a second line.",
                                 .parameters = {{"path", "path", std::nullopt},
                                                {"top", "int", core::value(10)},
                                                {"rest", "any", core::value(core::list{1, "a"})}},
                                 .result = "dict",
                                 .needs = core::resources{2500, core::byte_count{1 << 30}, 0},
                                 .about = {{"backend", "torch"}}};
  return {
      "text", "lib/libtext.so", false, {1, 2}, {"text", "1.0", "g++ 12", {count, {.name = "go"}}}};
}

} // namespace

TEST_CASE("a signature reads like a declaration", "[tools]") {
  const auto library = text_library();
  CHECK(node::signature_text(library.description.functions[0])
        == R"(count(path: path, top: int = 10, rest = [1,"a"]) -> dict)");
  CHECK(node::signature_text(library.description.functions[1]) == "go()");
}

TEST_CASE("functions are listed a line each, by the name that tasks use", "[tools]") {
  auto script = text_library();
  script.name = "app.py";
  script.python = true;
  script.description.functions.resize(1);
  const auto text = node::show({text_library(), script}, {});
  CHECK(text.find("text.count    (path: path, top: int = 10") != std::string::npos);
  CHECK(text.find("app.py:count  (path") != std::string::npos);
  CHECK(text.find("Counts words.\n") != std::string::npos);
  CHECK(text.find("second") == std::string::npos);
}

TEST_CASE("programs get all of it", "[tools]") {
  const auto read =
      nlohmann::json::parse(node::show({text_library()}, {node::output_form::json, false}));
  const auto& library = read.at("libraries").at(0);
  CHECK(library.at("library") == "text");
  CHECK(library.at("kind") == "library");
  const auto& count = library.at("functions").at(0);
  CHECK(count.at("parameters").at(1)
        == nlohmann::json{{"name", "top"}, {"type", "int"}, {"default", 10}});
  CHECK(count.at("needs").at("cpus") == 2.5);
  CHECK(count.at("about").at("backend") == "torch");
  CHECK_FALSE(library.at("functions").at(1).contains("needs"));
  CHECK_FALSE(library.at("functions").at(1).contains("about"));
}

TEST_CASE("how a workflow names a Python function depends on where its file lies", "[tools]") {
  auto script = text_library();
  script.python = true;
  const auto& count = script.description.functions[0];
  const auto shown = [&](const std::string& path) {
    script.path = path;
    return node::show_function(script, count, false);
  };
  CHECK(shown("./lib/app.py").find("python: \"lib/app.py:count\"") != std::string::npos);
  for (const char* far : {"../app.py", "/home/app.py"})
    CHECK(shown(far).find("below the folder of a workflow") != std::string::npos);
  CHECK(shown("app.py").find("a task must say so itself") != std::string::npos);
}

TEST_CASE("what is long is cut in a table, between two characters", "[tools]") {
  auto library = text_library();
  library.description.functions[0].description.clear();
  for (int i = 0; i < 100; ++i)
    library.description.functions[0].description += "é";
  const auto text = node::show({library}, {});
  CHECK(text.find("éé…") != std::string::npos);
  CHECK(text.find("\\x") == std::string::npos);
}

TEST_CASE("one function is shown whole, and nothing of it speaks to the terminal", "[tools]") {
  auto library = text_library();
  library.description.functions[0].description += "\x1b[2J";
  const auto text = node::show_function(library, library.description.functions[0], false);
  CHECK(text.find("And a second line.\\x1b[2J\n") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("needs        2.5 cores") != std::string::npos);
  CHECK(text.find("about        backend: torch\n") != std::string::npos);
  CHECK(text.find("in a task    function: text.count") != std::string::npos);
}
