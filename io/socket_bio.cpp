#include "maze/io/socket_bio.hpp"

#include <cstddef>
#include <memory>
#include <sys/socket.h>

namespace maze::io {

namespace {

using method_ptr = std::unique_ptr<BIO_METHOD, openssl_free<BIO_meth_free>>;

int send_quietly(BIO* to, const char* data, int length) {
  int fd = -1;
  BIO_get_fd(to, &fd);
  const auto sent = ::send(fd, data, static_cast<std::size_t>(length), MSG_NOSIGNAL);
  BIO_clear_retry_flags(to);
  if (sent <= 0 && BIO_sock_should_retry(static_cast<int>(sent)) != 0)
    BIO_set_retry_write(to);
  return static_cast<int>(sent);
}

/// OpenSSL's socket BIO with another way to write.
method_ptr make_method() {
  const BIO_METHOD* model = BIO_s_socket();
  method_ptr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR,
                               "maze socket"));
  const bool filled = made && BIO_meth_set_write(made.get(), send_quietly) == 1
                      && BIO_meth_set_read(made.get(), BIO_meth_get_read(model)) == 1
                      && BIO_meth_set_ctrl(made.get(), BIO_meth_get_ctrl(model)) == 1
                      && BIO_meth_set_create(made.get(), BIO_meth_get_create(model)) == 1
                      && BIO_meth_set_destroy(made.get(), BIO_meth_get_destroy(model)) == 1;
  return filled ? std::move(made) : nullptr;
}

} // namespace

bio_ptr make_socket_bio(int fd) {
  static const method_ptr method = make_method();
  bio_ptr made(method ? BIO_new(method.get()) : nullptr);
  if (made)
    BIO_set_fd(made.get(), fd, BIO_NOCLOSE);
  return made;
}

} // namespace maze::io
