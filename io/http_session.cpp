#include "maze/io/http_session.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/file_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace maze::io {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

/// Of a request that was refused unread: so much more of it is taken, or so long, before the connection is closed, for
/// closing at once would take the answer back.
constexpr std::size_t unread_max = std::size_t{4} << 20;
constexpr std::chrono::seconds unread_time{2};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view class_of(std::uint32_t status) {
  return status == 413 || status == 431 ? "limit_exceeded"
         : status == 503                ? "resource_exhausted"
                                        : "malformed";
}

http_reply plain_refusal(std::uint32_t status, std::string_view why) {
  http_reply out;
  out.status = status;
  out.type = "application/json";
  out.body =
      nlohmann::json{{"error", {{"class", class_of(status)}, {"message", why}}}}.dump() + "\n";
  return out;
}

http_reply too_large() { return plain_refusal(413, "the content of the request is too large"); }

/// Of what came, and not of the connection.
bool is_fault(const error_code& failed) {
  return failed.category() == http::make_error_code(http::error::bad_method).category()
         && failed != http::error::end_of_stream && failed != http::error::partial_message;
}

class session final : public http_session, public std::enable_shared_from_this<session> {
public:
  session(boost::asio::ip::tcp::socket socket, http_surroundings& with)
      : stream_(std::move(socket)), with_(with) {}

