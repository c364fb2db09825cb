#pragma once

#include "maze/io/openssl.hpp"

namespace maze::io {

/// OpenSSL's access to the socket `fd`, which stays the caller's. Unlike OpenSSL's own it never
/// raises SIGPIPE: a peer that hung up is an error of the write. Nothing when memory is short.
bio_ptr make_socket_bio(int fd);

} // namespace maze::io
