#pragma once

#include "maze/core/result.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace maze::io {

/// Frees what OpenSSL allocated with the function that belongs to it.
template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* x) const noexcept {
    Free(x);
  }
};

using bio_ptr = std::unique_ptr<BIO, openssl_free<BIO_free>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_free<X509_free>>;
using ssl_ptr = std::unique_ptr<SSL, openssl_free<SSL_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, openssl_free<SSL_CTX_free>>;

/// `io_error` with "<what>: <OpenSSL's reason>"; empties this thread's queue of OpenSSL errors.
inline core::error openssl_error(std::string_view what) {
  char reason[256] = "no reason given";
  if (const auto number = ERR_peek_error(); number != 0)
    ERR_error_string_n(number, reason, sizeof reason);
  ERR_clear_error();
  return {.code = core::errc::io_error, .message = std::string(what) + ": " + reason};
}

} // namespace maze::io
