#include "maze/io/http_session.hpp"

#include "support/http_talk.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <fstream>

using namespace maze;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using test::http_talk;

namespace {

/// What arrives until it ends with `end`.
std::string until(int fd, std::string_view end) {
  std::string all;
  char byte = 0;
  while (!all.ends_with(end) && io::wait_for(fd, false, test::patience())
         && ::recv(fd, &byte, 1, 0) == 1)
    all += byte;
  return all;
}

} // namespace

TEST_CASE("a request is answered with what its handler says") {
  const http_talk talk;
  const auto told = talk.ask(http_talk::get("/here"));
  CHECK_THAT(told, StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(told, Contains("Content-Type: text/plain\r\n"));
  CHECK_THAT(told, Contains("Content-Length: 9\r\n"));
  CHECK_THAT(told, EndsWith("\r\n\r\nGET here "));
}

TEST_CASE("the content of a request reaches its handler, in one piece or in chunks") {
  const http_talk talk;
  CHECK_THAT(talk.ask(http_talk::post("content")), EndsWith("POST p content"));
  CHECK_THAT(talk.ask("POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
             EndsWith("POST p abcde"));
}

TEST_CASE("several requests are answered in order on one connection") {
  const http_talk talk;
  CHECK_THAT(talk.ask("GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n"
                      + http_talk::get("/three")),
             Contains("GET one HTTP/1.1 200") && Contains("GET two HTTP/1.1 200")
                 && EndsWith("GET three "));
}

TEST_CASE("HEAD is answered as GET, without the content") {
  const http_talk talk;
  const auto told = talk.ask("HEAD /here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK_THAT(told, Contains("Content-Length: 9\r\n") && EndsWith("\r\n\r\n"));
}

TEST_CASE("who waits to be asked for the content is asked, once the request is admitted") {
  const http_talk talk;
  const auto fd = talk.connect();
  test::push(fd.get(), "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                       "4\r\nExpect: 100-continue\r\n\r\n");
  CHECK(until(fd.get(), "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  test::push(fd.get(), "late");
  CHECK_THAT(test::drain(fd.get()), EndsWith("POST p late"));
  CHECK_THAT(talk.ask("POST /p HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: "
                      "4\r\nExpect: 100-continue\r\n\r\n"),
             StartsWith("HTTP/1.1 401"));
}

TEST_CASE("a request that is refused gets its answer, though its content is never read") {
  const http_talk talk;
  const auto told = talk.ask(http_talk::post(std::string(1'000'000, 'x'), "Authorization: no\r\n"));
  CHECK_THAT(told, StartsWith("HTTP/1.1 401") && EndsWith("no"));
}

TEST_CASE("content beyond what was admitted is refused, told or not") {
  const http_talk talk;
  CHECK_THAT(talk.ask(http_talk::post(std::string(101, 'x'))), StartsWith("HTTP/1.1 413"));
  CHECK_THAT(talk.ask(http_talk::post(std::string(100, 'x'))), StartsWith("HTTP/1.1 200"));
  CHECK_THAT(talk.ask("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n"
                      + std::string(128, 'x') + "\r\n0\r\n\r\n"),
             StartsWith("HTTP/1.1 413"));
}

TEST_CASE("what is no HTTP is refused in words") {
  const http_talk talk;
  CHECK_THAT(talk.ask("hello\r\n\r\n"), StartsWith("HTTP/1.1 400") && Contains("no"));
  CHECK_THAT(talk.ask("GET / HTTP/1.1\r\nno colon\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  CHECK_THAT(talk.ask(http_talk::get("/%zz")),
             StartsWith("HTTP/1.1 400") && Contains("hexadecimal"));
  CHECK_THAT(talk.ask("GET /x HTTP/1.1\r\nHost: x\r\nLong: " + std::string(20'000, 'x')),
             StartsWith("HTTP/1.1 431"));
}

TEST_CASE("what cannot be told apart from the next request is refused, and nothing more is read") {
  const http_talk talk;
  for (const char* coding : {"xchunked", "chunked, gzip", "gzip"}) {
    CAPTURE(coding);
    const auto told =
        talk.ask("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + std::string(coding)
                 + "\r\n\r\nGET /inside HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_THAT(told, StartsWith("HTTP/1.1 501") && !Contains("inside"));
  }
  CHECK_THAT(talk.ask("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n0\r\n\r\n"),
             StartsWith("HTTP/1.1 400"));
  CHECK_THAT(talk.ask("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
             StartsWith("HTTP/1.1 400"));
}

TEST_CASE("an expectation that is not known is refused, and a known one in any letters is met") {
  const http_talk talk;
  CHECK_THAT(talk.ask(http_talk::post("x", "Expect: 200-ok\r\n")), StartsWith("HTTP/1.1 417"));
  CHECK_THAT(talk.ask(http_talk::post("x", "Expect: 100-Continue\r\n")),
             StartsWith("HTTP/1.1 100 Continue") && EndsWith("POST p x"));
}

TEST_CASE("headers of one name are one, so that a second cannot stand in for the first") {
  http_talk talk;
  talk.answers = [](const io::http_request& asked) {
    return io::http_reply{.type = "text/plain", .body = std::string(asked.header("host"))};
  };
  CHECK_THAT(talk.ask("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\nConnection: close\r\n\r\n"),
             EndsWith("a, b"));
  CHECK_THAT(talk.ask("GET / HTTP/1.1\r\nHost:\r\nhost: b\r\nConnection: close\r\n\r\n"),
             EndsWith("\r\n\r\n, b"));
}

TEST_CASE("a file is sent as it is, whatever its size") {
  http_talk talk;
  test::scratch_dir room;
  const std::string content(3'000'000, 'y');
  std::ofstream(room / "file") << content;
  talk.answers = [&](const io::http_request&) {
    io::http_reply out{.type = "application/octet-stream"};
    out.file.reset(::open((room / "file").c_str(), O_RDONLY | O_CLOEXEC));
    return out;
  };
  const auto told = talk.ask(http_talk::get("/f"));
  CHECK_THAT(told, Contains("Content-Length: 3000000\r\n"));
  CHECK(told.ends_with("\r\n\r\n" + content));
}

TEST_CASE("a request that does not come in time is given up") {
  const http_talk talk(
      {.head_time = std::chrono::milliseconds(50), .body_time = std::chrono::milliseconds(50)});
  CHECK(talk.ask("GET / HT").empty());
  CHECK(talk.ask("").empty());
  CHECK(talk.ask("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc").empty());
}
