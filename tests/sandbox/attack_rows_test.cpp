// The table of attacks has no row without a proof, and the README none that is not in the table.
#include "support/attack_table.hpp"
#include "support/launcher_fixture.hpp"

#include <set>
#include <sstream>

using namespace maze;

TEST_CASE("every row of the table of attacks is tried, or proved by tests that there are",
          "[sandbox][attacks]") {
  int last = 0;
  for (const auto& row : test::attack_table()) {
    INFO(row.number << ": " << row.what);
    CHECK(row.number == ++last);
    CHECK(row.ways.size() + row.proofs.size() > 0);
    for (const auto& [file, name] : row.proofs) {
      INFO(file << ": " << name);
      const auto text = test::content_of(std::string(MAZE_SOURCE_DIR "/tests/") + file);
      CHECK(text.find(std::string("\"") + name + "\",") != std::string::npos);
    }
    for (const auto& way : row.ways)
      CHECK(*way.sealed.any_of != '\0');
  }
  CHECK(last >= 68);
}

TEST_CASE("the summary of attacks in the README has every row of their table",
          "[sandbox][attacks]") {
  const auto text = test::content_of(MAZE_SOURCE_DIR "/sandbox/README.md");
  std::istringstream lines(text.substr(text.find("\n| attacks | rows |")));
  std::set<int> found;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.starts_with("|")) {
    const auto begin = line.find('|', 1) + 1;
    std::istringstream numbers(line.substr(begin, line.find('|', begin) - begin));
    for (int number = 0; numbers >> number; numbers.ignore(1, ',')) {
      INFO(number);
      CHECK(found.insert(number).second);
    }
  }
  for (const auto& row : test::attack_table()) {
    INFO(row.number << ": " << row.what);
    CHECK(found.count(row.number) == 1);
  }
}
