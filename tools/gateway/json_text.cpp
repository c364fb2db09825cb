#include "gateway/json_text.hpp"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

namespace maze::gateway {

namespace {

using nlohmann::json;

/// Sees what a parser would silently change: it makes floats of large integers, and keeps one of several equal keys.
class strict_reader : public nlohmann::json_sax<json> {
public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t& text) override {
    if (text.find_first_of(".eE") != string_t::npos)
      return true;
    return refuse(core::errc::malformed,
                  fmt::format("the number {} has more than 64 bits", text.substr(0, 50)));
  }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second)
      return true;
    return refuse(core::errc::malformed,
                  fmt::format("the key '{}' stands twice in one object", name.substr(0, 100)));
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&,
                   const json::exception& fault) override {
    constexpr int out_of_range = 406;
    return refuse(core::errc::malformed,
                  fault.id == out_of_range ? "this JSON has a number beyond all bounds"
                                           : fmt::format("this is no JSON: see byte {}", position));
  }

  core::error why;

private:
  bool open() {
    keys_.emplace_back();
    if (keys_.size() <= json_depth_max)
      return true;
    return refuse(core::errc::limit_exceeded,
                  fmt::format("the JSON is nested more than {} deep", json_depth_max));
  }
  bool close() {
    keys_.pop_back();
    return true;
  }
  bool refuse(core::errc code, std::string message) {
    why = {.code = code, .message = std::move(message), .origin = "gateway"};
    return false;
  }

  /// Of each object and array that is open; arrays have none.
  std::vector<std::set<string_t>> keys_;
};

} // namespace

core::result<json> read_json(std::string_view text) {
  strict_reader reader;
  if (!json::sax_parse(text, &reader))
    return core::fail(std::move(reader.why));
  return json::parse(text);
}

} // namespace maze::gateway
