#include "maze/core/image_name.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::core;
using Catch::Contains;

namespace {

const std::string image_digest = "sha256:" + std::string(64, 'a');

std::string name_refused(const std::string& name) {
  const auto fine = check_image_name(name);
  if (fine)
    return {};
  CHECK(fine.error().code == errc::invalid_argument);
  return fine.error().message;
}

} // namespace

TEST_CASE("names that engines take are taken", "[core][image_name]") {
  for (const std::string& name :
       {std::string("debian"), std::string("debian:12"), std::string("python:3.11-slim"),
        std::string("docker.io/library/python"), std::string("localhost/x"),
        std::string("localhost:5000/x_y"), std::string("Reg-1.Example:80/a/b.c/d__e/f---g:T_1.x-"),
        std::string("a:5000"), std::string(64, '0'), image_digest, "a@" + image_digest,
        "a/b:1@" + image_digest, "a@sha512:" + std::string(128, '0'), "a:" + std::string(128, 't'),
        std::string(255, 'a')}) {
    INFO(name);
    CHECK(name_refused(name).empty());
  }
}

TEST_CASE("a name that no engine takes is refused by its wrong part", "[core][image_name]") {
  for (const char* name : {"UPPER/Case", "a/Case", "Debian", "a b", "a//b", "/a", "a/", "_a", "a_",
                           "a..b", "a___b", "a.-b", "a+b", "x.y/",
                           "ab.c"
                           "/-d"}) {
    INFO(name);
    CHECK_THAT(name_refused(name), Contains("its name") && Contains("lower-case"));
  }
  CHECK_THAT(name_refused("UPPER/Case"), Contains("\"UPPER\""));
  CHECK_THAT(name_refused(""), Contains("its name is empty"));
  CHECK_THAT(name_refused(":tag"), Contains("its name is empty"));
  CHECK_THAT(name_refused("a:"), Contains("its tag is empty"));
  for (const std::string& name : {std::string("a:.1"), std::string("a:-"), std::string("a:b:c"),
                                  std::string("a:x y"), "a:" + std::string(129, 't')}) {
    INFO(name);
    CHECK_THAT(name_refused(name), Contains("its tag \""));
  }
  for (const char* name : {"-a.b/c", "a-.b/c", "a..b/c", "a_b.c/d", ":80/c"})
    CHECK_THAT(name_refused(name), Contains("its host"));
  CHECK_THAT(name_refused("h:x/c"), Contains("its port \"x\""));
  CHECK_THAT(name_refused("h:/c"), Contains("its port is empty"));
  for (const std::string& digest : {std::string("sha256:0123abcd"), std::string("md5:0"),
                                    "sha256:" + std::string(64, 'A'), std::string()})
    CHECK_THAT(name_refused("a@" + digest), Contains("its digest"));
  CHECK_THAT(name_refused(std::string(256, 'a')), Contains("256 bytes"));
}