  void start(std::function<void()> ended) override {
    ended_ = std::move(ended);
    read_head();
  }
  void refuse(std::function<void()> ended) override {
    ended_ = std::move(ended);
    parser_.emplace();
    last_ = true;
    send(plain_refusal(503, "too many connections: try again later"));
  }
  void close() override { stream_.close(); }
  [[nodiscard]] bool idle() const override { return idle_; }

private:
  void read_head() {
    idle_ = true;
    request_ = {};
    parser_.emplace();
    parser_->header_limit(with_.limits.head_max);
    // What it may have is known when the head is.
    parser_->body_limit(boost::none);
    stream_.expires_after(
        std::chrono::duration_cast<std::chrono::milliseconds>(with_.limits.head_time));
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code failed, std::size_t) { self->on_head(failed); });
  }

  void on_head(error_code failed) {
    idle_ = false;
    if (failed == http::error::header_limit || failed == http::error::buffer_overflow)
      return refuse_rest(plain_refusal(431, "the head of the request is too large"));
    if (is_fault(failed))
      return refuse_rest(plain_refusal(400, "this is not HTTP/1.1: " + failed.message()));
    if (failed)
      return end();
    const auto& head = parser_->get();
    last_ = !head.keep_alive();
    head_only_ = head.method() == http::verb::head;
    request_.method = head_only_ ? "GET" : std::string(head.method_string());
    for (const auto& field : head) {
      const auto [at, fresh] =
          request_.headers.try_emplace(lower(field.name_string()), field.value());
      if (!fresh)
        at->second.append(", ").append(field.value());
    }
    // What it does not know it would take for the next request.
    if (const auto coding = request_.header("transfer-encoding");
        !coding.empty() && lower(coding) != "chunked")
      return refuse_rest(plain_refusal(501, "only the transfer coding 'chunked' is known"));
    auto target = parse_target(std::string_view(head.target().data(), head.target().size()));
    if (!target)
      return refuse_rest(plain_refusal(400, target.error().message));
    request_.target = std::move(*target);
    auto admitted = with_.handlers.admit(request_);
    if (!admitted)
      return refuse_rest(std::move(admitted.error()));
    if (const auto length = parser_->content_length(); length && *length > *admitted)
      return refuse_rest(too_large());
    parser_->body_limit(*admitted);
    const std::string expected = lower(request_.header("expect"));
    if (expected == "100-continue")
      return ask_for_body();
    if (!expected.empty())
      return refuse_rest(plain_refusal(417, "only '100-continue' can be expected"));
    read_body();
  }

  void ask_for_body() {
    go_on_.emplace(http::status::continue_, 11);
    http::async_write(stream_, *go_on_,
                      [self = shared_from_this()](error_code failed, std::size_t) {
                        failed ? self->end() : self->read_body();
                      });
  }

  void read_body() {
    stream_.expires_after(
        std::chrono::duration_cast<std::chrono::milliseconds>(with_.limits.body_time));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code failed, std::size_t) { self->on_body(failed); });
  }

  void on_body(error_code failed) {
    if (failed == http::error::body_limit)
      return refuse_rest(too_large());
    if (is_fault(failed))
      return refuse_rest(plain_refusal(400, "this is not HTTP/1.1: " + failed.message()));
    if (failed)
      return end();
    request_.body = std::move(parser_->get().body());
    stream_.expires_never();
    boost::asio::post(with_.answers, [self = shared_from_this()] {
      auto reply =
          std::make_shared<http_reply>(self->with_.handlers.answer(std::move(self->request_)));
      boost::asio::post(self->with_.network, [self, reply] { self->send(std::move(*reply)); });
    });
  }

  void refuse_rest(http_reply reply) {
    last_ = true;
    send(std::move(reply));
  }

  template <class Body>
  void describe(http::response<Body>& out, const http_reply& reply) const {
    out.version(11);
    out.result(static_cast<unsigned>(reply.status));
    if (!reply.type.empty())
      out.set(http::field::content_type, reply.type);
    for (const auto& [name, value] : reply.headers)
      out.set(name, value);
    out.keep_alive(!last_ && !with_.ends);
  }

  void send(http_reply reply) {
    stream_.expires_after(
        std::chrono::duration_cast<std::chrono::milliseconds>(with_.limits.send_time));
    if (!reply.file) {
      auto out = std::make_shared<http::response<http::string_body>>();
      describe(*out, reply);
      out->body() = std::move(reply.body);
      out->prepare_payload();
      return write(out);
    }
    auto out = std::make_shared<http::response<http::file_body>>();
    describe(*out, reply);
    beast::file file;
    file.native_handle(reply.file.release());
    error_code failed;
    out->body().reset(std::move(file), failed);
    if (failed)
      return end();
    out->prepare_payload();
    write(out);
  }

  template <class Body>
  void write(std::shared_ptr<http::response<Body>> out) {
    auto serial = std::make_shared<http::response_serializer<Body>>(*out);
    const auto done = [self = shared_from_this(), out, serial](error_code failed, std::size_t) {
      failed ? self->end() : self->on_sent();
    };
    if (head_only_)
      http::async_write_header(stream_, *serial, done);
    else
      http::async_write(stream_, *serial, done);
  }

  void on_sent() {
    if (with_.ends)
      return end();
    if (!last_)
      return read_head();
    error_code ignored;
    stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    stream_.expires_after(unread_time);
    idle_ = true;
    take_unread();
  }

  void take_unread() {
    stream_.async_read_some(boost::asio::buffer(unread_),
                            [self = shared_from_this()](error_code failed, std::size_t bytes) {
                              self->taken_ += bytes;
                              failed || self->taken_ > unread_max ? self->end()
                                                                  : self->take_unread();
                            });
  }

  void end() {
    stream_.close();
    if (ended_)
      std::exchange(ended_, nullptr)();
  }

  beast::tcp_stream stream_;
  http_surroundings& with_;
  std::function<void()> ended_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::empty_body>> go_on_;
  http_request request_;
  bool idle_ = true;
  /// The connection ends after this answer.
  bool last_ = false;
  bool head_only_ = false;
  std::size_t taken_ = 0;
  std::array<char, 16384> unread_{};
};

} // namespace

std::shared_ptr<http_session> make_http_session(boost::asio::ip::tcp::socket socket,
                                                http_surroundings& with) {
  return std::make_shared<session>(std::move(socket), with);
}

} // namespace maze::io
